"""Single limit: the marginal likelihood of one limit, on the idle time or on the age.

Enters: `EventTable`. Leaves: the logarithm of the evidence for "values end when this span reaches a
limit", the limit being unknown, with unexplained ends and survivals as
`statetrail.expiry.likelihood.error_model` has them.

Between two neighbouring spans in the data nothing tells one limit from another, so the integral
over the limit is an exact sum over these cells. Only limits that explain `MIN_EXPLAINED` ends or
more, and `MIN_SHARE` of all, count: a limit beyond all that was seen is no policy.
"""

from dataclasses import replace
from typing import Final, Literal

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
from statetrail.expiry.numerics import Codes, Reals, log_sum
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
    spans: tuple[Span, ...] = (span, "idle")
    rows = replace(
        events,
        lived={each: events.lived[each][None] for each in spans},
        fatal={each: events.fatal[each][None] for each in spans},
    )
    above = np.array([above_s])
    return float(single_limits(rows, span, hazards=hazards, above_s=above, share=share)[0])


def single_limits(
    readings: EventTable,
    span: Span,
    *,
    above_s: Reals,
    hazards: Reals = HAZARDS,
    share: tuple[float, float] = (MIN_SHARE, 1.0),
) -> Reals:
    """The same of several readings of the spans at once: `readings` has one row for each."""
    ends, lived_idle, fatal_idle = readings.ends, readings.lived["idle"], readings.fatal["idle"]
    lived, fatal, longest = readings.lived[span], readings.fatal[span], readings.longest(span)
    # What values outlived before their longest span moves no cell's count by more than a use.
    edges = np.sort(np.concatenate([longest, fatal], axis=1))
    edges = np.pad(edges, ((0, 0), (1, 1)), constant_values=(0.0, np.inf))
    by_length = np.argsort(fatal)
    explained = ends - _counts(_in_order(fatal, by_length), edges[:, :-1], "right")
    acts = (explained >= max(MIN_EXPLAINED, share[0] * ends)) & (edges[:, :-1] >= above_s[:, None])
    acts &= (explained <= share[1] * ends) & (edges[:, 1:] > edges[:, :-1])
    some = acts.any(axis=0)
    if not some.any():
        return np.full(len(lived), -np.inf)
    floor, ceiling, widths = edges[:, :-1][:, some], edges[:, 1:][:, some], log_widths(edges)
    explained, acts, widths = explained[:, some], acts[:, some], widths[:, some]
    lived_s = lived_idle.sum(axis=1)[:, None]
    if span == "idle":
        lived = lived_idle = np.sort(lived)
    else:
        by_span = np.argsort(lived)
        lived, lived_idle = _in_order(lived, by_span), _in_order(lived_idle, by_span)
    survivals = _counts(lived, floor, "right")
    chances = log_end_chance(fatal_idle, hazards)

    by_use = log_unexplained_ends(
        ends - explained,
        survivals,
        _sums(lived_idle, survivals),
        _sums(_in_order(chances, by_length), ends - explained),
        hazards,
    )
    surviving_uses = lived.shape[1] - _counts(lived, ceiling, "left")
    by_use += log_unexplained_survivals(surviving_uses, explained)
    # Of an immune value the limit explains no end, and all its uses may end by chance.
    before = longest[:, readings.fatal_value]
    mortal = before < fatal
    explained, explained_chances = np.zeros_like(explained), np.zeros((len(hazards), *floor.shape))
    for spans, sign in ((before, 1), (fatal, -1)):
        reached = np.where(mortal, spans, np.inf)
        order = np.argsort(reached)
        count = _counts(_in_order(reached, order), floor, "right")
        explained += sign * count
        explained_chances += sign * _sums(_in_order(chances, order), count)
    by_value = log_unexplained_ends(
        ends - explained,
        np.full_like(survivals, lived.shape[1]),
        np.broadcast_to(lived_s, floor.shape),
        chances.sum(axis=-1)[..., None] - explained_chances,
        hazards,
    )
    surviving_values = longest.shape[1] - _counts(np.sort(longest), ceiling, "left")
    by_value += log_unexplained_survivals(surviving_values, explained)
    cells = widths + np.logaddexp(by_use, by_value) + HALF
    return np.array([log_sum(row[which]) for row, which in zip(cells, acts, strict=True)])


def _counts(spans: Reals, limits: Reals, side: Literal["left", "right"]) -> Codes:
    """Per row, how many spans lie up to each limit (`left`: below it); spans ascend."""
    return np.stack([x.searchsorted(at, side) for x, at in zip(spans, limits, strict=True)])


def _in_order(rows: Reals, order: Codes) -> Reals:
    """Each row (the last two axes) at its own indices."""
    at = order + rows.shape[-1] * np.arange(len(order))[:, None]
    return rows.reshape(*rows.shape[:-2], -1)[..., at]


def _sums(rows: Reals, counts: Codes) -> Reals:
    """Per row (the last two axes), the sums of the first so many of its numbers."""
    total = np.zeros((*rows.shape[:-1], rows.shape[-1] + 1))
    np.cumsum(rows, axis=-1, out=total[..., 1:])
    return _in_order(total, counts)
