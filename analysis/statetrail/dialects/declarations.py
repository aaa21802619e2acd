"""What a dialect declares of its scope, its family and its parameters: the keys of its TOML."""

import re
from typing import Final, Literal

import msgspec

from statetrail.dialects.canonical import Same
from statetrail.dialects.grammar import Priority
from statetrail.dialects.place import IssuePlace, KeyProblem, PresentPlace

# Names that can be listed with commas.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Globs of the paths that mean something to a dialect.

    Attributes
    ----------
    paths
        The requests in scope, compared exactly; none: every request.
    hosts
        Globs of the hosts in scope, in lower case; none: every host.
    realm
        Who a value is good for: the ``origin`` that issued it, its ``site`` (RFC 6265bis,
        section 5.2), or every origin of the ``dialect``.
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
    hosts: tuple[str, ...] = ()
    realm: Literal["origin", "site", "dialect"] = "origin"
    login: tuple[str, ...] = ("**/login/**", "**/logon/**", "**/signin/**")
    logout: tuple[str, ...] = ("**/logout/**", "**/logoff/**", "**/signout/**")
    cart: tuple[str, ...] = ()
    order: tuple[str, ...] = ("**/*order/**", "**/orders/**", "**/checkout/**")
    own_state: tuple[str, ...] = ()
    state_methods: tuple[str, ...] = ()
    health: tuple[str, ...] = ("**/health", "**/healthz", "**/livez", "**/readyz", "**/ping")


type Lifetime = Literal["cookie", "jwt"] | int
"""Where the declared lifetime of a value stands: in its cookie, in the token, or in seconds."""
type Supersedes = Literal["client", "lineage", "none"]
type Required = Literal["always", "after-use", "learned", "never"]


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A header field or a JSON pointer, and a regular expression that its text has a match of.

    Attributes
    ----------
    has
        The regular expression, in any letter case; empty: whatever the text.
    """

    name: str | None = None
    pointer: str | None = None
    has: str = ""

    def __post_init__(self) -> None:
        if (self.name is None) == (self.pointer is None):
            raise KeyProblem("name", "name a header field (`name`) or a JSON pointer (`pointer`)")
        _check_expression("has", self.has)


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a response says that a value is not taken; all that is named has to hold.

    Attributes
    ----------
    status
        The statuses.
    header, json, body
        What the response has: in a header field, in its JSON document, in the text of its body.
    unless_header
        A header field with which the response refuses something else.
    """

    status: tuple[int, ...]
    header: Text | None = None
    json: Text | None = None
    body: str | None = None
    unless_header: Text | None = None

    def __post_init__(self) -> None:
        _check_expression("body", self.body or "")
        for key in ("header", "unless_header"):
            if (text := getattr(self, key)) is not None and text.name is None:
                raise KeyProblem(key, "name the header field with `name`")
        if self.json is not None and self.json.pointer is None:
            raise KeyProblem("json", "name the member with `pointer`")


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places of all parameters of a dialect, with ``{param}`` for each one's name.

    Attributes
    ----------
    place
        ``as-issued``: the usage that the server gave with a value names the place to present it
        in, and any other place is `misplaced`.
    required, supersedes, lifetime, void
        As for a `Param`, of every parameter that does not say otherwise.
    store
        ``browser``: values are cookies; which requests owe them is told by what a user agent does
        with its cookie store (RFC 6265bis).
    sessions
        Regular expressions of the names of the parameters that name a session; those of an earlier
        one decide first.
    """

    issue: tuple[IssuePlace, ...] = ()
    present: tuple[PresentPlace, ...] = ()
    place: Literal["as-issued"] | None = None
    required: Required | None = None
    supersedes: Supersedes | None = None
    lifetime: Lifetime | None = None
    void: str | None = None
    store: Literal["browser"] | None = None
    sessions: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_expression("void", self.void or "")
        for pattern in self.session_patterns:
            _check_expression("sessions", pattern)

    @property
    def session_patterns(self) -> tuple[str, ...]:
        """The regular expressions of the names of session keys."""
        return (self.sessions,) if isinstance(self.sessions, str) else self.sessions


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
        Regular expression of the presented value that asks for a new value and is never one itself.
    restart
        ``fault``: to ask for a new value while one is alive is a fault of the client.
    void
        Regular expression of the issued words that are no value and end the one before.
    same
        The canonical form of values that are written anew each time: those of one form are one.
    minted
        Values come from the server alone, so that one never issued is `foreign`, not an override.
    credential
        Whether its values let their holder act. Without it those that the server makes do, and
        secret ones whose names say so.
    priority
        Of values whose issue does not name one.
    required
        The requests that owe a value: ``always`` those in scope; ``after-use`` those for an
        endpoint at which the client presented one before; ``learned`` those for an endpoint that
        refused a request without one; ``never`` none.
    methods
        The methods of the requests that owe a value; none: every method.
    place
        As for a `Family`.
    only_on, not_on
        Globs (in any letter case) of the endpoints that allow it, and of those that do not; none:
        every request in scope.
    instead
        Parameters that free a request which presents one of them from this one.
    supersedes
        What makes a value old: ``client`` a newer one issued to the same client; ``lineage`` only
        one in the response to a request that presented it; ``none`` nothing.
    uses
        How many requests may present a value.
    grace_s
        Seconds for which servers go on to take a value that was replaced or used up.
    tied_to
        Other parameters: a value ends when a cookie that ``cookie:GLOB`` names is deleted; a plain
        ``NAME`` is documentation.
    follows
        The parameter, as ``cookie:NAME``, whose value in the same request says which value is due.
    lifetime
        Where a value's declared lifetime stands, if its issue does not say it.
    refused
        How a response says that a value is not taken.
    ends
        Where requests name a value that a success then ends: a revocation (RFC 7009).
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
    restart: Literal["fault"] | None = None
    void: str | None = None
    same: Same | None = None
    minted: bool = False
    credential: bool | None = None
    priority: Priority = "informational"
    required: Required | None = None
    methods: tuple[str, ...] = ()
    place: Literal["as-issued"] | None = None
    only_on: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    supersedes: Supersedes | None = None
    uses: int | None = None
    grace_s: int = 0
    tied_to: tuple[str, ...] = ()
    follows: str | None = None
    lifetime: Lifetime | None = None
    refused: tuple[Refusal, ...] = ()
    ends: tuple[PresentPlace, ...] = ()
    state_methods: tuple[str, ...] = ()
    stateless: Literal["reads"] | None = None
    issue: tuple[IssuePlace, ...] = ()
    present: tuple[PresentPlace, ...] = ()

    def __post_init__(self) -> None:
        check_name("parameter", self.name)
        for key in ("clear", "establish", "void"):
            _check_expression(key, getattr(self, key) or "")
        if self.uses is not None and self.uses < 1:
            raise KeyProblem("uses", f"{self.uses} is no number of uses: write 1 or more")
        if self.grace_s < 0:
            raise KeyProblem("grace_s", f"{self.grace_s} is no time: write seconds from 0 on")
        if self.follows is not None and not self.follows.startswith("cookie:"):
            raise KeyProblem(
                "follows", f"{self.follows!r} names no cookie: write it as 'cookie:csrftoken'"
            )


def _check_expression(key: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise KeyProblem(
            key,
            f"{pattern!r} is no regular expression ({error}): mend it, or leave `{key}` out",
        ) from None


def check_name(what: str, name: str) -> None:
    """Raise `KeyProblem` where a name cannot be listed with commas."""
    if not _NAME.fullmatch(name):
        raise KeyProblem(
            "name", f"{name!r} is no {what} name: use letters, digits, '_', '.' and '-', at most 64"
        )
