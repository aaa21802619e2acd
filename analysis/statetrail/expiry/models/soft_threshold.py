"""Soft threshold: a limit that is not sharp, since the server checks or renews it now and then.

Below a zone nothing ends, above it nothing survives, and in between it happens either way, with
some unknown chance or with one that rises evenly through the zone. That is what a sweeper (idle
values end at its next round) and a throttled renewal (not every use renews) look like when nothing
but idle times is known.

None of these servers ends values with the same chance all through a zone. Where that is what the
data show, it is as well the requests that a capture missed. So a constant chance speaks for a limit
that looks soft, and not for a grey zone.
"""

from functools import partial
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    HALF,
    LONGEST_S,
    SHORTEST_S,
    log_end_chance,
    log_unexplained_ends,
    log_unexplained_survivals,
    log_widths,
)
from statetrail.expiry.models.age_limit import AGE
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.idle import IDLE
from statetrail.expiry.models.model import Fit, Model, fit_age, fit_idle
from statetrail.expiry.numerics import (
    Reals,
    edges_of_zones,
    log_bernoulli,
    log_sum,
    partial_sums,
)
from statetrail.expiry.summaries import EventTable

NARROWEST: Final = 0.01
WIDEST: Final = 1.0
"""Widths of zones as shares of their beginning, equally likely on a log scale in between. A server
that checks less often than once in the timeout has no timeout."""
MIN_EACH: Final = 2
"""Survivals in a zone, and ends: fewer are unexplained, and no zone."""

_RISING: Final = 300
_BEGINS: Final = 8
_TOGETHER: Final = 60
"""Zones that are weighed at once: bounded, since each may hold all the data."""


def soft_threshold(events: EventTable, span: Span) -> Fit:
    """The evidence of a limit on idle time or age with a zone."""
    if events.ends < MIN_EACH or len(events.lived["idle"]) < MIN_EACH:
        return Fit(-np.inf)
    by_lived, by_fatal = np.argsort(events.lived[span]), np.argsort(events.fatal[span])
    lived, fatal = events.lived[span][by_lived], events.fatal[span][by_fatal]
    edges = edges_of_zones(lived, fatal, events.longest(span))
    floors, ceilings = edges[:-1], edges[1:]
    chances = log_end_chance(events.fatal["idle"], COARSE_HAZARDS)
    ends_below = np.searchsorted(fatal, floors, "right")
    survivals_below = np.searchsorted(lived, floors, "right")
    survivals_to = np.searchsorted(lived, ceilings, "left")
    below = log_unexplained_ends(
        ends_below,
        survivals_below,
        partial_sums(events.lived["idle"][by_lived], survivals_below),
        partial_sums(chances[:, by_fatal], ends_below),
        COARSE_HAZARDS,
    )
    # Rows: the cell in which the zone begins; columns: the one in which it ends.
    ends = np.maximum(ends_below[None, :] - ends_below[:, None], 0)
    survivals = np.maximum(survivals_to[None, :] - survivals_below[:, None], 0)
    fits = (
        (ends >= MIN_EACH)
        & (survivals >= MIN_EACH)
        & (floors[None, :] <= (1 + WIDEST) * ceilings[:, None])
        & np.isfinite(ceilings)[None, :]
    )
    within = log_bernoulli(ends, ends + survivals, (1, 1))
    above = log_unexplained_survivals(len(lived) - survivals_to, len(fatal) - ends_below)
    prior = log_widths(edges)[:, None] + _log_ends(edges)
    cells = np.where(fits, prior + below[:, None] + within + above[None, :], -np.inf)
    if not np.isfinite(cells).any():
        return Fit(-np.inf)
    # The rising chance costs a pass over the data for each zone: for the best ones only.
    ranked = np.argsort(cells.ravel())[::-1][: min(_RISING, np.count_nonzero(fits))]
    ranked = ranked[np.isfinite(cells.ravel()[ranked])]
    rising: list[float] = []
    for some in np.split(ranked, range(_TOGETHER, len(ranked), _TOGETHER)):
        begin, end = np.unravel_index(some, cells.shape)
        rest = cells[begin, end] - within[begin, end]
        rising.extend(rest + _log_rises(lived, fatal, floors[begin], ceilings[end]))
    return Fit(
        float(np.logaddexp(log_sum(cells), log_sum(rising))) + HALF,
        log_grey=log_sum(rising) + HALF,
    )


def _log_ends(edges: Reals) -> Reals:
    """Log prior masses of the cells in which a zone ends, one row for each in which it begins."""
    bounded = np.clip(edges, SHORTEST_S, LONGEST_S)
    within = (np.arange(_BEGINS) + 0.5)[:, None] / _BEGINS
    begins = bounded[:-1] * (bounded[1:] / bounded[:-1]) ** within
    reached = np.clip(edges / begins[..., None] - 1, NARROWEST, WIDEST)
    masses = np.diff(np.log(reached), axis=2).mean(axis=0) / np.log(WIDEST / NARROWEST)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(masses))


def _log_rises(lived: Reals, fatal: Reals, lows: Reals, highs: Reals) -> Reals:
    """Log-likelihood of what happened inside zones, the chance to end rising evenly in each.

    Spans ascend. Each zone holds an end and a survival at least.
    """
    total = np.zeros(len(lows))
    for spans, sign, edges in ((fatal, 1, lows), (lived, -1, highs)):
        first = np.searchsorted(spans, lows, "right")
        sizes = np.searchsorted(spans, highs, "right" if sign > 0 else "left") - first
        begins = np.cumsum(sizes) - sizes
        inside = spans[np.repeat(first - begins, sizes) + np.arange(sizes.sum())]
        chances = sign * (inside - np.repeat(edges, sizes)) / np.repeat(highs - lows, sizes)
        total += np.add.reduceat(np.log(np.maximum(chances, 1e-3)), begins)
    return total


MODELS: Final = (
    Model(
        "idle, soft threshold",
        IDLE,
        0.115,
        fit_idle(partial(soft_threshold, span="idle")),
        is_grey=True,
    ),
    Model("age, soft threshold", AGE, 0.1, fit_age(partial(soft_threshold, span="age"), eviction)),
)
