"""What a dialect declares: where values are issued, where presented, and whom they bind.

A dialect is data: frozen `msgspec` structs, so that `msgspec.toml.decode(text, type=Dialect)` can
read one that a user wrote. `statetrail.extract` interprets the declaration on single exchanges;
`statetrail.analyses.events.scope` decides with it which endpoints a parameter binds. Nothing else
knows a protocol.
"""

import re
from typing import Final, Literal

import msgspec

type Usage = Literal["header", "uriquery", "implicit"]
type Priority = Literal["informational", "forced"]

USAGES: Final[tuple[Usage, ...]] = ("header", "uriquery", "implicit")
PRIORITIES: Final[tuple[Priority, ...]] = ("informational", "forced")

# What RFC 9110 allows in a field name, in lower case; and names that can be listed with commas.
_PREFIX: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class Param(msgspec.Struct, frozen=True, kw_only=True):
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
    minted
        Values come from the server alone, so that one never issued is `foreign`, not an override.
    only_on
        Path segments (lower case) of the endpoints that allow it; empty: every request in scope.
    """

    name: str
    clear: str | None = None
    establish: str | None = None
    minted: bool = False
    only_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_name("parameter", self.name)
        try:
            re.compile(self.clear or "")
        except re.error as error:
            raise ValueError(
                f"the pattern {self.clear!r} of parameter {self.name} is no regular expression "
                f"({error}): mend it, or leave `clear` out"
            ) from None


class HeaderIssue(msgspec.Struct, frozen=True, kw_only=True, tag="header"):
    """Values are issued in response headers ``{prefix}{param}: {value};{usage}/{priority}``.

    A header with the prefix and an unknown name is recorded as an unknown parameter.
    """

    prefix: str

    def __post_init__(self) -> None:
        # Without a prefix every header of a response would be an unknown parameter.
        _check_prefix(self.prefix)


class XmlRootIssue(msgspec.Struct, frozen=True, kw_only=True, tag="xml-root-attribute"):
    """A value is issued in an attribute (without a namespace) of the XML response's root."""

    attribute: str
    param: str
    usage: Usage
    priority: Priority


class HeaderPresent(msgspec.Struct, frozen=True, kw_only=True, tag="header"):
    """Known parameters are presented as request headers ``{prefix}{param}``; it may be empty."""

    prefix: str

    def __post_init__(self) -> None:
        if self.prefix:
            _check_prefix(self.prefix)


class QueryPresent(msgspec.Struct, frozen=True, kw_only=True, tag="uriquery"):
    """Known parameters are presented as query parameters."""

    case_sensitive: bool = True


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol of handing state back and forth.

    Attributes
    ----------
    scope
        Consecutive path segments that put a request in scope, compared exactly; none: every
        request.
    login, logout
        Path segments (lower case) of the requests that log a client in, and out.
    cart
        Path segments (lower case) of what holds a cart or basket; none: the API has none.
    refused
        Statuses that refuse a token which is not answered with itself; 419 and 440 are those of
        frameworks for an old login.
    """

    name: str
    title: str
    scope: tuple[str, ...]
    params: tuple[Param, ...]
    issues: tuple[HeaderIssue | XmlRootIssue, ...]
    presents: tuple[HeaderPresent | QueryPresent, ...]
    references: tuple[str, ...] = ()
    login: tuple[str, ...] = ("login", "logon", "signin")
    logout: tuple[str, ...] = ("logout", "logoff", "signout")
    cart: tuple[str, ...] = ()
    refused: tuple[int, ...] = (401, 403, 419, 440)

    def __post_init__(self) -> None:
        _check_name("dialect", self.name)
        names = [param.name.lower() for param in self.params]
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise ValueError(f"dialect {self.name} declares {', '.join(twice)} more than once")
        for issue in self.issues:
            if isinstance(issue, XmlRootIssue) and self.param(issue.param) is None:
                raise ValueError(
                    f"dialect {self.name} issues {issue.param!r}, which is none of its params: "
                    "declare it"
                )

    def param(self, name: str) -> Param | None:
        """The declared parameter of that name, or `None` for an unknown one."""
        return next((param for param in self.params if param.name == name), None)

    def in_scope(self, path: str) -> bool:
        """Whether the path (or endpoint template) has the scope's consecutive segments.

        >>> from statetrail.dialects import ZEST
        >>> ZEST.in_scope("/shop/API/V3/Cart"), ZEST.in_scope("/API/V2/Cart")
        (True, False)
        """
        return f"/{'/'.join(self.scope)}/" in f"/{path}/" if self.scope else True

    def allows(self, param: str, path: str) -> bool:
        """Whether the protocol lets requests for that path present the parameter."""
        known = self.param(param)
        if known is None or not known.only_on:
            return True
        return has_segment(path, known.only_on)


def has_segment(path: str, words: tuple[str, ...]) -> bool:
    """Whether a segment of the path is one of the words (lower case).

    >>> has_segment("/API/V3/Cart/{id}", ("cart",)), has_segment("/API/V3/Cartoon", ("cart",))
    (True, False)
    """
    return any(segment.lower() in words for segment in path.split("/"))


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no {what} name: use letters, digits, '_', '.' and '-', at most 64"
        )


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is no header prefix: write it in lower case, e.g. 'x-set-'")
