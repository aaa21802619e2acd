"""Sweepers: what is allowed for below the interval."""

from random import Random

import pytest

from expiry.samples import TIMEOUT_S, evidence
from statetrail.expiry import infer
from statetrail.expiry.bounds import threshold
from statetrail.expiry.summaries import EventTable
from statetrail.expiry.sweep import sweep


def test_a_soft_threshold_is_bounded_where_it_begins() -> None:
    """Ends begin at the timeout and survivals stop half of it later."""
    chance = Random(1)
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S * (1 + 0.5 * chance.random()))
    sharp = threshold(*uses.summary("idle"))
    assert sharp.low_s is not None
    assert sharp.high_s is not None
    assert sharp.low_s > TIMEOUT_S
    exact = (sharp.low_s, sharp.high_s)
    low_s, high_s = sweep(EventTable.of(uses, ("idle",)), exact, exact)
    assert low_s < TIMEOUT_S
    assert high_s > 1.4 * TIMEOUT_S
    found = infer(uses).idle
    assert found.low_s is not None
    assert found.low_s < TIMEOUT_S


@pytest.mark.parametrize("seed", [0, 1, 34])
def test_the_middle_of_limits_that_differ_by_value_is_in_the_interval(seed: int) -> None:
    """Each value has a limit of its own, a fifth more or less; of some few all end early."""
    chance, limit_s = Random(seed), 0.0

    def dies(idle: float, age: float) -> bool:
        nonlocal limit_s
        if idle == age:
            limit_s = TIMEOUT_S * chance.uniform(0.8, 1.2)
        return idle >= limit_s

    found = infer(evidence(dies, clients=6, uses=40, seed=seed)).idle
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s < TIMEOUT_S <= found.high_s


def test_an_interval_stays_within_a_step_where_no_sweeper_is_likely() -> None:
    """Many uses of an exact server: a tenth is enough, and the plain interval is held."""
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S, clients=20, uses=80)
    summary = uses.summary("idle")
    plain, found = threshold(*summary, tolerance=1), infer(uses).idle
    assert plain.low_s is not None
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s <= plain.low_s
    assert found.high_s - found.low_s <= 0.1 * TIMEOUT_S
