"""A dialect: where values are issued, where presented, and whom they bind.

A dialect is data: frozen `msgspec` structs, whose fields are the keys of its TOML.
`statetrail.extract` interprets the declaration on single exchanges; the analyses ask it which
endpoints a parameter binds. Nothing else knows a protocol, and only `statetrail.dialects.places`
knows a place.
"""

import fnmatch
import re
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

from statetrail.dialects import globs
from statetrail.dialects.declarations import (
    Family,
    Lifetime,
    Param,
    Required,
    Scope,
    Supersedes,
    check_name,
)
from statetrail.dialects.place import (
    Condition,
    Conditional,
    Declared,
    IssueKeys,
    IssuePlace,
    KeyProblem,
    PresentPlace,
)
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES

IMPLICIT: Final = "implicit"
"""Usage of a value that may be presented in any of several places."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One protocol of handing state back and forth.

    Attributes
    ----------
    session_keys
        The parameters whose values name a session, the one that decides first in front. Their
        values come from the server alone (`Param.minted`).
    refused
        Statuses that refuse a token which is not answered with itself; 419 and 440 are those of
        frameworks for an old login.
    """

    name: str
    title: str
    params: tuple[Param, ...] = msgspec.field(name="param", default=())
    references: tuple[str, ...] = ()
    scope: Scope = Scope()
    family: Family = Family()
    session_keys: tuple[str, ...] = ()
    refused: tuple[int, ...] = (401, 403, 419, 440)

    def __post_init__(self) -> None:
        check_name("dialect", self.name)
        seen: set[str] = set()
        for at, param in enumerate(self.params):
            if param.name.lower() in seen:
                raise KeyProblem(
                    f"param[{at}].name",
                    f"{param.name!r} is declared more than once (names that differ in letter case "
                    "are the same): remove one of them",
                )
            seen.add(param.name.lower())
            if others := [n for n in param.instead if self.param(n) is None]:
                raise KeyProblem(
                    f"param[{at}].instead",
                    f"{others[0]!r} is no parameter of this dialect: declare it, or leave it out",
                )
            if not (self.issued_at(param.name) or self.presented_at(param.name)):
                raise KeyProblem(
                    f"param[{at}]",
                    f"{param.name} has no place: say with `issue` and `present` where its values "
                    "are",
                )
        if not self.params and not (self.family.issue or self.family.present):
            raise KeyProblem("param", "nothing is declared: add a [[param]], or places to [family]")
        self._check_scope()
        minted = [param.name for param in self.params if param.minted]
        if unknown := [name for name in self.session_keys if name not in minted]:
            raise KeyProblem(
                "session_keys",
                f"{unknown[0]!r} is no parameter with `minted = true`: declare it, or leave it out",
            )

    def _check_scope(self) -> None:
        """Refuse an issue in JSON or a script that every response of every API may have."""
        if self.scope.paths or self.scope.hosts:
            return
        for at, param in enumerate(self.params):
            for nth, place in enumerate(param.issue):
                if getattr(place, "json", None) in ("", "/id") and not condition_of(place).on:
                    raise KeyProblem(
                        f"param[{at}].issue[{nth}].json",
                        "every API has this: say with `on` which requests are answered with it, "
                        "e.g. on = ['POST **/carts']",
                    )

    @property
    def by_declaration(self) -> bool:
        """Whether values are judged one by one, by what is declared of their lives.

        Without any such declaration they are judged by sessions: the newest value that was issued
        is the one to present, always, in the place that its issue names. Where none names one and
        several are declared, any of them will do: that is a declaration.
        """
        return bool(self.scope.realm != "origin" or self.family.store) or any(
            self.supersedes(p.name) != "client"
            or self.required(p.name) != "always"
            or p.methods
            or p.not_on
            or p.instead
            or p.uses
            or p.same
            or p.lifetime
            or p.follows
            or p.refused
            or p.void
            or self._may_choose(p.name)
            for p in self.params
        )

    def _may_choose(self, param: str) -> bool:
        """Whether a client may choose the place, since an issue does not name it."""
        bare = any(getattr(place, "grammar", None) is None for place in self.issued_at(param))
        return bare and self.usage(param) == IMPLICIT and len(self.presented_at(param)) > 1

    def supersedes(self, param: str) -> Supersedes:
        """What makes a value of the parameter old."""
        known = self.param(param)
        return (known and known.supersedes) or self.family.supersedes or "client"

    def required(self, param: str) -> Required:
        """The requests that owe a value of the parameter."""
        known = self.param(param)
        return (known and known.required) or self.family.required or "always"

    def lifetime(self, param: str) -> Lifetime | None:
        """Where the declared lifetime of the parameter's values stands."""
        known = self.param(param)
        return known.lifetime if known and known.lifetime is not None else self.family.lifetime

    def void(self, param: str) -> str | None:
        """Regular expression of the issued words that are no value of the parameter."""
        known = self.param(param)
        return known.void if known and known.void is not None else self.family.void

    def key_rank(self, param: str) -> int | None:
        """The place of a parameter among those that name a session; `None` for others."""
        if param in self.session_keys:
            return self.session_keys.index(param)
        if self.param(param) is None:
            for rank, pattern in enumerate(self.family.session_patterns, len(self.session_keys)):
                if re.search(pattern, param):
                    return rank
        return None

    def mints(self, param: str) -> bool:
        """Whether the values of a parameter come from the server alone."""
        known = self.param(param)
        return known.minted if known is not None else self.key_rank(param) is not None

    @property
    def begins_at_login(self) -> bool:
        """Whether a login begins a session: no key is asked for in another way."""
        return not any(p.establish for p in self.params if p.name in self.session_keys)

    def param(self, name: str) -> Param | None:
        """The declared parameter of that name, or `None` for an unknown one."""
        return next((param for param in self.params if param.name == name), None)

    @property
    def has_scope(self) -> bool:
        """Whether the scope of the dialect says by itself which requests are of its API.

        One that is judged by declarations, without paths, is spoken where it was seen.
        """
        return bool(self.scope.paths) or not self.by_declaration

    def at_host(self, host: str) -> bool:
        """Whether the dialect may be spoken by a host (in lower case)."""
        return not self.scope.hosts or any(
            fnmatch.fnmatchcase(host, glob) for glob in self.scope.hosts
        )

    def in_scope(self, path: str) -> bool:
        """Whether requests for the path (or endpoint template) are in scope.

        >>> from statetrail.dialects import builtin
        >>> zest = builtin()["zest"]
        >>> zest.in_scope("/shop/API/V3/Cart"), zest.in_scope("/API/V2/Cart")
        (True, False)
        """
        return globs.matches(self.scope.paths, path) if self.scope.paths else True

    def mount(self, path: str) -> str | None:
        """What stands before the scope's own segments in a path; `None` out of scope."""
        return globs.before(self.scope.paths, path)

    def is_action(self, action: str, path: str) -> bool:
        """Whether requests for the path are a ``login``, a ``logout``, or concern a ``cart``."""
        return globs.matches_folded(getattr(self.scope, action), path)

    def allows(self, param: str, path: str) -> bool:
        """Whether the protocol lets requests for that path present the parameter."""
        known = self.param(param)
        if known is None:
            return True
        if known.only_on and not globs.matches_folded(known.only_on, path):
            return False
        return not globs.matches_folded(known.not_on, path)

    def has_own_state(self, param: str, path: str) -> bool:
        """Whether a value presented to that path has no effect on the state that is kept there."""
        known = self.param(param)
        methods = (known.state_methods if known is not None else ()) or self.scope.state_methods
        own = globs.matches_folded(self.scope.own_state, path)
        return own and not globs.matches_folded(methods, path)

    def issued_at(self, param: str) -> tuple[IssuePlace, ...]:
        """The places in which responses issue the parameter."""
        known = self.param(param)
        return (*self.family.issue, *(known.issue if known is not None else ()))

    def presented_at(self, param: str) -> tuple[PresentPlace, ...]:
        """The places in which requests present the parameter."""
        known = self.param(param)
        return (*self.family.present, *(known.present if known is not None else ()))

    def speaks_always(self, param: str) -> bool:
        """Whether a response without the parameter says that there is no live value."""
        return any(place.says_always for place in self.issued_at(param))

    @property
    def tells_anywhere(self) -> bool:
        """Whether no place of issue says that it tells, so that each does (`IssueKeys.tells`)."""
        places = [*self.family.issue, *(place for each in self.params for place in each.issue)]
        return not any(cast("IssueKeys", place).tells for place in places)

    def usage(self, param: str) -> str:
        """Where a value is to be presented whose issue does not say it."""
        channels = {place.channel for place in self.presented_at(param)}
        return channels.pop() if len(channels) == 1 else IMPLICIT

    def words(self) -> frozenset[str]:
        """Path segments that mean something to the dialect, case-folded."""
        return frozenset(
            globs.words((*self.scope.paths, *(g for param in self.params for g in param.only_on)))
        )

    def issue_places(self) -> Iterator[tuple[type[IssuePlace], list[Declared[IssuePlace]]]]:
        """What the dialect declares, by the places and conditions in which values are issued."""
        return _by_place(self, [p.issue for p in self.params], self.family.issue, ISSUE_PLACES)

    def ending_places(self) -> Iterator[tuple[type[PresentPlace], list[Declared[PresentPlace]]]]:
        """What it declares, by the places and conditions in which requests end values.

        Each parameter has places of its own: a revocation may name a value of several (RFC 7009).
        """
        for param in self.params:
            own = [p.ends if p is param else () for p in self.params]
            yield from _by_place(self, own, (), PRESENT_PLACES)

    def due_places(self) -> Iterator[tuple[type[PresentPlace], list[Declared[PresentPlace]]]]:
        """The cookies that say which value of a parameter is due (`Param.follows`)."""
        cookie: Any = PRESENT_PLACES["cookie"]
        own = [
            (cookie(cookie=p.follows.removeprefix("cookie:")),) if p.follows else ()
            for p in self.params
        ]
        return _by_place(self, own, (), PRESENT_PLACES)

    def present_places(self) -> Iterator[tuple[type[PresentPlace], list[Declared[PresentPlace]]]]:
        """What it declares, by the places and conditions in which values are presented."""
        return _by_place(
            self, [p.present for p in self.params], self.family.present, PRESENT_PLACES
        )


def _by_place[Place](
    dialect: Dialect,
    own: list[tuple[Place, ...]],
    family: tuple[Place, ...],
    places: dict[str, type[Place]],
) -> Iterator[tuple[type[Place], list[Declared[Place]]]]:
    names = tuple(param.name for param in dialect.params)
    declared = [Declared(place, names, family=True) for place in family]
    for name, mine in zip(names, own, strict=True):
        declared += [Declared(place, (name,), family=False) for place in mine]
    for kind in places.values():
        of_kind = [each for each in declared if isinstance(each.place, kind)]
        for condition in dict.fromkeys(condition_of(each.place) for each in of_kind):
            yield kind, [each for each in of_kind if condition_of(each.place) == condition]


def condition_of(place: object) -> Condition:
    """The exchanges that a place is read in."""
    return cast("Conditional", place).condition
