"""Servers that are not exact about their timeout: what is allowed for, below and above."""

from random import Random

import numpy as np
import pytest

from expiry.samples import evidence
from statetrail.expiry import Evidence, infer
from statetrail.expiry.sweep import swept
from statetrail.expiry.thresholds import threshold
from statetrail.expiry.touch_interval import SMALLEST, USUAL, latest, noted, throttled
from statetrail.expiry.trials import Trials

TIMEOUT_S = 1800.0


def throttling(throttle_s: float, seed: int, values: int = 60) -> Evidence:
    """A server that notes a use only where the last noted one lies a throttle back."""
    chance = Random(seed)
    rows: list[tuple[int, int, float, float, float, bool]] = []
    for value in range(values):
        now = noted = used = 0.0
        while True:
            short = 0.1 if chance.random() < 0.7 else 1.0
            now = used + TIMEOUT_S * short * chance.lognormvariate(-0.7, 0.8)
            dead = now - noted >= TIMEOUT_S
            rows.append((value, value % 9, now, now - used, now, dead))
            if dead:
                break
            if now - noted >= throttle_s:
                noted = now
            used = now
    value, client, at, gap, age, dead = (np.array(column) for column in zip(*rows, strict=True))
    return Evidence.of(
        value=value,
        client=client,
        at_us=np.round(1e6 * at).astype(np.int64),
        survived=~dead,
        ended=dead,
        gap_low_s=gap - 0.01,
        gap_high_s=gap + 0.01,
        age_low_s=age - 0.01,
        age_high_s=age + 0.01,
    )


@pytest.mark.parametrize("share", [SMALLEST, 0.1, 0.25, USUAL])
def test_no_throttle_hides_a_longer_timeout(share: float) -> None:
    """Gaps alone put the timeout too low; the highest end over all throttles does not."""
    missed = 0
    for seed in range(6):
        uses = throttling(share * TIMEOUT_S, seed)
        plain = threshold(*uses.votes("gap")).high_s
        assert plain is not None
        missed += plain < TIMEOUT_S
        assert latest(uses) * 1.02 >= TIMEOUT_S
    assert missed > 0 or share == SMALLEST


@pytest.mark.parametrize("share", [1e-9, 0.05, 0.3])
def test_gaps_since_the_last_noted_use_are_what_a_plain_loop_counts(share: float) -> None:
    """From use to use of each value; the first is counted from its birth."""
    uses, throttle_s = throttling(0.2 * TIMEOUT_S, seed=7, values=20), share * TIMEOUT_S
    plain, last = [], dict[int, float]()
    for value, at_us, low, high in zip(
        uses.value.tolist(), uses.at_us.tolist(), uses.gap_low_s, uses.gap_high_s, strict=True
    ):
        at = at_us / 1e6
        gap = at - last.setdefault(value, at - (low + high) / 2)
        plain.append(gap)
        if gap >= throttle_s:
            last[value] = at
    assert noted(uses, throttle_s).gap_high_s == pytest.approx(plain, abs=0.05)


def test_an_exact_server_is_not_bounded_much_more_widely() -> None:
    """Where few uses follow each other closely, a throttle changes hardly any gap."""
    uses = evidence(lambda gap, age: gap >= TIMEOUT_S)
    plain = threshold(*uses.votes("gap")).high_s
    assert plain is not None
    assert plain <= latest(uses) <= 1.3 * plain


def test_a_zone_is_bounded_where_it_begins() -> None:
    """Ends begin at the timeout and survivals stop half of it later."""
    chance = Random(1)
    uses = evidence(lambda gap, age: gap >= TIMEOUT_S * (1 + 0.5 * chance.random()))
    sharp = threshold(*uses.votes("gap"))
    assert sharp.low_s is not None
    assert sharp.high_s is not None
    assert sharp.low_s > TIMEOUT_S
    exact = (sharp.low_s, sharp.high_s)
    assert swept(Trials.of(uses, ("gap",)), "gap", exact, exact) < TIMEOUT_S
    found = infer(uses).idle
    assert found.low_s is not None
    assert found.low_s < TIMEOUT_S


def test_an_interval_stays_within_a_step_where_no_sweeper_is_likely() -> None:
    """Many uses of an exact server: a tenth is enough, and the plain interval is held."""
    uses = evidence(lambda gap, age: gap >= TIMEOUT_S, clients=20, uses=80)
    votes = uses.votes("gap")
    plain, found = threshold(*votes, tolerance=1), infer(uses).idle
    assert plain.low_s is not None
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s <= plain.low_s
    assert found.high_s - found.low_s <= 0.1 * TIMEOUT_S


def test_no_throttle_is_sought_where_none_can_matter() -> None:
    """A limit on the age: even if every end were a throttle late, no timeout explains them."""
    uses = evidence(lambda gap, age: age >= 7200)
    assert throttled(uses).log_evidence < -50
    assert throttled(uses, -20.0).log_evidence == -np.inf
