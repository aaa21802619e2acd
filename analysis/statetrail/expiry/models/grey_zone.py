"""Grey zone: from an idle time on a value is lost gradually, at a steady rate.

Garbage that is collected by chance (PHP's sessions), or at long and uneven intervals, ends a value
some time after its idle timeout. Below the timeout nothing ends; beyond it a value survives an idle
time *g* with the chance exp(-(g - timeout) / width). A full cache that drops what was not used for
longest looks alike.

The model takes values for independent witnesses. Where one collection ends all values that are over
their timeout they are not (`statetrail.expiry.likelihood.collections`), where several servers hold
them they are. So the beginning of the zone is bounded by the average of both.
"""

from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.likelihood.collections import Quiet, log_collected
from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    HALF,
    log_end_chance,
    log_unexplained_ends,
    log_widths,
)
from statetrail.expiry.models.idle import IDLE
from statetrail.expiry.models.model import Model, Policy, fit_idle
from statetrail.expiry.numerics import Codes, Reals, log_sum, partial_sums
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
LABEL: Final = "idle, grey zone"
MIN_EACH: Final = 2
"""Ends, and survivals, that have to lie between the shortest end and the longest survival."""
WIDTHS: Final[Reals] = np.geomspace(0.2, 2.0, 8)
"""Mean widths as shares of the timeout, equally likely."""
TAIL: Final = 0.005
"""Probability of a timeout below the bound."""
ALLOWED: Final = 0.2
"""Prior of a grey zone where an interval allows for one, by that of all other idle timeouts."""
NEGLIGIBLE: Final = 8.0
"""A grey zone whose log-evidence is this far below that of others is none."""

_UNSEEN: Final = 1e-4
"""Share of this tail: what is less probable is not looked at."""
_GRID: Final = 90
_LOWEST: Final = 0.2
_BINS: Final = 1200
_LATENCY: Final = 1e-3
"""Share of the timeout: a collection hardly came in so short a time."""


def grey_zone(events: EventTable) -> float:
    """Log-evidence of a timeout beyond which values are lost at a steady rate."""
    lived, fatal = events.lived["idle"], events.fatal["idle"]
    if not len(fatal) or not len(lived):
        return -np.inf
    inside = (np.count_nonzero(fatal < lived.max()), np.count_nonzero(lived > fatal.min()))
    return log_sum(_lost(events, _edges(events))) if min(inside) >= MIN_EACH else -np.inf


def begin_low(evidence: Evidence, others: float) -> float:
    """What the timeout exceeds, in seconds; infinite where there hardly is a grey zone.

    `others` is the log-evidence of all other models of an idle timeout.
    """
    events = EventTable.of(evidence, ("idle",))
    if not events.ends or not len(events.lived_value):
        return np.inf
    edges, allowed = _edges(events), float(np.log(ALLOWED))
    lost = _lost(events, edges)
    if log_sum(lost) + allowed < others - NEGLIGIBLE:
        return np.inf
    least = others + float(np.log(TAIL * _UNSEEN)) - HALF - allowed
    by_begin = np.logaddexp(lost, _collected(evidence, edges, least)) + HALF + allowed
    below = np.cumsum(np.exp(by_begin - np.logaddexp(log_sum(by_begin), others)))
    return np.inf if below[-1] < TAIL else float(edges[np.searchsorted(below, TAIL)])


def _edges(events: EventTable) -> Reals:
    """Edges of the cells in which the zone may begin: it explains half of the ends at least."""
    ended = np.full(events.values, np.inf)
    ended[events.fatal_value] = events.fatal["idle"]
    middle_s = float(np.median(events.fatal["idle"]))
    low_s = threshold(events.longest("idle"), ended).low_s or middle_s
    return np.geomspace(_LOWEST * min(low_s, middle_s), middle_s, _GRID + 1)


def _middles(edges: Reals) -> Reals:
    return np.sqrt(edges[:-1] * edges[1:])


def _log_prior(edges: Reals, explained: Codes, ends: int) -> Reals:
    """Log prior of each cell: half of it where the zone explains enough of the ends."""
    enough = explained >= max(MIN_EACH, ends / 2)
    return np.asarray(np.where(enough, log_widths(edges) + HALF, -np.inf))


def _lost(events: EventTable, edges: Reals) -> Reals:
    """Log-evidence that the zone begins in each cell, each value lost on its own."""
    lived, fatal = (np.sort(spans["idle"]) for spans in (events.lived, events.fatal))
    begins, chances = _middles(edges), log_end_chance(fatal, COARSE_HAZARDS)
    ends, survivals = (np.searchsorted(spans, begins, "right") for spans in (fatal, lived))
    below = log_unexplained_ends(
        ends,
        survivals,
        partial_sums(lived, survivals),
        partial_sums(chances, ends),
        COARSE_HAZARDS,
    )
    widths = WIDTHS[:, None] * begins[None, :]
    points, counts = _binned(lived[lived > edges[0]])
    beyond = np.maximum(points[None, :] - begins[:, None], 0) @ counts
    within = -beyond[None, :] / widths
    points, counts = _binned(fatal[fatal > edges[0]])
    over = np.maximum(points[None, :] - begins[:, None], 0)
    for nth, width in enumerate(widths):
        rate = over / width[:, None]
        losses = np.log(-np.expm1(-np.maximum(rate, 1e-3)))
        within[nth] += np.where(over > 0, losses, 0.0) @ counts
    by_begin = np.logaddexp.reduce(within, axis=0) - float(np.log(len(WIDTHS)))
    return np.asarray(_log_prior(edges, len(fatal) - ends, len(fatal)) + below + by_begin)


def _collected(evidence: Evidence, edges: Reals, least: float) -> Reals:
    """Log-evidence that the zone begins in each cell, values ended by collections of them all.

    Cells that surely have less than `least` are left out.
    """
    lived, ends = event_uses(evidence, ("idle",))
    at_s = evidence.request_start_us / 1e6
    lived = lived[np.argsort(evidence.idle_low_s[lived])]
    lived_s, fatal_s = evidence.idle_low_s[lived], evidence.idle_high_s[ends]
    begins, spans, quiet_s = _middles(edges), [], np.empty(len(edges) - 1)
    unexplained = np.zeros((len(begins), len(ends)), dtype=np.bool_)
    survivals = np.searchsorted(lived_s, begins, "right")
    for nth, begin_s in enumerate(begins):
        alive_s = at_s[lived[survivals[nth] :]]
        quiet = Quiet.of(alive_s - lived_s[survivals[nth] :] + begin_s, alive_s)
        since_s, until_s = (quiet.taken_out(at_s[ends] - x) for x in (fatal_s - begin_s, 0.0))
        gone = until_s - since_s > _LATENCY * begin_s
        spans.append((since_s[gone], until_s[gone]))
        quiet_s[nth], unexplained[nth] = quiet.total_s, ~gone
    below = _log_prior(edges, np.count_nonzero(~unexplained, axis=1), len(ends))
    below += log_unexplained_ends(
        np.count_nonzero(unexplained, axis=1),
        survivals,
        partial_sums(lived_s, survivals),
        log_end_chance(fatal_s, COARSE_HAZARDS) @ unexplained.T,
        COARSE_HAZARDS,
    )
    rates = 1 / (WIDTHS * begins[:, None])
    by_begin = np.full(len(begins), -np.inf)
    # That all were collected is at most certain.
    for nth in np.flatnonzero(below - rates.min(axis=1) * quiet_s >= least).tolist():
        each = log_collected(*spans[nth], rates[nth]) - rates[nth] * quiet_s[nth]
        by_begin[nth] = below[nth] + log_sum(each) - float(np.log(len(WIDTHS)))
    return by_begin


def _binned(spans: Reals) -> tuple[Reals, Reals]:
    """Distinct spans with their numbers; where there are very many, rounded on a log scale."""
    if len(spans) > _BINS:
        step = float(np.log(spans.max() / spans.min())) / _BINS + 1e-12
        spans = np.exp(np.round(np.log(spans) / step) * step)
    points, counts = np.unique(spans, return_counts=True)
    return points, counts.astype(np.float64)


POLICIES: Final = (GREY_ZONE,)
MODELS: Final = (Model(LABEL, IDLE, 0.01, fit_idle(grey_zone), is_grey=True),)
