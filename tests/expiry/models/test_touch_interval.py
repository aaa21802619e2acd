"""Throttled renewal: idle times since the last noted use, and the timeouts that it allows."""

import numpy as np
import pytest

from expiry.samples import TIMEOUT_S, evidence, touching
from statetrail.expiry import Evidence
from statetrail.expiry.bounds import threshold
from statetrail.expiry.models.touch_interval import (
    SMALLEST,
    USUAL,
    latest,
    since_noted,
    touch_interval,
)


def test_gaps_are_counted_from_the_last_noted_use() -> None:
    """Against a walk through each value's uses."""
    uses = evidence(lambda idle, age: idle >= 1800, clients=4)
    touch_interval_s = 120.0
    fast = since_noted(uses, touch_interval_s)
    for value in range(uses.values):
        own = np.flatnonzero(uses.value == value)
        at = uses.request_start_us[own] / 1e6
        last = at[0] - uses.idle_low_s[own[0]]
        for place, now in zip(own, at, strict=True):
            assert fast.idle_high_s[place] == pytest.approx(now - last, abs=0.05)
            if now - last >= touch_interval_s - 0.02:
                last = now


@pytest.mark.parametrize(
    ("share", "values"), [(SMALLEST, 60), (0.1, 60), (0.25, 60), (USUAL, 60), (USUAL, 30)]
)
def test_no_touch_interval_hides_a_longer_timeout(share: float, values: int) -> None:
    """Plain idle times put the timeout too low; the highest end over all intervals does not."""
    missed = 0
    for seed in range(6):
        uses = touching(share * TIMEOUT_S, seed, values)
        plain = threshold(*uses.summary("idle")).high_s
        assert plain is not None
        missed += plain < TIMEOUT_S
        assert latest(uses) * 1.02 >= TIMEOUT_S
    assert missed > 0 or share == SMALLEST


@pytest.mark.parametrize("share", [1e-9, 0.05, 0.3])
def test_gaps_since_the_last_noted_use_are_what_a_plain_loop_counts(share: float) -> None:
    """From use to use of each value; the first is counted from its birth."""
    uses, touch_interval_s = touching(0.2 * TIMEOUT_S, seed=7, values=20), share * TIMEOUT_S
    plain, last = [], dict[int, float]()
    for value, at_us, low, high in zip(
        uses.value.tolist(),
        uses.request_start_us.tolist(),
        uses.idle_low_s,
        uses.idle_high_s,
        strict=True,
    ):
        at = at_us / 1e6
        idle = at - last.setdefault(value, at - (low + high) / 2)
        plain.append(idle)
        if idle >= touch_interval_s:
            last[value] = at
    assert since_noted(uses, touch_interval_s).idle_high_s == pytest.approx(plain, abs=0.05)


def test_an_exact_server_is_not_bounded_much_more_widely() -> None:
    """Where few uses follow each other closely, a touch interval changes hardly any idle time."""
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S)
    plain = threshold(*uses.summary("idle")).high_s
    assert plain is not None
    assert plain <= latest(uses) <= 1.3 * plain


def test_no_touch_interval_is_sought_where_none_can_matter() -> None:
    """A limit on the age: even if every end were an interval late, no timeout explains them."""
    uses = evidence(lambda idle, age: age >= 7200)
    assert touch_interval(uses).log_evidence < -50
    assert touch_interval(uses, -20.0).log_evidence == -np.inf


def test_what_nobody_knows_the_length_of_is_not_counted_in() -> None:
    """A use of unknown idle time (the clock was set back): the last noted one lies beyond it."""
    uses = Evidence.of(
        value=[0, 0, 0],
        client=[0, 0, 0],
        request_start_us=[1_000_000, 101_000_000, 111_000_000],
        survived=[True, True, False],
        ended=[False, False, True],
        idle_low_s=[1.0, np.nan, 10.0],
        idle_high_s=[1.0, np.nan, 10.0],
        age_low_s=[1.0, np.nan, np.nan],
        age_high_s=[1.0, np.nan, np.nan],
    )
    noted = since_noted(uses, 1000.0)
    assert noted.idle_low_s.tolist() == [1.0, 0.0, 10.0]
    assert noted.idle_high_s.tolist() == [1.0, np.inf, np.inf]
