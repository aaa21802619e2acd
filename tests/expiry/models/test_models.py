"""The models against slow ones: loops over uses, integrals by brute force."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expiry.samples import evidence, two_populations
from statetrail.expiry import Ballots, Evidence
from statetrail.expiry.error_model import HAZARDS
from statetrail.expiry.mass_expiry import instants
from statetrail.expiry.models.populations import LOSSES, LUCK, SHARES, populations
from statetrail.expiry.models.single_limit import single_limit
from statetrail.expiry.models.soft_threshold import zone
from statetrail.expiry.numerics import Reals, log_gamma, log_sum
from statetrail.expiry.touch_interval import noted
from statetrail.expiry.trials import Trials


@given(st.floats(1e-3, 1e6))
def test_the_gamma_function(x: float) -> None:
    """As the standard library has it."""
    assert float(log_gamma(x)) == pytest.approx(math.lgamma(x), rel=1e-11, abs=1e-11)


def test_votes_are_those_of_a_loop() -> None:
    """The longest survived and the fatal span of each value."""
    uses = evidence(lambda gap, age: gap >= 1800)
    ballots = Ballots.of(uses)
    for value in range(uses.values):
        own = uses.value == value
        lived, dead = uses.gap_low_s[own & uses.survived], uses.gap_high_s[own & uses.ended]
        assert ballots.outlived_gap[value] == max(lived, default=0.0)
        assert ballots.ended_gap[value] == min(dead, default=np.inf)


def beta_bernoulli(events: int, trials: int, a: float, b: float) -> float:
    """One sequence with so many events, its rate averaged."""
    parts = (a + events, b + trials - events, a + b), (a + b + trials, a, b)
    return sum(map(math.lgamma, parts[0])) - sum(map(math.lgamma, parts[1]))


def slow_limit(trials: Trials, span: str, limits: Sequence[float]) -> float:
    """The evidence of one limit by a sum over very many limits, each by counting."""
    lived, fatal = trials.lived(span), trials.fatal(span)
    longest = trials.longest(span)
    total = []
    for limit in limits:
        lost, kept = fatal < limit, lived < limit
        explained = ~lost & (longest[trials.fatal_value] < limit)
        if np.count_nonzero(~lost) < max(2, 0.5 * trials.ends):
            continue
        ways = []
        for unexplained, spared, lucky, due in (
            (lost, kept, np.count_nonzero(~kept), np.count_nonzero(~lost)),
            (~explained, kept | True, np.count_nonzero(longest >= limit), explained.sum()),
        ):
            n, k = np.count_nonzero(unexplained), np.count_nonzero(spared)
            at_use = beta_bernoulli(n, n + k, 0.5, 100)
            gaps, ended = trials.lived_gap[spared].sum(), trials.fatal_gap[unexplained]
            any_time = [np.log(-np.expm1(-h * ended)).sum() - h * gaps for h in HAZARDS]
            some = log_sum([at_use, log_sum(any_time) - math.log(len(HAZARDS))]) + math.log(
                0.5 * 0.4
            )
            losses = log_sum([some, math.log(0.6) if not n else -np.inf])
            luck = beta_bernoulli(int(lucky), int(lucky + due), 0.5, 20) + math.log(0.25)
            ways.append(losses + log_sum([luck, math.log(0.75) if not lucky else -np.inf]))
        total.append(log_sum(ways) + math.log(0.5))
    # All log-uniform on ten seconds to thirty days, with 0.99.
    inside = math.log(limits[-1] / limits[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(limits))


@pytest.mark.parametrize("span", ["gap", "age"])
def test_the_evidence_of_one_limit_is_the_integral(span: str) -> None:
    """The exact sum over cells, against a Riemann sum over ten thousand limits."""
    random = Random(5)
    uses = evidence(lambda gap, age: gap >= 1800 or random.random() < 0.02, clients=5, uses=25)
    trials = Trials.of(uses)
    slow = slow_limit(trials, span, np.geomspace(10, 300_000, 10_000).tolist())
    assert single_limit(trials, span) == pytest.approx(slow, abs=0.2)


def slow_zone(trials: Trials, span: str, begins: Reals, widths: Reals) -> float:
    """The evidence of a grey zone by a sum over very many, each by counting."""
    lived, fatal = trials.lived(span), trials.fatal(span)
    hazards = HAZARDS[::3]
    total = []
    for begin in begins.tolist():
        lost, kept = fatal <= begin, lived <= begin
        n, k = np.count_nonzero(lost), np.count_nonzero(kept)
        gaps, ended = trials.lived_gap[kept].sum(), trials.fatal_gap[lost]
        any_time = [np.log(-np.expm1(-h * ended)).sum() - h * gaps for h in hazards]
        some = [beta_bernoulli(n, n + k, 0.5, 100), log_sum(any_time) - math.log(len(hazards))]
        losses = log_sum([log_sum(some) + math.log(0.5 * 0.4), -np.inf if n else math.log(0.6)])
        for end in (begin * (1 + widths)).tolist():
            dead, alive = fatal[~lost & (fatal <= end)], lived[~kept & (lived < end)]
            if min(len(dead), len(alive)) < 2:
                continue
            evenly = beta_bernoulli(len(dead), len(dead) + len(alive), 1, 1)
            chances = np.concatenate([dead - begin, end - alive]) / (end - begin)
            inside = log_sum([evenly, np.log(np.maximum(chances, 1e-3)).sum()]) + math.log(0.5)
            lucky = np.count_nonzero(lived >= end)
            luck = beta_bernoulli(lucky, lucky + np.count_nonzero(~lost), 0.5, 20) + math.log(0.25)
            above = log_sum([luck, -np.inf if lucky else math.log(0.75)])
            total.append(losses + inside + above)
    inside = math.log(begins[-1] / begins[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(begins) / len(widths))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_evidence_of_a_grey_zone_is_the_integral(seed: int) -> None:
    """The sum over cells, against one over begins and widths that are even on a log scale."""
    random = Random(seed)
    uses = evidence(lambda gap, age: gap >= 1800 * random.uniform(1, 1.5), clients=6, seed=seed)
    trials = Trials.of(uses)
    slow = slow_zone(trials, "gap", np.geomspace(900, 3600, 300), np.geomspace(0.01, 1, 100))
    assert zone(trials, "gap").log_evidence == pytest.approx(slow, abs=0.7)


def slow_populations(trials: Trials, span: str, firsts: Reals, ratios: Reals) -> float:
    """The evidence of two limits by a sum over very many pairs, client by client."""
    total = []
    of_client = [
        [trials.fatal(span)[trials.fatal_client == c], trials.lived(span)[trials.lived_client == c]]
        for c in range(trials.clients)
    ]
    for first in firsts.tolist():
        for ratio in (*ratios.tolist(), np.inf):
            counts = np.array(
                [
                    [
                        [np.count_nonzero(spans < limit), np.count_nonzero(spans >= limit)]
                        for limit in (first, first * ratio)
                        for spans in (fatal, lived)
                    ]
                    for fatal, lived in of_client
                ]
            ).reshape(len(of_client), 2, 4)
            forbidden, unmet = counts[:, 0, 3] > counts[:, 1, 3], counts[:, 1, 0] > counts[:, 0, 0]
            if not forbidden.any() or not unmet.any():
                continue
            prior = 0.2 if ratio == np.inf else 0.8 / len(ratios)
            each = []
            for (loss, likely), (luck, probable) in product(LOSSES, LUCK):
                logs = counts @ np.log([loss, 1 - luck, 1 - loss, luck])
                for share in SHARES:
                    mixed = np.logaddexp(logs[:, 0] + np.log(1 - share), logs[:, 1] + np.log(share))
                    each.append(mixed.sum() + math.log(likely * probable / len(SHARES)))
            total.append(log_sum(each) + math.log(prior))
    inside = math.log(firsts[-1] / firsts[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(firsts))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_evidence_of_two_populations_is_the_integral(seed: int) -> None:
    """The best pairs of cells, against all pairs of limits that are even on a log scale."""
    trials = Trials.of(two_populations(clients=4, uses=40, seed=seed))
    slow = slow_populations(trials, "gap", np.geomspace(500, 2000, 40), np.geomspace(1.25, 10, 60))
    found = populations(trials, "gap")
    assert log_sum([found.log_evidence, found.log_doubt]) == pytest.approx(slow, abs=0.5)


def test_a_limit_that_rests_on_one_end_makes_no_population() -> None:
    """However many survivals the shorter limit forbids."""
    trials = Trials.of(evidence(lambda gap, age: gap >= 1800))
    first = trials.fatal_gap.argmin()
    # One value ended after a gap that all others outlive.
    lossy = replace(
        trials, fatal_gap=np.where(np.arange(trials.ends) == first, 300, trials.fatal_gap)
    )
    found = populations(lossy, "gap")
    assert found.log_evidence < found.log_doubt - 5


@pytest.mark.parametrize(
    ("outliving", "ends_later", "firm"), [(1, True, False), (2, False, False), (2, True, True)]
)
def test_one_client_makes_a_population_by_two_values_and_an_end(
    outliving: int, ends_later: bool, firm: bool
) -> None:
    """Somebody may keep a value alive out of sight, or all of one client's."""
    trials = Trials.of(evidence(lambda gap, age: gap >= 1800))
    own = np.flatnonzero(trials.fatal_client == 0)
    outlived, others = trials.fatal_value[own[:outliving]], own[outliving:]
    # None of its values is in the population of the others.
    spans = trials.fatal_gap.copy()
    spans[others] = 5000.0
    ended = np.isin(np.arange(trials.ends), own[: outliving if ends_later else None], invert=True)
    apart = replace(
        trials,
        lived_gap=np.append(trials.lived_gap, np.full(outliving, 4000.0)),
        lived_age=np.append(trials.lived_age, np.full(outliving, 4000.0)),
        lived_value=np.append(trials.lived_value, outlived),
        lived_client=np.append(trials.lived_client, np.zeros(outliving, dtype=np.int64)),
        fatal_gap=spans[ended],
        fatal_age=trials.fatal_age[ended],
        fatal_value=trials.fatal_value[ended],
        fatal_client=trials.fatal_client[ended],
    )
    found = populations(apart, "gap")
    assert (found.log_evidence > found.log_doubt) is firm


def test_gaps_are_counted_from_the_last_noted_use() -> None:
    """Against a walk through each value's uses."""
    uses = evidence(lambda gap, age: gap >= 1800, clients=4)
    throttle = 120.0
    fast = noted(uses, throttle)
    for value in range(uses.values):
        own = np.flatnonzero(uses.value == value)
        at = uses.at_us[own] / 1e6
        last = at[0] - uses.gap_low_s[own[0]]
        for place, now in zip(own, at, strict=True):
            assert fast.gap_high_s[place] == pytest.approx(now - last, abs=0.05)
            if now - last >= throttle - 0.02:
                last = now


def crashing(moments_s: Sequence[float]) -> Evidence:
    """An idle timeout, and moments at which every value goes."""
    rows = []
    random = Random(8)
    for client in range(12):
        now = used = born = random.uniform(0, 900.0)
        value = 0
        while now < 100_000:
            now += random.lognormvariate(0, 1) * (20 if random.random() < 0.5 else 600)
            crashed = any(used < moment <= now for moment in moments_s)
            ended = now - used >= 1800 or crashed
            gap, age = now - used, now - born
            rows.append((f"{client}/{value}", client, now, ended, gap, age))
            used = now
            if ended:
                value, born = value + 1, now
    value, client, at, ended, gap, age = zip(*rows, strict=True)
    dead = np.array(ended)
    return Evidence.of(
        value=value,
        client=client,
        at_us=np.array(at) * 1e6,
        survived=~dead,
        ended=dead,
        gap_low_s=np.array(gap) - 0.01,
        gap_high_s=np.array(gap) + 0.01,
        age_low_s=np.array(age) - 0.01,
        age_high_s=np.array(age) + 0.01,
    )


def test_a_restart_is_found_and_taken_out() -> None:
    """Every value went by one moment, for no other reason."""
    uses = crashing([40_000.5, 70_000.5])
    found = instants(uses)
    assert len(found.restarts_us) == 2
    assert all(
        abs(at / 1e6 - moment) < 900
        for at, moment in zip(found.restarts_us, (40_000, 70_000), strict=True)
    )
    assert not (found.spoiled & uses.survived).any()
    assert instants(crashing([])).restarts_us == ()


def test_a_calendar_is_found() -> None:
    """Every value goes at each full three hours."""
    hours = 3 * 3600.0
    assert instants(crashing([hours * n for n in range(1, 10)])).calendar_s == hours
