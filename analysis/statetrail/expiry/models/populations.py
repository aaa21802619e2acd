"""Populations: two limits, each holding for some of the clients, a quarter apart or more.

A client's uses are judged together, with small fixed rates of unexplained ends and survivals
(averaged over a few). Limits lie between the bounds that single clients give: the longest span each
outlived and the shortest it did not. Where these are too many, first a subsample of them is
weighed, then those around the best pair.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Final, Literal

import numpy as np

from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import (
    LONGEST_S,
    NO_UNEXPLAINED_ENDS,
    NO_UNEXPLAINED_SURVIVALS,
    SHORTEST_S,
    log_widths,
)
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.model import MANY_ENDS, Fit, Model, Policy, fit_age, fit_idle
from statetrail.expiry.models.undetermined import UNDETERMINED
from statetrail.expiry.numerics import (
    Codes,
    Flags,
    Reals,
    between,
    cell_edges,
    empty_cells,
    log_sum,
    subsample,
)
from statetrail.expiry.summaries import EventTable

APART: Final = 1.25
MOST: Final = 10.0
"""The second limit is so many times the first, at least and at most."""
UNLIMITED: Final = 0.2
"""Prior that the values of the second population never end."""
MIN_CLIENTS: Final = 2
"""Clients that each population needs, those whose ends or survivals the other does not allow..."""
MIN_OUTLIVED: Final = 2
MIN_SURVIVALS: Final = 3
MIN_UNEXPLAINED: Final = 2
"""... or so many values that outlived the first limit, or survivals that it forbids, if values of
these clients ended too (one client's may be kept alive out of sight), and so many ends that the
second does not explain."""
INCONSISTENT: Final = 0.02
"""Share of the clients that may contradict themselves if there are populations; one always may."""

_GRID: Final = 48
_SPARSE: Final = 12
_CELLS: Final = 12_000
_FINE: Final = 12
_ROUNDS: Final = 8
_BEST: Final = 200
_FEWEST: Final = 12
_WORK: Final = 30_000
_USUAL: Final = (0.005, 0.01)
_SOME_ENDS: Final = (1 - NO_UNEXPLAINED_ENDS) / 2
END_RATES: Final = ((1e-5, NO_UNEXPLAINED_ENDS), (0.005, _SOME_ENDS), (0.03, _SOME_ENDS))
SURVIVAL_RATES: Final = ((1e-4, NO_UNEXPLAINED_SURVIVALS), (0.03, 1 - NO_UNEXPLAINED_SURVIVALS))
"""Rates of what is unexplained, with their weights: as often none as in the error model."""
SHARES: Final[Reals] = np.array([0.03, 0.12, 0.25, 0.4, 0.5, 0.6, 0.75, 0.88, 0.97])
"""Shares of the clients in the second population, all equally likely."""

MIXED: Final = Policy(
    name="mixed",
    description="a limit that is not the same for all clients",
    sentence="ends after an idle time or by its age, with a limit that is not the same for all "
    "clients",
    min_ends=MANY_ENDS,
    needs_age=False,
)


def populations(events: EventTable, span: Span) -> Fit:
    """The evidence for two limits on idle time or age, by client.

    The doubt is that of two populations of which one may be an accident: a single client, or end.
    Both are minus infinity where there cannot be two. The model is refuted if too many clients
    outlived a span that ended a value of theirs: no population to which they belong explains it.
    """
    longest, shortest = _reach(events, span)
    inconsistent_clients = np.count_nonzero(longest >= shortest)
    none = Fit(
        -np.inf, is_refuted=bool(inconsistent_clients > max(1, INCONSISTENT * events.clients))
    )
    if not events.ends or events.clients < 2:
        return none
    points = np.unique(np.concatenate([events.longest(span), events.fatal[span]]))
    grid = max(_SPARSE, min(_GRID, _CELLS // events.clients))
    limits = np.unique(np.concatenate([longest, shortest]))
    limits = limits[(limits > 0) & np.isfinite(limits)]
    edges = cell_edges(subsample(limits, grid), subsample(points, grid // 2))
    pairs = _pairs(events, span, edges)
    for _ in range(_ROUNDS):
        if pairs is None:
            return none
        finer = [
            subsample(between(points, edges[cell], edges[cell + 1]), _FINE)
            for cell in (pairs.one[0], pairs.two[0])
        ]
        if not len(finer[0]) + len(finer[1]):
            break
        edges = np.unique(np.concatenate([edges, *finer]))
        pairs = _pairs(events, span, edges)
    if pairs is None:
        return none
    log_evidence, log_doubt = _mixture(pairs, empty_cells(points, edges))
    return replace(none, log_evidence=log_evidence, log_doubt=log_doubt)


def _reach(events: EventTable, span: Span) -> tuple[Reals, Reals]:
    """The longest span that each client outlived, and the shortest that ended a value of its."""
    longest, shortest = np.zeros(events.clients), np.full(events.clients, np.inf)
    np.maximum.at(longest, events.lived_client, events.lived[span])
    np.minimum.at(shortest, events.fatal_client, events.fatal[span])
    return longest, shortest


@dataclass(frozen=True, slots=True)
class _Counts:
    """Per client and cell: unexplained ends, survivals below, explained ends, survivals above, and
    the values of these."""

    unexplained: Reals
    below: Reals
    explained: Reals
    above: Reals
    outlived: Reals

    def log_likelihood(self, end_rate: float, survival_rate: float) -> Reals:
        """Per client and cell, with these rates of what is unexplained."""
        return np.asarray(
            self.unexplained * np.log(end_rate)
            + self.below * np.log1p(-end_rate)
            + self.above * np.log(survival_rate)
            + self.explained * np.log1p(-survival_rate)
        )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The best pairs of cells, the best first: their cells, priors, and whether each population
    rests on more than one accident."""

    one: Codes
    two: Codes
    prior: Reals
    firm: Flags
    counts: _Counts


def _pairs(events: EventTable, span: Span, edges: Reals) -> _Pairs | None:
    """Pairs that both populations need, the likeliest at usual rates first; `None`: no pair."""
    counts = _counts(events, span, edges)
    cells = np.arange(len(edges) - 1)
    one, two = (side.ravel() for side in np.meshgrid(cells, cells, indexing="ij"))
    one, two = one[one < two], two[one < two]
    ratio = edges[two] / edges[one + 1]
    apart = (ratio >= APART) & ((ratio < MOST) | (two == cells[-1]))
    one, two = one[apart], two[apart]
    if not len(one):
        return None
    # The second is log-uniform on [APART, MOST] times the first, or there is none.
    logs = np.log(np.clip(edges, SHORTEST_S, LONGEST_S))
    with np.errstate(divide="ignore"):
        widths = np.log(np.minimum(np.diff(logs) / np.log(MOST / APART), 1.0) * (1 - UNLIMITED))
    prior = log_widths(edges)[one] + np.where(two == cells[-1], np.log(UNLIMITED), widths[two])
    usual = counts.log_likelihood(*_USUAL)
    top = np.argsort(-prior - _best_of(usual, one, two), kind="stable")
    top = top[: max(_FEWEST, min(_BEST, _WORK // events.clients))]
    needed, firm = _acts(counts, one[top], two[top])
    top, firm = top[needed], firm[needed]
    return _Pairs(one[top], two[top], prior[top], firm, counts) if len(top) else None


def _mixture(pairs: _Pairs, settled: Flags) -> tuple[float, float]:
    """The evidence of firm pairs and of others, whose shares and rates are averaged.

    Only pairs of settled cells count: a cell that holds data is overrated.
    """
    sure = settled[pairs.one] & settled[pairs.two]
    totals, doubts = [], []
    for (end_rate, likely), (survival_rate, probable) in product(END_RATES, SURVIVAL_RATES):
        each = pairs.counts.log_likelihood(end_rate, survival_rate)
        a, b = each[:, pairs.one], each[:, pairs.two]
        # The larger of both is taken out first, so that neither exponential can overflow.
        larger = np.maximum(a, b)
        first, second = np.exp(a - larger), np.exp(b - larger)
        by_share = larger.sum(axis=0) + np.stack(
            [np.log((1 - s) * first + s * second).sum(axis=0) for s in SHARES]
        )
        peak = by_share.max(axis=0)
        mixed = peak + np.log(np.exp(by_share - peak).mean(axis=0)) + pairs.prior
        weight = float(np.log(likely * probable))
        totals.append(weight + log_sum(mixed[sure & pairs.firm]))
        doubts.append(weight + log_sum(mixed[sure & ~pairs.firm]))
    return log_sum(totals), log_sum(doubts)


def _best_of(each: Reals, one: Codes, two: Codes) -> Reals:
    """Per pair of cells, the likelihood if every client is of the population that suits it.

    The pairs ascend by their first cell.
    """
    total, by_cell = np.empty(len(one)), np.ascontiguousarray(each.T)
    starts = np.searchsorted(one, np.arange(len(by_cell) + 1))
    for cell, own in enumerate(by_cell):
        pairs = slice(starts[cell], starts[cell + 1])
        total[pairs] = np.maximum(own, by_cell[two[pairs]]).sum(axis=1)
    return total


def _acts(counts: _Counts, one: Codes, two: Codes) -> tuple[Flags, Flags]:
    """Pairs that both populations need, and those of them that rest on more than one accident."""
    # Survivals that the first limit forbids; ends that the second does not explain.
    forbidden = counts.above[:, one] - counts.above[:, two]
    ends = np.where(forbidden > 0, counts.explained[:, two], 0).sum(axis=0)
    outlived = (counts.outlived[:, one] - counts.outlived[:, two]).sum(axis=0)
    unexplained = counts.unexplained[:, two] - counts.unexplained[:, one]
    needs_second, needs_first = ((each > 0).sum(axis=0) for each in (forbidden, unexplained))
    several = (needs_second >= MIN_CLIENTS) & (needs_first >= MIN_CLIENTS)
    often = (outlived >= MIN_OUTLIVED) | (forbidden.sum(axis=0) >= MIN_SURVIVALS)
    at_length = often & (ends >= 1) & (unexplained.sum(axis=0) >= MIN_UNEXPLAINED)
    return (needs_second > 0) & (needs_first > 0), several | at_length


def _counts(events: EventTable, span: Span, edges: Reals) -> _Counts:
    """What each limit makes of the clients' uses and ends."""
    floors, ceilings = edges[:-1], edges[1:]
    holder = np.zeros(events.values, dtype=np.int64)
    holder[events.lived_value] = events.lived_client

    def up_to(client: Codes, spans: Reals, limits: Reals, side: Literal["left", "right"]) -> Reals:
        width = len(limits) + 1
        flat = client * width + np.searchsorted(limits, spans, side)
        counts = np.bincount(flat, minlength=events.clients * width).reshape(-1, width)
        return counts.cumsum(axis=1)[:, :-1].astype(np.float64)

    def beyond(client: Codes, spans: Reals, limits: Reals, side: Literal["left", "right"]) -> Reals:
        total = np.bincount(client, minlength=events.clients)[:, None]
        return np.asarray(total - up_to(client, spans, limits, side))

    fatal, lived = (
        (events.fatal_client, events.fatal[span]),
        (events.lived_client, events.lived[span]),
    )
    return _Counts(
        unexplained=up_to(*fatal, floors, "left"),
        below=up_to(*lived, floors, "left"),
        explained=beyond(*fatal, floors, "left"),
        above=beyond(*lived, ceilings, "right"),
        outlived=beyond(holder, events.longest(span), ceilings, "right"),
    )


_idle = fit_idle(partial(populations, span="idle"))
_age = fit_age(partial(populations, span="age"), eviction)

POLICIES: Final = (MIXED,)
MODELS: Final = (
    Model("idle, two populations", MIXED, 0.48, _idle),
    Model("age, two populations", MIXED, 0.48, _age),
    Model("idle, one client apart", UNDETERMINED, 0.2, _idle, is_doubt=True),
    Model("age, one client apart", UNDETERMINED, 0.2, _age, is_doubt=True),
)
