"""Rules: what the dialects say of the parameters and endpoints of a part.

Enters: a part, and `Rules`. Leaves: small boolean arrays by endpoint and by parameter. The dialects
are asked once for each distinct endpoint, so that their knowledge stays data.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from statetrail.analyses.columnar.arrays import Bools, Ints, distinct
from statetrail.analyses.columnar.bucket import MALFORMED, Part
from statetrail.dialects import Dialect, Param

type Place = tuple[str, str, str]
"""(origin, endpoint, dialect)."""


@dataclass(frozen=True)
class Rules:
    """By what a part is judged.

    Attributes
    ----------
    dialects, grace_us
        As those of the recording.
    issuing
        The endpoints that were seen to issue a dialect's state, anywhere in the recording: they
        are methods of the API, whatever prefix it is mounted under.
    """

    dialects: tuple[Dialect, ...]
    grace_us: int
    issuing: frozenset[Place] = field(default_factory=frozenset)

    def param(self, dialect: str, name: str) -> Param | None:
        """The declared parameter, or `None`."""
        return next((d.param(name) for d in self.dialects if d.name == dialect), None)


def of_params(part: Part, rules: Rules, ask: Callable[[Param | None], bool]) -> Bools:
    """What holds of each parameter of the part; it is asked with `None` for an undeclared one."""
    return np.array([ask(rules.param(*names)) for names in part.params], dtype=np.bool_)


def minted(part: Part, rules: Rules) -> Bools:
    """The parameters whose values come from the server alone."""
    return of_params(part, rules, lambda param: param is not None and param.minted)


def secret(part: Part, rules: Rules) -> Bools:
    """The parameters whose values are secret."""
    return of_params(part, rules, lambda param: param is None or param.clear is None)


def mute(part: Part, rules: Rules) -> Bools:
    """The parameters of which a live value may go unmentioned in a response."""
    known = {dialect.name: dialect for dialect in rules.dialects}
    silent = [
        dialect not in known or not known[dialect].speaks_always(param)
        for dialect, param in part.params
    ]
    return np.array(silent, dtype=np.bool_)


def allowed(part: Part, rules: Rules) -> Bools:
    """Where the dialect lets each parameter be presented; shape (endpoints, params)."""
    known = {dialect.name: dialect for dialect in rules.dialects}
    ask = [(known[dialect].allows, name) for dialect, name in part.params]
    return _grid(
        ([allows(name, endpoint) for allows, name in ask] for _, endpoint in part.endpoints), part
    )


def bound(part: Part, rules: Rules) -> Bools:
    """Where each parameter binds the requests (V1); shape (endpoints, params)."""
    scopes = [
        {
            d.name
            for d in rules.dialects
            if (*place, d.name) in rules.issuing or d.in_scope(place[1])
        }
        for place in part.endpoints
    ]
    in_scope = _grid(([name in scope for name, _ in part.params] for scope in scopes), part)
    declared = of_params(part, rules, lambda param: param is not None)
    return in_scope & allowed(part, rules) & declared


def mount(part: Part, rules: Rules) -> Ints:
    """What stands in front of the API, as a number; -1 where a path has not the dialect's scope.

    Shape (endpoints, params): as the dialect of each parameter has it.
    """
    numbers = np.full((len(part.endpoints), len(part.params)), -1, dtype=np.int64)
    known: dict[str, int] = {}
    for at, (_, endpoint) in enumerate(part.endpoints):
        for dialect in rules.dialects:
            if (before := dialect.mount(endpoint)) is not None:
                own = [name == dialect.name for name, _ in part.params]
                numbers[at, own] = known.setdefault(before, len(known))
    return numbers


def done(part: Part, rules: Rules, deed: str) -> Bools:
    """Where requests log in or out or write a cart (`deed`: ``login``, ``logout``, ``cart``).

    Shape (endpoints, params): as the dialect of each parameter has it.
    """
    names = [name for name, _ in part.params]
    rows = [
        {d.name: d.is_action(deed, endpoint) for d in rules.dialects}
        for _, endpoint in part.endpoints
    ]
    return _grid(([acts[name] for name in names] for acts in rows), part)


def issuing(part: Part) -> set[Place]:
    """The endpoints of this part that issue state."""
    ex = part.issued.ex
    seen = part.exchanges.open[ex] & (part.issued.usage != MALFORMED)
    param = part.series_param[part.issued.series[seen]]
    where = part.exchanges.where[ex[seen]]
    width = max(len(part.params), 1)
    pairs = distinct(where * width + param, len(part.endpoints) * width)[0].tolist()
    return {
        (*part.endpoints[pair // len(part.params)], part.params[pair % len(part.params)][0])
        for pair in pairs
    }


def _grid(rows: Iterable[list[bool]], part: Part) -> Bools:
    grid = np.array(list(rows), dtype=np.bool_)
    return grid.reshape(len(part.endpoints), len(part.params))
