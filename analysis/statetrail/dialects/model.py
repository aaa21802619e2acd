"""What a dialect declares: where values are issued, where presented, and whom they bind.

A dialect is data: frozen `msgspec` structs, whose fields are the keys of its TOML.
`statetrail.extract` interprets the declaration on single exchanges; the analyses ask it which
endpoints a parameter binds. Nothing else knows a protocol, and only `statetrail.dialects.places`
knows a place.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from statetrail.dialects import globs
from statetrail.dialects.grammar import Priority
from statetrail.dialects.place import Declared, IssuePlace, KeyProblem, PresentPlace
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES

IMPLICIT: Final = "implicit"
"""Usage of a value that may be presented in any of several places."""

# Names that can be listed with commas.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Globs of the paths that mean something to a dialect.

    Attributes
    ----------
    paths
        The requests in scope, compared exactly; none: every request.
    login, logout, cart
        The requests that log a client in, that log it out, and what holds a cart or basket; in any
        letter case. Without `cart` the API has no carts.
    order
        The requests that order a cart; in any letter case.
    own_state, state_methods
        The resources with a state of their own, which values in a request do not change, and the
        methods that change it; in any letter case.
    health
        The requests by which a monitor asks whether the API is up; in any letter case.
    """

    paths: tuple[str, ...] = ()
    login: tuple[str, ...] = ("**/login/**", "**/logon/**", "**/signin/**")
    logout: tuple[str, ...] = ("**/logout/**", "**/logoff/**", "**/signout/**")
    cart: tuple[str, ...] = ()
    order: tuple[str, ...] = ("**/order/**", "**/orders/**", "**/checkout/**")
    own_state: tuple[str, ...] = ()
    state_methods: tuple[str, ...] = ()
    health: tuple[str, ...] = ("**/health", "**/healthz", "**/livez", "**/readyz", "**/ping")


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places of all parameters of a dialect, with ``{param}`` for each one's name.

    Attributes
    ----------
    place
        ``as-issued``: the usage that the server gave with a value names the place to present it
        in, and any other place is `misplaced`.
    required
        ``always``: every request in scope has to present the parameters.
    """

    issue: tuple[IssuePlace, ...] = ()
    present: tuple[PresentPlace, ...] = ()
    place: Literal["as-issued"] = "as-issued"
    required: Literal["always"] = "always"


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state parameter.

    Attributes
    ----------
    name
        Canonical name, e.g. ``LangId``.
    clear
        Regular expression of the values that may be stored in clear; `None`: the value is secret
        and only its fingerprint is stored. A value that does not match is treated as secret.
    establish
        The presented value that asks for a new value and is never one itself.
    restart
        ``fault``: to ask for a new value while one is alive is a fault of the client.
    minted
        Values come from the server alone, so that one never issued is `foreign`, not an override.
    credential
        Whether its values let their holder act. Without it those that the server makes do, and
        secret ones whose names say so.
    priority
        Of values whose issue does not name one.
    required
        As for a `Family`.
    only_on
        Globs (in any letter case) of the endpoints that allow it; none: every request in scope.
    state_methods
        As for a `Scope`, of this parameter alone.
    stateless
        ``reads``: a request that changes nothing may go without a value between requests that
        present one.
    issue, present
        Where responses issue it and requests present it, besides the places of the family.
    """

    name: str
    clear: str | None = None
    establish: str | None = None
    restart: Literal["fault"] = "fault"
    minted: bool = False
    credential: bool | None = None
    priority: Priority = "informational"
    required: Literal["always"] = "always"
    only_on: tuple[str, ...] = ()
    state_methods: tuple[str, ...] = ()
    stateless: Literal["reads"] | None = None
    issue: tuple[IssuePlace, ...] = ()
    present: tuple[PresentPlace, ...] = ()

    def __post_init__(self) -> None:
        _check_name("parameter", self.name)
        try:
            re.compile(self.clear or "")
        except re.error as error:
            raise KeyProblem(
                "clear",
                f"{self.clear!r} is no regular expression ({error}): mend it, or leave `clear` out",
            ) from None


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
    params: tuple[Param, ...] = msgspec.field(name="param")
    references: tuple[str, ...] = ()
    scope: Scope = Scope()
    family: Family = Family()
    session_keys: tuple[str, ...] = ()
    refused: tuple[int, ...] = (401, 403, 419, 440)

    def __post_init__(self) -> None:
        _check_name("dialect", self.name)
        seen: set[str] = set()
        for at, param in enumerate(self.params):
            if param.name.lower() in seen:
                raise KeyProblem(
                    f"param[{at}].name",
                    f"{param.name!r} is declared more than once (names that differ in letter case "
                    "are the same): remove one of them",
                )
            seen.add(param.name.lower())
            if not (self.issued_at(param.name) or self.presented_at(param.name)):
                raise KeyProblem(
                    f"param[{at}]",
                    f"{param.name} has no place: say with `issue` and `present` where its values "
                    "are",
                )
        minted = [param.name for param in self.params if param.minted]
        if unknown := [name for name in self.session_keys if name not in minted]:
            raise KeyProblem(
                "session_keys",
                f"{unknown[0]!r} is no parameter with `minted = true`: declare it, or leave it out",
            )

    def param(self, name: str) -> Param | None:
        """The declared parameter of that name, or `None` for an unknown one."""
        return next((param for param in self.params if param.name == name), None)

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
        if known is None or not known.only_on:
            return True
        return globs.matches_folded(known.only_on, path)

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
        """What the dialect declares, by the places in which values are issued."""
        return _by_place(self, [p.issue for p in self.params], self.family.issue, ISSUE_PLACES)

    def present_places(self) -> Iterator[tuple[type[PresentPlace], list[Declared[PresentPlace]]]]:
        """What the dialect declares, by the places in which values are presented."""
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
        if of_kind := [each for each in declared if isinstance(each.place, kind)]:
            yield kind, of_kind


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise KeyProblem(
            "name", f"{name!r} is no {what} name: use letters, digits, '_', '.' and '-', at most 64"
        )
