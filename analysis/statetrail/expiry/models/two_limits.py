"""Two limits: an idle timeout and an absolute limit together.

A value ends when either span reaches its limit. Both limits have to act, each explaining `MIN_OWN`
ends that the other does not.

1.  The plane of both limits is cut into cells by edges out of the data.
2.  Each cell is judged by its best corner. This overrates a cell that holds data.
3.  The best cell is cut finer until it holds no more data.
4.  Only cells without data are summed, so that the sum is exact where the mass is.
"""

from typing import Final, Literal

import numpy as np

from statetrail.expiry.evidence import SPANS
from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    HALF,
    log_end_chance,
    log_unexplained_ends,
    log_unexplained_survivals,
    log_widths,
)
from statetrail.expiry.likelihood.single_limit import MIN_SHARE
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.idle import idle, idle_few
from statetrail.expiry.models.model import MANY_ENDS, Fit, Model, Policy, fit_age
from statetrail.expiry.models.undetermined import UNDETERMINED
from statetrail.expiry.numerics import (
    Flags,
    Reals,
    between,
    cell_edges,
    empty_cells,
    log_sum,
    subsample,
)
from statetrail.expiry.summaries import EventTable

MIN_OWN: Final = 2
_COARSE: Final = 40
_FINE: Final = 12
_ROUNDS: Final = 8

IDLE_AND_ABSOLUTE: Final = Policy(
    name="idle+absolute",
    description="an idle timeout and a limit on the age, whichever is reached first",
    sentence="ends after an idle time, and by its age: the timeout is {idle}, the limit on the age "
    "{age}",
    limits=SPANS,
    min_ends=MANY_ENDS,
)


def two_limits(events: EventTable) -> Fit:
    """The evidence for an idle timeout with an absolute limit.

    The doubt is that of limits of which one explains a single end of its own. Where other ends are
    unexplained, it is no more than one of them: any of these could have been the last.
    """
    fit = Fit(-np.inf)
    if events.ends < 2:
        return fit
    points = [np.unique(np.concatenate([events.longest(s), events.fatal[s]])) for s in SPANS]
    edges = [cell_edges(subsample(p, _COARSE)) for p in points]
    for _ in range(_ROUNDS):
        cells, firm, unexplained = _cells(events, *edges)
        if not np.isfinite(cells).any():
            break
        idle_empty, age_empty = (empty_cells(p, e) for p, e in zip(points, edges, strict=True))
        settled = idle_empty[:, None] & age_empty[None, :]
        doubts = cells - np.log1p(unexplained)
        fit = Fit(log_sum(cells[settled & firm]), log_sum(doubts[settled & ~firm]))
        best = np.unravel_index(int(np.argmax(cells)), cells.shape)
        finer = [
            subsample(between(p, e[i], e[i + 1]), _FINE)
            for p, e, i in zip(points, edges, best, strict=True)
        ]
        if not any(len(new) for new in finer):
            break
        edges = [np.union1d(old, new) for old, new in zip(edges, finer, strict=True)]
    return fit


def _cells(events: EventTable, idle_edges: Reals, age_edges: Reals) -> tuple[Reals, Flags, Reals]:
    """The cells of the plane.

    Returns
    -------
    tuple
        Log of prior mass times likelihood of each cell where both limits act; whether both act
        often; how many ends neither explains.
    """
    floors, ceilings = (idle_edges[:-1], age_edges[:-1]), (idle_edges[1:], age_edges[1:])
    fatal, lived = ((spans["idle"], spans["age"]) for spans in (events.fatal, events.lived))
    chances = log_end_chance(events.fatal["idle"], COARSE_HAZARDS)
    survivals = _up_to(lived, floors)
    unexplained = _up_to(fatal, floors)
    explained = events.ends - unexplained
    by_use = log_unexplained_ends(
        unexplained,
        survivals,
        _up_to(lived, floors, events.lived["idle"]),
        _up_to(fatal, floors, chances),
        COARSE_HAZARDS,
    )
    surviving_uses = len(lived[0]) - _up_to(lived, ceilings, side="right")
    by_use += log_unexplained_survivals(surviving_uses, explained)
    # Of an immune value the limits explain no end, and all its uses may end by chance.
    longest = (events.longest("idle"), events.longest("age"))
    surviving_values = events.values - _up_to(longest, ceilings, side="right")
    before = (longest[0][events.fatal_value], longest[1][events.fatal_value])
    after = (np.maximum(before[0], fatal[0]), np.maximum(before[1], fatal[1]))
    mortal = _up_to(before, floors) - _up_to(after, floors)
    mortal_chances = _up_to(before, floors, chances) - _up_to(after, floors, chances)
    by_value = log_unexplained_ends(
        events.ends - mortal,
        np.full_like(survivals, len(lived[0])),
        np.full_like(survivals, lived[0].sum()),
        chances.sum(axis=1)[:, None, None] - mortal_chances,
        COARSE_HAZARDS,
    )
    by_value += log_unexplained_survivals(surviving_values, mortal)
    likelihood = np.logaddexp(by_use, by_value) + HALF
    prior = log_widths(idle_edges)[:, None] + log_widths(age_edges)[None, :] + float(np.log(2))
    everywhere = [np.full(len(floor), np.inf) for floor in floors]
    only_idle = _up_to(fatal, (everywhere[0], floors[1])) - unexplained
    only_age = _up_to(fatal, (floors[0], everywhere[1])) - unexplained
    acts = (only_idle > 0) & (only_age > 0) & (explained >= MIN_SHARE * events.ends)
    firm = (only_idle >= MIN_OWN) & (only_age >= MIN_OWN)
    ordered = ceilings[1][None, :] > floors[0][:, None]
    return np.where(acts & ordered, prior + likelihood, -np.inf), firm, unexplained


def _up_to(
    spans: tuple[Reals, Reals],
    limits: tuple[Reals, Reals],
    weights: Reals | None = None,
    side: Literal["left", "right"] = "left",
) -> Reals:
    """How much lies at or below (`right`: below) each pair of limits, which ascend.

    `weights` count where given, each row of them apart.
    """
    rows, columns = (np.searchsorted(limits[n], spans[n], side) for n in (0, 1))
    height, width = len(limits[0]) + 1, len(limits[1]) + 1
    flat, lead = rows * width + columns, () if weights is None else weights.shape[:-1]
    if lead:
        flat = (flat + height * width * np.arange(lead[0])[:, None]).ravel()
    counts = np.bincount(
        flat,
        None if weights is None else weights.ravel(),
        minlength=int(np.prod(lead)) * height * width,
    )
    cells = counts.astype(np.float64).reshape(*lead, height, width)
    total: Reals = cells.cumsum(axis=-2).cumsum(axis=-1)[..., :-1, :-1]
    return total


# Both limits make the most of the ends of unknown age that chance or an idle timeout makes.
_fit = fit_age(two_limits, eviction, idle, idle_few)

POLICIES: Final = (IDLE_AND_ABSOLUTE,)
MODELS: Final = (
    Model("idle and age", IDLE_AND_ABSOLUTE, 1.0, _fit),
    Model("idle and age, one of a single end", UNDETERMINED, 0.5, _fit, is_doubt=True),
)
