"""Grey zone: from an idle time on a value is lost gradually, at a steady rate.

Garbage that is collected by chance (PHP's sessions), or at long and uneven intervals, ends a value
some time after its idle timeout. Below the timeout nothing ends; beyond it a value survives an idle
time *g* with the chance exp(-(g - timeout) / width). A full cache that drops what was not used for
longest looks alike.

A collection ends every value that is over its timeout. So values that lay unused at the same time
do not witness independently: the same collection took them, or none did. Where the beginning of the
zone is bounded, their likelihood is weighed by how much they say together (a composite likelihood,
Varin, Reid, Firth 2011): survivals count by the time that they cover, each moment once; ends by the
fewest collections that explain them all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    HALF,
    log_end_chance,
    log_unexplained_ends,
    log_widths,
)
from statetrail.expiry.models.idle import IDLE
from statetrail.expiry.models.model import Model, Policy, fit_idle
from statetrail.expiry.numerics import Reals, log_sum, partial_sums
from statetrail.expiry.summaries import EventTable, event_uses

GREY_ZONE: Final = Policy(
    name="grey-zone",
    description="an idle time from which on a token is lost gradually: garbage collected by "
    "chance, a slow sweeper, a full cache",
    sentence="is lost gradually after a long time without use, at no sharp limit: the grey zone "
    "is {idle}",
    limits=("idle",),
    needs_age=False,
)
"""The stricter name of an idle timeout that too many values contradict."""
MIN_EACH: Final = 2
"""Ends, and survivals, that have to lie between the shortest end and the longest survival."""
WIDTHS: Final[Reals] = np.geomspace(0.2, 2.0, 8)
"""Mean widths as shares of the timeout, equally likely."""
TAIL: Final = 0.01
"""Share of the posterior of the timeout that its lower bound leaves out."""
LEAST_SHARE: Final = 0.1
"""Probability of a grey zone below which none is allowed for."""

_GRID: Final = 90
_LOWEST: Final = 0.2
_BINS: Final = 1200


@dataclass(frozen=True, slots=True)
class _Begins:
    """Where the zone may begin, in seconds, and the log-evidence of each."""

    begin_s: Reals
    log_evidence: Reals


def grey_zone(events: EventTable) -> float:
    """Log-evidence of a timeout beyond which values are lost at a steady rate."""
    begins = _begins(events, MIN_EACH)
    return -np.inf if begins is None else log_sum(begins.log_evidence)


def begin_low(evidence: Evidence, share: float) -> float:
    """What the timeout exceeds, in seconds; infinite where there hardly is a grey zone.

    `share` is the probability that there is one.
    """
    if share < LEAST_SHARE:
        return np.inf
    begins = _begins(EventTable.of(evidence, ("idle",)), 1, evidence)
    if begins is None:
        return np.inf
    weights = np.exp(begins.log_evidence - log_sum(begins.log_evidence))
    return float(begins.begin_s[np.searchsorted(np.cumsum(weights), TAIL / share)])


def _begins(events: EventTable, least: int, together: Evidence | None = None) -> _Begins | None:
    """The zone's beginnings; `together`: the uses, where they do not witness independently."""
    by_fatal = np.argsort(events.fatal["idle"])
    lived, fatal = np.sort(events.lived["idle"]), events.fatal["idle"][by_fatal]
    if not len(fatal) or not len(lived):
        return None
    inside = (np.count_nonzero(fatal < lived[-1]), np.count_nonzero(lived > fatal[0]))
    if min(inside) < least:
        return None
    low, high = _LOWEST * float(np.median(fatal)), float(max(fatal[-1], lived[-1]))
    edges = np.geomspace(low, high, _GRID + 1)
    begins = np.sqrt(edges[:-1] * edges[1:])
    chances = log_end_chance(fatal, COARSE_HAZARDS)
    ends, survivals = (np.searchsorted(spans, begins, "right") for spans in (fatal, lived))
    below = log_unexplained_ends(
        ends,
        survivals,
        partial_sums(lived, survivals),
        partial_sums(chances, ends),
        COARSE_HAZARDS,
    )
    explained = len(fatal) - ends >= max(MIN_EACH, len(fatal) / 2)
    widths = WIDTHS[:, None] * begins[None, :]
    points, counts = _binned(lived[lived > low])
    beyond = np.maximum(points[None, :] - begins[:, None], 0) @ counts
    lasting, ending = (1.0, 1.0) if together is None else _said_together(together, begins)
    within = -beyond[None, :] / widths * lasting
    points, counts = _binned(fatal[fatal > low])
    over = np.maximum(points[None, :] - begins[:, None], 0)
    for nth, width in enumerate(widths):
        rate = over / width[:, None]
        losses = np.log(-np.expm1(-np.maximum(rate, 1e-3)))
        within[nth] += np.where(over > 0, losses, 0.0) @ counts * ending
    by_begin = np.logaddexp.reduce(within, axis=0) - float(np.log(len(WIDTHS)))
    prior = log_widths(edges)
    total = np.where(explained, prior + below + by_begin, -np.inf) + HALF
    return _Begins(begins, total) if np.isfinite(total).any() else None


def _said_together(evidence: Evidence, begins: Reals) -> tuple[Reals, Reals]:
    """Per beginning of a zone, by what the evidence of survivals, and of ends, is to be weighed."""
    lived, ends = event_uses(evidence, ("idle",))
    at_s = evidence.request_start_us / 1e6
    lived = lived[np.argsort((at_s - evidence.idle_low_s)[lived])]
    ends = ends[np.argsort(at_s[ends])]
    starts, stops = (at_s - evidence.idle_low_s)[lived], at_s[lived]
    fatal_starts, fatal_stops = (at_s - evidence.idle_high_s)[ends], at_s[ends]
    lasting, ending = np.ones(len(begins)), np.ones(len(begins))
    for nth, begin_s in enumerate(begins):
        over = stops > starts + begin_s
        first, last = starts[over] + begin_s, stops[over]
        if len(first):
            seen = np.maximum(first, np.maximum.accumulate(np.append(-np.inf, last[:-1])))
            lasting[nth] = np.maximum(last - seen, 0).sum() / (last - first).sum()
        over = fatal_stops > fatal_starts + begin_s
        if over.any():
            ending[nth] = _fewest(fatal_starts[over] + begin_s, fatal_stops[over]) / over.sum()
    return lasting, ending


def _fewest(first: Reals, last: Reals) -> int:
    """The least number of moments of which every interval holds one; they ascend by their ends."""
    count, latest = 0, -np.inf
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        if begin > latest:
            count, latest = count + 1, end
    return count


def _binned(spans: Reals) -> tuple[Reals, Reals]:
    """Distinct spans with their numbers; where there are very many, rounded on a log scale."""
    if len(spans) > _BINS:
        step = float(np.log(spans.max() / spans.min())) / _BINS + 1e-12
        spans = np.exp(np.round(np.log(spans) / step) * step)
    points, counts = np.unique(spans, return_counts=True)
    return points, counts.astype(np.float64)


POLICIES: Final = (GREY_ZONE,)
MODELS: Final = (Model("idle, grey zone", IDLE, 0.01, fit_idle(grey_zone), is_grey=True),)
