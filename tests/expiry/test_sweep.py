"""Sweepers: what is allowed for below the interval."""

from random import Random

from expiry.samples import TIMEOUT_S, evidence
from statetrail.expiry import infer
from statetrail.expiry.bounds import threshold
from statetrail.expiry.summaries import EventTable
from statetrail.expiry.sweep import sweep_low


def test_a_soft_threshold_is_bounded_where_it_begins() -> None:
    """Ends begin at the timeout and survivals stop half of it later."""
    chance = Random(1)
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S * (1 + 0.5 * chance.random()))
    sharp = threshold(*uses.summary("idle"))
    assert sharp.low_s is not None
    assert sharp.high_s is not None
    assert sharp.low_s > TIMEOUT_S
    exact = (sharp.low_s, sharp.high_s)
    assert sweep_low(EventTable.of(uses, ("idle",)), exact, exact) < TIMEOUT_S
    found = infer(uses).idle
    assert found.low_s is not None
    assert found.low_s < TIMEOUT_S


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
