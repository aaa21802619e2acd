"""The evidence of a soft threshold against a slow integral."""

import math
from random import Random

import numpy as np
import pytest

from expiry.samples import beta_bernoulli, evidence
from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import HAZARDS
from statetrail.expiry.models.soft_threshold import soft_threshold
from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.summaries import EventTable


def slow_soft_threshold(events: EventTable, span: Span, begins: Reals, widths: Reals) -> float:
    """The evidence of a soft threshold by a sum over very many, each by counting."""
    lived, fatal = events.lived[span], events.fatal[span]
    hazards = HAZARDS[::3]
    total = []
    for begin in begins.tolist():
        lost, kept = fatal <= begin, lived <= begin
        n, k = np.count_nonzero(lost), np.count_nonzero(kept)
        gaps, ended = events.lived["idle"][kept].sum(), events.fatal["idle"][lost]
        any_time = [np.log(-np.expm1(-h * ended)).sum() - h * gaps for h in hazards]
        some = [beta_bernoulli(n, n + k, 0.5, 100), log_sum(any_time) - math.log(len(hazards))]
        log_ends = log_sum([log_sum(some) + math.log(0.5 * 0.4), -np.inf if n else math.log(0.6)])
        for end in (begin * (1 + widths)).tolist():
            dead, alive = fatal[~lost & (fatal <= end)], lived[~kept & (lived < end)]
            if min(len(dead), len(alive)) < 2:
                continue
            evenly = beta_bernoulli(len(dead), len(dead) + len(alive), 1, 1)
            chances = np.concatenate([dead - begin, end - alive]) / (end - begin)
            inside = log_sum([evenly, np.log(np.maximum(chances, 1e-3)).sum()]) + math.log(0.5)
            outliving = np.count_nonzero(lived >= end)
            log_survivals = beta_bernoulli(
                outliving, outliving + np.count_nonzero(~lost), 0.5, 20
            ) + math.log(0.25)
            above = log_sum([log_survivals, -np.inf if outliving else math.log(0.75)])
            total.append(log_ends + inside + above)
    inside = math.log(begins[-1] / begins[0]) / math.log(30 * 86_400 / 10) * 0.99
    return log_sum(total) + math.log(inside / len(begins) / len(widths))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_evidence_of_a_soft_threshold_is_the_integral(seed: int) -> None:
    """The sum over cells, against one over begins and widths that are even on a log scale."""
    random = Random(seed)
    uses = evidence(lambda idle, age: idle >= 1800 * random.uniform(1, 1.5), clients=6, seed=seed)
    events = EventTable.of(uses)
    slow = slow_soft_threshold(
        events, "idle", np.geomspace(900, 3600, 300), np.geomspace(0.01, 1, 100)
    )
    assert soft_threshold(events, "idle").log_evidence == pytest.approx(slow, abs=0.7)


def test_a_constant_chance_shows_no_grey_zone() -> None:
    """It may be missed requests; a chance that rises through the zone is none."""
    for rises in (False, True):
        random = Random(7)

        def dies(idle: float, age: float, rises: bool = rises, random: Random = random) -> bool:
            chance = (idle - 1800) / 900 if rises else 0.8
            return idle >= 2700 or (idle >= 1800 and random.random() < chance)

        fit = soft_threshold(EventTable.of(evidence(dies, clients=40)), "idle")
        assert fit.log_grey is not None
        below = fit.log_evidence - fit.log_grey
        assert below < 2 if rises else below > 10
