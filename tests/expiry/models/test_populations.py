"""The evidence of two populations against a slow integral, and what makes one."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from expiry.samples import evidence, two_populations
from statetrail.expiry.evidence import Span
from statetrail.expiry.models.populations import END_RATES, SHARES, SURVIVAL_RATES, populations
from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.summaries import EventTable


def slow_populations(events: EventTable, span: Span, firsts: Reals, ratios: Reals) -> float:
    """The evidence of two limits by a sum over very many pairs, client by client."""
    total = []
    of_client = [
        [events.fatal[span][events.fatal_client == c], events.lived[span][events.lived_client == c]]
        for c in range(events.clients)
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
            for (end_rate, likely), (survival_rate, probable) in product(END_RATES, SURVIVAL_RATES):
                logs = counts @ np.log([end_rate, 1 - survival_rate, 1 - end_rate, survival_rate])
                for share in SHARES:
                    mixed = np.logaddexp(logs[:, 0] + np.log(1 - share), logs[:, 1] + np.log(share))
                    each.append(mixed.sum() + math.log(likely * probable / len(SHARES)))
            total.append(log_sum(each) + math.log(prior))
    inside = math.log(firsts[-1] / firsts[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(firsts))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_evidence_of_two_populations_is_the_integral(seed: int) -> None:
    """The best pairs of cells, against all pairs of limits that are even on a log scale."""
    events = EventTable.of(two_populations(clients=4, uses=40, seed=seed))
    slow = slow_populations(events, "idle", np.geomspace(500, 2000, 40), np.geomspace(1.25, 10, 60))
    found = populations(events, "idle")
    assert log_sum([found.log_evidence, found.log_doubt]) == pytest.approx(slow, abs=0.5)


def test_a_limit_that_rests_on_one_end_makes_no_population() -> None:
    """However many survivals the shorter limit forbids."""
    events = EventTable.of(evidence(lambda idle, age: idle >= 1800))
    first = events.fatal["idle"].argmin()
    # One value ended after an idle time that all others outlive.
    lossy = replace(
        events, fatal={"idle": np.where(np.arange(events.ends) == first, 300, events.fatal["idle"])}
    )
    found = populations(lossy, "idle")
    assert found.log_evidence < found.log_doubt - 5


@pytest.mark.parametrize(
    ("outliving", "ends_later", "firm"), [(1, True, False), (2, False, False), (2, True, True)]
)
def test_one_client_makes_a_population_by_two_values_and_an_end(
    outliving: int, ends_later: bool, firm: bool
) -> None:
    """Somebody may keep a value alive out of sight, or all of one client's."""
    events = EventTable.of(evidence(lambda idle, age: idle >= 1800))
    own = np.flatnonzero(events.fatal_client == 0)
    outlived, others = events.fatal_value[own[:outliving]], own[outliving:]
    # None of its values is in the population of the others.
    spans = events.fatal["idle"].copy()
    spans[others] = 5000.0
    ended = np.isin(np.arange(events.ends), own[: outliving if ends_later else None], invert=True)
    apart = replace(
        events,
        lived={s: np.append(x, np.full(outliving, 4000.0)) for s, x in events.lived.items()},
        lived_value=np.append(events.lived_value, outlived),
        lived_client=np.append(events.lived_client, np.zeros(outliving, dtype=np.int64)),
        fatal={"idle": spans[ended], "age": events.fatal["age"][ended]},
        fatal_value=events.fatal_value[ended],
        fatal_client=events.fatal_client[ended],
    )
    found = populations(apart, "idle")
    assert (found.log_evidence > found.log_doubt) is firm
