"""Collections that come at random, held against many that were drawn."""

import numpy as np
import pytest

from statetrail.expiry.likelihood.collections import Quiet, log_collected

DRAWS = 40_000


@pytest.mark.parametrize("seed", range(4))
def test_the_chance_that_collections_end_these_and_spare_those_is_that_of_drawn_ones(
    seed: int,
) -> None:
    """Spans that overlap, hold each other, and lie in part in time that was quiet."""
    rng = np.random.default_rng(seed)
    begins = rng.uniform(0, 8, 7)
    ends = begins + rng.uniform(0.6, 4, 7)
    quiet_begins = rng.uniform(0, 10, 3)
    quiet_ends = quiet_begins + rng.uniform(0.1, 0.6, 3)
    quiet = Quiet.of(quiet_begins, quiet_ends)
    rate = 0.5
    moments = rng.uniform(0, 12, (DRAWS, 30))
    moments[np.arange(30) >= rng.poisson(12 * rate, DRAWS)[:, None]] = -1
    hits = (moments[..., None] >= begins) & (moments[..., None] < ends)
    spared = (moments[..., None] < quiet_begins) | (moments[..., None] >= quiet_ends)
    drawn = (hits.any(axis=1).all(axis=1) & spared.all(axis=(1, 2))).mean()
    spans = (quiet.taken_out(at) for at in (begins, ends))
    chance = np.exp(log_collected(*spans, np.array([rate]))[0] - rate * quiet.total_s)
    assert chance == pytest.approx(drawn, abs=4 * np.sqrt(drawn / DRAWS))
    assert drawn > 0.001


def test_time_is_quiet_once() -> None:
    """Values that survived at the same time say of it once that no collection came."""
    quiet = Quiet.of(np.array([5.0, 1.0, 2.0, 1.5]), np.array([6.0, 3.0, 4.0, 2.0]))
    assert quiet.total_s == 4.0
    moments = np.array([0.0, 1.0, 2.0, 4.0, 4.5, 6.0, 7.0])
    assert quiet.taken_out(moments).tolist() == [0.0, 1.0, 1.0, 1.0, 1.5, 2.0, 3.0]
    nothing = Quiet.of(np.empty(0), np.empty(0))
    assert (nothing.total_s, nothing.taken_out(moments).tolist()) == (0.0, moments.tolist())


def test_what_holds_another_span_adds_nothing() -> None:
    """Nor does the same span twice; an empty one cannot have been hit."""
    rates = np.array([0.1, 2.0])
    one = log_collected(np.array([3.0]), np.array([4.0]), rates)
    more = log_collected(np.array([0.0, 3.0, 3.0]), np.array([9.0, 4.0, 4.0]), rates)
    assert more == pytest.approx(one)
    assert np.all(log_collected(np.array([1.0]), np.array([1.0]), rates) == -np.inf)


def test_very_many_spans_that_overlap_are_weighed_at_fewer_places() -> None:
    """Tokens that all lay unused in one night, found ended in the order of their last uses."""
    rates = np.array([0.05, 0.5])
    begins = np.linspace(0, 4, 1_000)
    many = log_collected(begins, begins + 5, rates)
    few = log_collected(begins[::25], begins[::25] + 5, rates)
    assert many == pytest.approx(few, rel=0.05)
