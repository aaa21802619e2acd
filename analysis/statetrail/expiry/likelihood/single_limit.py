"""Single limit: the marginal likelihood of one limit, on the idle time or on the age.

Enters: `EventTable`. Leaves: the logarithm of the evidence for "values end when this span reaches a
limit", the limit being unknown, with unexplained ends and survivals as
`statetrail.expiry.likelihood.error_model` has them.

Between two neighbouring spans in the data nothing tells one limit from another, so the integral
over the limit is an exact sum over these cells. Only limits that explain `MIN_EXPLAINED` ends or
more, and `MIN_SHARE` of all, count: a limit beyond all that was seen is no policy.
"""

from typing import Final

import numpy as np

from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import (
    HALF,
    HAZARDS,
    log_end_chance,
    log_unexplained_ends,
    log_unexplained_survivals,
    log_widths,
)
from statetrail.expiry.numerics import Reals, cell_edges, log_sum, partial_sums
from statetrail.expiry.summaries import EventTable

MIN_EXPLAINED: Final = 2
MIN_SHARE: Final = 0.5
FEW: Final = (0.1, MIN_SHARE)
"""Shares of the ends that a limit explains which leaves most of them unexplained."""


def single_limit(
    events: EventTable,
    span: Span,
    *,
    hazards: Reals = HAZARDS,
    above_s: float = 0.0,
    share: tuple[float, float] = (MIN_SHARE, 1.0),
) -> float:
    """Log-evidence of one limit above some seconds that explains such a share of the ends.

    `hazards` are the rates of unexplained ends that are averaged.
    """
    ends, fatal, longest = events.ends, events.fatal[span], events.longest(span)
    # What values outlived before their longest span moves no cell's count by more than a use.
    edges = cell_edges(longest, fatal)
    by_length = np.argsort(fatal)
    explained = ends - np.searchsorted(fatal[by_length], edges[:-1], "right")
    acts = (explained >= max(MIN_EXPLAINED, share[0] * ends)) & (edges[:-1] >= above_s)
    acts &= explained <= share[1] * ends
    if not acts.any():
        return -np.inf
    floor, ceiling, explained = edges[:-1][acts], edges[1:][acts], explained[acts]
    lived, by_span = np.sort(events.lived[span]), np.argsort(events.lived[span])
    survivals = np.searchsorted(lived, floor, "right")
    chances = log_end_chance(events.fatal["idle"], hazards)

    by_use = log_unexplained_ends(
        ends - explained,
        survivals,
        partial_sums(events.lived["idle"][by_span], survivals),
        partial_sums(chances[:, by_length], ends - explained),
        hazards,
    )
    surviving_uses = len(lived) - np.searchsorted(lived, ceiling, "left")
    by_use += log_unexplained_survivals(surviving_uses, explained)
    # Of an immune value the limit explains no end, and all its uses may end by chance.
    before = longest[events.fatal_value]
    mortal = before < fatal
    explained, explained_chances = np.zeros_like(explained), np.zeros((len(hazards), len(floor)))
    for spans, sign in ((before, 1), (fatal, -1)):
        reached = np.where(mortal, spans, np.inf)
        order = np.argsort(reached)
        count = np.searchsorted(reached[order], floor, "right")
        explained += sign * count
        explained_chances += sign * partial_sums(chances[:, order], count)
    by_value = log_unexplained_ends(
        ends - explained,
        np.full_like(survivals, len(lived)),
        np.full(len(floor), events.lived["idle"].sum()),
        chances.sum(axis=1)[:, None] - explained_chances,
        hazards,
    )
    surviving_values = len(longest) - np.searchsorted(np.sort(longest), ceiling, "left")
    by_value += log_unexplained_survivals(surviving_values, explained)
    return log_sum(log_widths(edges)[acts] + np.logaddexp(by_use, by_value) + HALF)
