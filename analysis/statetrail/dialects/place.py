"""What a place of state has to say for itself: the interface of `statetrail.dialects.places`.

Enters, as TOML: where a dialect's values are issued or presented. Leaves: readers that find the
values in a message's parts. Each place is one module with one frozen `msgspec` struct for what it
issues (`IssuePlace`), one for what it presents (`PresentPlace`), or both. The struct's first field
is the place's key in the TOML; the other fields are its further keys. Nothing outside the module
mentions the place: it is found by walking the package.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from statetrail.dialects.wire import Body, FieldLines, Target

type Part = Literal["header", "query", "path", "body"]
"""Part of a message that a place is in."""

PARAM = "{param}"
"""Stands in a family's places for the name of each of its parameters."""


class KeyProblem(ValueError):  # noqa: N818 - what is wrong with a key of a TOML file
    """A key of a dialect's TOML makes no sense; the text says why, and what to do."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")


class Declared[Place](NamedTuple):
    """One declaration of a place, with the parameters that it is for.

    A family's place is for all parameters of the dialect, and for the unknown ones as well.
    """

    place: Place
    params: tuple[str, ...]
    family: bool


class PresentReader:
    """Finds what a dialect's declarations of one place present in a request.

    `fields` are the lower-case names of the header fields that `in_fields` reads, `own_fields`
    those of them that hold nothing but state: no token is looked for in them. With `reads_target`,
    `in_target` may find values.
    """

    fields: frozenset[bytes] = frozenset()
    own_fields: frozenset[bytes] = frozenset()
    reads_target: bool = False

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        """The parameters presented in header fields, with their values."""
        return ()

    def in_target(self, target: Target) -> Iterable[tuple[str, str]]:
        """The parameters presented in the request's target, with their values."""
        return ()


class IssuedTexts(NamedTuple):
    """What a response says of one name of a place: the texts, in order.

    `param` is `None` where the dialect does not know the name. Texts have a grammar, or are the
    value itself.
    """

    param: str | None
    name: str
    texts: list[str]
    grammar: str | None = None


class IssueReader:
    """Finds what a dialect's declarations of one place issue in a response.

    The lower-case names of the header fields that `in_fields` reads begin with one of `fields`.
    `params` are the parameters whose values `in_body` finds, one for each declaration.
    """

    fields: tuple[bytes, ...] = ()
    params: tuple[str, ...] = ()

    def in_fields(self, lines: FieldLines) -> Iterable[IssuedTexts]:
        """What is issued in header fields."""
        return ()

    def in_body(self, body: Body) -> tuple[str | None, ...]:
        """The value for each of `params`, or `None`. Raises `BodyError`."""
        return ()


class Outgoing(NamedTuple):
    """A request that is being made, for `PresentPlace.write`."""

    fields: dict[str, str]
    query: list[tuple[str, str]]


class OutgoingResponse(NamedTuple):
    """A response that is being made, for `IssuePlace.write`.

    `attributes` are those of the root of the XML document that is its body.
    """

    fields: list[tuple[str, str]]
    attributes: dict[str, str]


class PresentPlace:
    """A place where requests present values: base of a place's struct.

    `channel` is its name in the columns ``channel`` and ``usage``, `part` the part of the request
    that it is in.
    """

    __slots__ = ()
    channel: ClassVar[str]
    part: ClassVar[Part]

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        """What finds the values."""
        raise NotImplementedError

    def write(self, param: str, value: str, request: Outgoing) -> None:
        """Present a value in a request."""
        raise NotImplementedError


class IssuePlace:
    """A place where responses issue values: base of a place's struct.

    `channel` is its name in the column ``channel``, `part` the part of the response that it is in.
    With `says_always` a live value is always issued anew, so a response that keeps silent is a sign
    of its end.
    """

    __slots__ = ()
    channel: ClassVar[str]
    part: ClassVar[Part]
    says_always: ClassVar[bool] = False

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        """What finds the values."""
        raise NotImplementedError

    def field_name(self, param: str) -> str | None:
        """The lower-case name of the header field that issues a parameter, if one does."""
        return None

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        """Issue a text, in the grammar of the place, in a response."""
        raise NotImplementedError


def named(pattern: str, param: str) -> str:
    """What a place names for a parameter, in lower case.

    >>> named("x-set-{param}", "LangId"), named("x-token", "LangId")
    ('x-set-langid', 'x-token')
    """
    return pattern.replace(PARAM, param).lower()
