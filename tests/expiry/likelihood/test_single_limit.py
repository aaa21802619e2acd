"""The evidence of one limit against a slow integral."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from expiry.samples import beta_bernoulli, evidence
from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import HAZARDS
from statetrail.expiry.likelihood.single_limit import single_limit
from statetrail.expiry.numerics import log_sum
from statetrail.expiry.summaries import EventTable


def slow_limit(events: EventTable, span: Span, limits: Sequence[float]) -> float:
    """The evidence of one limit by a sum over very many limits, each by counting."""
    lived, fatal = events.lived[span], events.fatal[span]
    longest = events.longest(span)
    total = []
    for limit in limits:
        lost, kept = fatal < limit, lived < limit
        explained = ~lost & (longest[events.fatal_value] < limit)
        if np.count_nonzero(~lost) < max(2, 0.5 * events.ends):
            continue
        ways = []
        for unexplained, below, above, explained_ends in (
            (lost, kept, np.count_nonzero(~kept), np.count_nonzero(~lost)),
            (~explained, kept | True, np.count_nonzero(longest >= limit), explained.sum()),
        ):
            n, k = np.count_nonzero(unexplained), np.count_nonzero(below)
            at_use = beta_bernoulli(n, n + k, 0.5, 100)
            gaps, ended = events.lived["idle"][below].sum(), events.fatal["idle"][unexplained]
            any_time = [np.log(-np.expm1(-h * ended)).sum() - h * gaps for h in HAZARDS]
            some = log_sum([at_use, log_sum(any_time) - math.log(len(HAZARDS))]) + math.log(
                0.5 * 0.4
            )
            log_ends = log_sum([some, math.log(0.6) if not n else -np.inf])
            log_survivals = beta_bernoulli(
                int(above), int(above + explained_ends), 0.5, 20
            ) + math.log(0.25)
            ways.append(
                log_ends + log_sum([log_survivals, math.log(0.75) if not above else -np.inf])
            )
        total.append(log_sum(ways) + math.log(0.5))
    # All log-uniform on ten seconds to thirty days, with 0.99.
    inside = math.log(limits[-1] / limits[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(limits))


@pytest.mark.parametrize("span", ["idle", "age"])
def test_the_evidence_of_one_limit_is_the_integral(span: Span) -> None:
    """The exact sum over cells, against a Riemann sum over ten thousand limits."""
    random = Random(5)
    uses = evidence(lambda idle, age: idle >= 1800 or random.random() < 0.02, clients=5, uses=25)
    events = EventTable.of(uses)
    slow = slow_limit(events, span, np.geomspace(10, 300_000, 10_000).tolist())
    assert single_limit(events, span) == pytest.approx(slow, abs=0.2)
