"""Turns: the moves of a trail with all that is asked of them later, apart from their part.

Enters: a part and its `Trail`. Leaves: `Turns`, one entry per move, from which
`statetrail.analyses.tokens.rotations` makes its table once it knows the policies of the whole
recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.dialect_masks import Rules, done, of_params
from statetrail.analyses.events.replacements import Trail


@dataclass(frozen=True, slots=True)
class Turns:
    """The moves of clients from one value to another.

    Attributes
    ----------
    trail
        The moves, as `statetrail.analyses.events.replacements` has them.
    clients, params
        (client, origin) and (dialect, param), which `who` and `param` are places in.
    id, issued_at_us
        The exchange and the start of its response.
    before, to
        Fingerprints; `before` means nothing where `trail.before` is -1.
    logged, wrote
        Whether the request logged in or out, and whether it wrote a basket that the parameter is
        the context of.
    """

    trail: Trail
    clients: Sequence[tuple[str, str]]
    params: Sequence[tuple[str, str]]
    who: Ints
    param: Ints
    id: Ints
    issued_at_us: Ints
    before: Ints
    to: Ints
    logged: Bools
    wrote: Bools


def turns(part: Part, rules: Rules, moved: Trail) -> Turns:
    """The moves of a part's clients."""
    exchanges, values, ex = part.exchanges, part.values, moved.ex
    param, where = part.series_param[moved.series], exchanges.where[ex]
    writes, status = exchanges.writes[ex], exchanges.status[ex]
    moved_on, succeeded = (status >= 200) & (status < 400), (status >= 200) & (status < 300)

    def at(deed: str) -> npt.NDArray[np.bool_]:
        return done(part, rules, deed)[where, param]

    context = of_params(part, rules, lambda p: p is not None and p.clear is not None)[param]
    return Turns(
        trail=moved,
        clients=part.clients,
        params=part.params,
        who=part.series_who[moved.series],
        param=param,
        id=exchanges.id[ex],
        issued_at_us=exchanges.clock[exchanges.begun[ex]],
        before=values.fingerprint[moved.before],
        to=values.fingerprint[moved.to],
        logged=((at("login") & writes) | (at("logout") & exchanges.open[ex])) & moved_on,
        wrote=at("cart") & writes & succeeded & context,
    )
