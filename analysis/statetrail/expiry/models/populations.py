"""Populations: the marginal likelihood of two limits, each holding for some of the clients.

Enters: `Trials`. Leaves: the logarithm of the evidence for two populations of clients that differ
in one limit by a quarter or more, and which clients belong to the second.

A client's uses are judged together, with small fixed rates of losses and luck (averaged over a
few). Limits are tried between the bounds that single clients give: the longest span each outlived
and the shortest it did not. Where these are too many, first a spread of them, then those around
the best pair.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from statetrail.expiry.error_model import LONGEST_S, NO_LOSSES, NO_LUCK, SHORTEST_S, log_widths
from statetrail.expiry.evidence import Codes, Flags
from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.subsample import edged, inside, spread, whole
from statetrail.expiry.trials import Trials

APART: Final = 1.25
MOST: Final = 10.0
"""The second limit is so many times the first, at least and at most."""
NEVER: Final = 0.2
"""Prior that the values of the second population never end."""
MIN_CLIENTS: Final = 2
"""Clients that each population needs, those whose ends or survivals the other does not allow..."""
MIN_OUTLIVED: Final = 2
MIN_TRIALS: Final = 3
MIN_UNMET: Final = 2
"""... or so many values that outlived the first limit, or survivals that it forbids, if values of
these clients ended too (somebody may keep one client's alive out of sight), and so many ends that
the second does not explain."""

_GRID: Final = 48
_SPARSE: Final = 12
_CELLS: Final = 12_000
_FINE: Final = 12
_ROUNDS: Final = 8
_BEST: Final = 200
_FEWEST: Final = 12
_WORK: Final = 30_000
_USUAL: Final = (0.005, 0.01)
LOSSES: Final = ((1e-5, NO_LOSSES), (0.005, (1 - NO_LOSSES) / 2), (0.03, (1 - NO_LOSSES) / 2))
LUCK: Final = ((1e-4, NO_LUCK), (0.03, 1 - NO_LUCK))
"""Rates with their weights: as often none as in `statetrail.expiry.error_model`."""
SHARES: Final[Reals] = np.array([0.03, 0.12, 0.25, 0.4, 0.5, 0.6, 0.75, 0.88, 0.97])
"""Shares of the clients in the second population, all equally likely."""


@dataclass(frozen=True, slots=True)
class Populations:
    """Two populations of clients.

    Attributes
    ----------
    log_evidence
        Logarithm of the marginal likelihood; minus infinity where there cannot be two.
    log_doubt
        The same of two populations of which one may be an accident: a single client, or end.
    second
        Per client, the probability to belong to the one with the longer limit.
    torn
        Clients that contradict themselves: they outlived a span that ended a value of theirs.
    """

    log_evidence: float
    log_doubt: float
    second: Reals
    torn: int


def populations(trials: Trials, span: str) -> Populations:
    """Two limits on gap or age, by client.

    Parameters
    ----------
    trials
        What survived and what did not.
    span
        ``gap`` or ``age``.
    """
    longest, shortest = _reach(trials, span)
    torn = int(np.count_nonzero(longest >= shortest))
    nobody = Populations(-np.inf, -np.inf, np.zeros(trials.clients), torn)
    if not trials.ends or trials.clients < 2:
        return nobody
    points = np.unique(np.concatenate([trials.longest(span), trials.fatal(span)]))
    grid = max(_SPARSE, min(_GRID, _CELLS // trials.clients))
    bounds = np.unique(np.concatenate([longest, shortest]))
    bounds = bounds[(bounds > 0) & np.isfinite(bounds)]
    edges = edged(np.union1d(spread(bounds, grid), spread(points, grid // 2)))
    pairs = _pairs(trials, span, edges)
    for _ in range(_ROUNDS):
        if pairs is None:
            return nobody
        best = (int(pairs.one[0]), int(pairs.two[0]))
        finer = [spread(inside(points, edges[c], edges[c + 1]), _FINE) for c in best]
        if not len(finer[0]) + len(finer[1]):
            break
        edges = np.unique(np.concatenate([edges, *finer]))
        pairs = _pairs(trials, span, edges)
    return nobody if pairs is None else _mixture(pairs, whole(points, edges), torn)


def _reach(trials: Trials, span: str) -> tuple[Reals, Reals]:
    """The longest span that each client outlived, and the shortest that ended a value of its."""
    longest = np.zeros(trials.clients)
    np.maximum.at(longest, trials.lived_client, trials.lived(span))
    shortest = np.full(trials.clients, np.inf)
    np.minimum.at(shortest, trials.fatal_client, trials.fatal(span))
    return longest, shortest


@dataclass(frozen=True, slots=True)
class _Counts:
    """Per client and cell: unexplained ends, survivals below, explained ends, survivals above, and
    the values that these are of."""

    lost: Reals
    kept: Reals
    explained: Reals
    lucky: Reals
    outlived: Reals


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The best pairs of cells, the best first: their places, priors, and firmness."""

    one: Codes
    two: Codes
    prior: Reals
    firm: Flags
    counts: _Counts


def _pairs(trials: Trials, span: str, edges: Reals) -> _Pairs | None:
    """Pairs that both populations need, the likeliest at usual rates first; `None`: no pair."""
    counts = _counts(trials, span, edges)
    cells = np.arange(len(edges) - 1)
    one, two = (side.ravel() for side in np.meshgrid(cells, cells, indexing="ij"))
    one, two = one[one < two], two[one < two]
    ratio = edges[two] / edges[one + 1]
    never = two == cells[-1]
    apart = (ratio >= APART) & ((ratio < MOST) | never)
    one, two, never = one[apart], two[apart], never[apart]
    if not len(one):
        return None
    # The second is log-uniform on [APART, MOST] times the first, or there is none.
    logs = np.log(np.clip(edges, SHORTEST_S, LONGEST_S))
    with np.errstate(divide="ignore"):
        widths = np.log(np.minimum(np.diff(logs) / np.log(MOST / APART), 1.0) * (1 - NEVER))
    prior = log_widths(edges)[one] + np.where(never, np.log(NEVER), widths[two])
    usual = _by_cell(counts, *_USUAL)
    top = np.argsort(-prior - _best_of(usual, one, two), kind="stable")
    top = top[: max(_FEWEST, min(_BEST, _WORK // trials.clients))]
    needed, firm = _acts(counts, one[top], two[top])
    top, firm = top[needed], firm[needed]
    if not len(top):
        return None
    return _Pairs(one[top], two[top], prior[top], firm, counts)


def _mixture(pairs: _Pairs, settled: Flags, torn: int) -> Populations:
    """The evidence of the pairs, whose shares and rates are averaged.

    Only pairs of settled cells count: a cell that holds data is flattered.
    """
    sure = settled[pairs.one] & settled[pairs.two]
    totals, doubts, by_noise = [], [], []
    for (loss, likely), (luck, probable) in product(LOSSES, LUCK):
        each = _by_cell(pairs.counts, loss, luck)
        a, b = each[:, pairs.one], each[:, pairs.two]
        # The larger of both is taken out first, so that neither exponential can overflow.
        larger = np.maximum(a, b)
        first, other = np.exp(a - larger), np.exp(b - larger)
        by_share = larger.sum(axis=0) + np.stack(
            [np.log((1 - s) * first + s * other).sum(axis=0) for s in SHARES]
        )
        peak = by_share.max(axis=0)
        mixed = peak + np.log(np.exp(by_share - peak).mean(axis=0)) + pairs.prior
        best = int(np.argmax(mixed))
        share = SHARES[int(np.argmax(by_share[:, best]))]
        odds = b[:, best] + np.log(share) - a[:, best] - np.log1p(-share)
        membership = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        weight = float(np.log(likely * probable))
        totals.append(weight + log_sum(mixed[sure & pairs.firm]))
        doubts.append(weight + log_sum(mixed[sure & ~pairs.firm]))
        by_noise.append((weight + float(mixed[best]), membership))
    _, membership = max(by_noise, key=lambda found: found[0])
    return Populations(log_sum(totals), log_sum(doubts), membership, torn)


def _by_cell(counts: _Counts, loss: float, luck: float) -> Reals:
    """Per client and cell, the log-likelihood with these rates."""
    return np.asarray(
        counts.lost * np.log(loss)
        + counts.kept * np.log1p(-loss)
        + counts.lucky * np.log(luck)
        + counts.explained * np.log1p(-luck)
    )


def _best_of(each: Reals, one: Codes, two: Codes) -> Reals:
    """Per pair of cells, the likelihood if every client is of the population that suits it.

    The pairs ascend by their first cell.
    """
    total, by_cell = np.empty(len(one)), np.ascontiguousarray(each.T)
    begins = np.searchsorted(one, np.arange(len(by_cell) + 1))
    for cell, own in enumerate(by_cell):
        pairs = slice(begins[cell], begins[cell + 1])
        total[pairs] = np.maximum(own, by_cell[two[pairs]]).sum(axis=1)
    return total


def _acts(counts: _Counts, one: Codes, two: Codes) -> tuple[Flags, Flags]:
    """Pairs that both populations need, and those of them that rest on more than one accident."""
    # Survivals that the first limit forbids; ends that the second does not explain.
    forbidden = counts.lucky[:, one] - counts.lucky[:, two]
    ends = np.where(forbidden > 0, counts.explained[:, two], 0).sum(axis=0)
    outlived = (counts.outlived[:, one] - counts.outlived[:, two]).sum(axis=0)
    unmet = counts.lost[:, two] - counts.lost[:, one]
    needs_second, needs_first = ((each > 0).sum(axis=0) for each in (forbidden, unmet))
    several = (needs_second >= MIN_CLIENTS) & (needs_first >= MIN_CLIENTS)
    often = (outlived >= MIN_OUTLIVED) | (forbidden.sum(axis=0) >= MIN_TRIALS)
    at_length = often & (ends >= 1) & (unmet.sum(axis=0) >= MIN_UNMET)
    return (needs_second > 0) & (needs_first > 0), several | at_length


def _counts(trials: Trials, span: str, edges: Reals) -> _Counts:
    """What each limit makes of the clients' trials."""
    floors, ceilings = edges[:-1], edges[1:]
    lived, fatal, longest = trials.lived(span), trials.fatal(span), trials.longest(span)
    holder = np.zeros(trials.values, dtype=np.int64)
    holder[trials.lived_value] = trials.lived_client
    lost = _up_to(trials, trials.fatal_client, fatal, floors, "left")
    return _Counts(
        lost=lost,
        kept=_up_to(trials, trials.lived_client, lived, floors, "left"),
        explained=_per_client(trials, trials.fatal_client) - lost,
        lucky=_beyond(trials, trials.lived_client, lived, ceilings),
        outlived=_beyond(trials, holder, longest, ceilings),
    )


def _beyond(trials: Trials, clients: Codes, spans: Reals, limits: Reals) -> Reals:
    return _per_client(trials, clients) - _up_to(trials, clients, spans, limits, "right")


def _per_client(trials: Trials, clients: Codes) -> Reals:
    return np.bincount(clients, minlength=trials.clients)[:, None].astype(np.float64)


def _up_to(trials: Trials, clients: Codes, spans: Reals, limits: Reals, side: str) -> Reals:
    at = np.searchsorted(limits, spans, side)  # type: ignore[call-overload]
    width = len(limits) + 1
    counts = np.bincount(clients * width + at, minlength=trials.clients * width)
    return counts.reshape(trials.clients, width).cumsum(axis=1)[:, :-1].astype(np.float64)
