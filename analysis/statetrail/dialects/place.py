"""What a place of state has to say for itself: the interface of `statetrail.dialects.places`.

Enters, as TOML: where a dialect's values are issued or presented. Leaves: readers that find the
values in a message's parts. Each place is one module with one frozen `msgspec` struct for what it
issues (`IssuePlace`), one for what it presents (`PresentPlace`), or both. The struct's first field
is the place's key in the TOML; the other fields are its further keys. Nothing outside the module
mentions the place: it is found by walking the package.

Every place may be bound to some exchanges (`on`, `status`): a *condition*. Of an issued text a part
may be taken (`from`) and decoded (`decode`).
"""

import base64
import binascii
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, NamedTuple

import msgspec

from statetrail.dialects import globs
from statetrail.dialects.wire import Body, FieldLines, Target

type Part = Literal["header", "head", "query", "path", "body"]
"""Part of a message that a place is in; ``head``: in fields that no page of a browser can read."""

_ON: Final = re.compile(r"([A-Z]+|\*) (\S+)")

PARAM = "{param}"
"""Stands in a family's places for the name of each of its parameters."""


class KeyProblem(ValueError):  # noqa: N818 - what is wrong with a key of a TOML file
    """A key of a dialect's TOML makes no sense; the text says why, and what to do."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")


class Condition(NamedTuple):
    """The exchanges that a place is read in: of these requests and statuses; empty: of all."""

    on: tuple[str, ...] = ()
    status: tuple[int, ...] = ()

    def methods(self, path: str) -> frozenset[str] | None:
        """The methods with which requests for the path fulfil `on`; `None`: every method."""
        if not self.on:
            return None
        pairs = [each.split(" ", 1) for each in self.on]
        methods = {method for method, glob in pairs if globs.matches((glob,), path)}
        return None if "*" in methods else frozenset(methods)


class Conditional(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of every place.

    Attributes
    ----------
    on
        Methods with globs of paths, e.g. ``POST **/token``; ``*`` stands for every method. None:
        every request.

    `says` is the place in plain words, with ``{}`` for what its key names.
    """

    says: ClassVar[str] = ""
    on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.check()

    @property
    def name(self) -> str:
        """What the place's own key names, with `PARAM` where a family's place has it."""
        return str(getattr(self, self._key))

    @property
    def _key(self) -> str:
        known = IssueKeys.__struct_fields__
        return next(each for each in self.__struct_fields__ if each not in known)

    def phrase(self, name: str) -> str:
        """The place in plain words, to follow "in"; `name` is what it names for a parameter."""
        return self.says.format(name) if self.says else f"the {self._key} `{name}`"

    def phrase_for(self, param: str) -> str:
        """The place of a parameter in plain words, to follow "in"."""
        return self.phrase(self.name.replace(PARAM, param))

    def check(self) -> None:
        """Raise `KeyProblem` where a key makes no sense."""
        for each in self.on:
            if not _ON.fullmatch(each):
                raise KeyProblem(
                    "on", f"{each!r} is no method with a path: write it as 'POST **/token'"
                )

    @property
    def condition(self) -> Condition:
        """The exchanges that the place is read in."""
        return Condition(self.on)


class IssueKeys(Conditional, frozen=True, kw_only=True):
    """Keys of every place of issue.

    Attributes
    ----------
    status
        Statuses of the responses; none: every response.
    from_
        Regular expression with one group: the part of the text that is the value.
    decode
        What is taken away from the text, the first one first.
    lifetime
        How long the value lives by its issue: a number of seconds, or the JSON pointer of one.
    tells
        Whether a value issued here shows that the origin speaks the dialect. Where no place of a
        dialect tells, each does.

    With `reads_lifetime`, `lifetime` may be a pointer.
    """

    reads_lifetime: ClassVar[bool] = False
    status: tuple[int, ...] = ()
    from_: str | None = msgspec.field(name="from", default=None)
    decode: tuple[Literal["percent", "base64", "json"], ...] = ()
    lifetime: int | str | None = None
    tells: bool = False

    def check(self) -> None:
        super().check()
        try:
            groups = re.compile(self.from_ or "()").groups
        except re.error as error:
            raise KeyProblem(
                "from", f"{self.from_!r} is no regular expression ({error}): mend it"
            ) from None
        if groups != 1:
            raise KeyProblem(
                "from", f"{self.from_!r} has {groups} groups: put the value's part in one group"
            )
        if isinstance(self.lifetime, str) and not self.lifetime.startswith("/"):
            raise KeyProblem(
                "lifetime",
                f"{self.lifetime!r} is no JSON pointer: write '/expires_in', or a number of "
                "seconds",
            )

    @property
    def condition(self) -> Condition:
        return Condition(self.on, self.status)

    @property
    def transforms(self) -> bool:
        """Whether the value is another text than the one that stands on the wire."""
        return bool(self.from_ or self.decode)

    def value(self, text: str) -> str | None:
        """The value that a text holds; `None` where it holds none."""
        if self.from_ is not None:
            match = re.search(self.from_, text[:MAX_TEXT])
            if match is None:
                return None
            text = match[1] or ""
        for step in self.decode:
            decoded = _decoded(text, step)
            if decoded is None:
                return None
            text = decoded
        return text


MAX_TEXT: Final = 16_384
"""Characters of a text that `from` is looked for in."""


def _decoded(text: str, step: str) -> str | None:
    try:
        if step == "percent":
            return urllib.parse.unquote(text, errors="surrogateescape")
        if step == "base64":
            padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
            return base64.b64decode(padded, validate=True).decode("utf-8", "surrogateescape")
        value = msgspec.json.decode(text)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        return None
    return value if isinstance(value, str) else None


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
    `in_target` may find values; with `reads_body`, `in_body` may.
    """

    fields: frozenset[bytes] = frozenset()
    own_fields: frozenset[bytes] = frozenset()
    reads_target: bool = False
    reads_body: bool = False

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        """The parameters presented in header fields, with their values."""
        return ()

    def in_target(self, target: Target) -> Iterable[tuple[str, str]]:
        """The parameters presented in the request's target, with their values."""
        return ()

    def in_body(self, body: Body) -> Iterable[tuple[str, str]]:
        """The parameters presented in the request's body, with their values; none, of a body that
        cannot be read."""
        return ()


class CookieAttributes(msgspec.Struct, frozen=True, gc=False):
    """What a `Set-Cookie` field says besides the value (RFC 6265bis, section 5.6).

    `domain` is `None` for the host alone, `path` for the default one. `flags` are lower-case words,
    comma separated: `secure`, `httponly`, `samesite=lax`, `partitioned`, `refused=…` (why a browser
    does not store it), and `unclear` where browsers read its end differently.
    """

    domain: str | None = None
    path: str | None = None
    flags: str = ""


class Extra(NamedTuple):
    """What an issue says of a value besides the value itself.

    `lifetime_s` is what the issue declares; `void`: the value is none, and ends the one before.
    """

    lifetime_s: int | None = None
    void: bool = False
    cookie: CookieAttributes | None = None


class Found(NamedTuple):
    """A text that a body issues, with the lifetime in seconds that the body declares."""

    text: str
    lifetime_s: int | None


class IssuedTexts(NamedTuple):
    """What a response says of one name of a place: the texts, in order.

    `param` is `None` where the dialect does not know the name. Texts have a grammar, or are the
    value itself. `extras` are those of the texts, where there are some; `place` is the declaration.
    """

    param: str | None
    name: str
    texts: list[str]
    grammar: str | None = None
    extras: list[Extra] | None = None
    place: IssueKeys | None = None


class IssueReader:
    """Finds what a dialect's declarations of one place issue in a response.

    The lower-case names of the header fields that `in_fields` reads begin with one of `fields`.
    `names` are the names of parameters that may be unknown. With `several`, differing texts of one
    name are values of their own.
    `params` are the parameters whose values `in_body` finds, one for each declaration, and `places`
    the declarations. It has something to find only in bodies that hold one of `needles`;
    none: in every body. `media` is a word of the content types of such bodies; empty: of all.
    """

    fields: tuple[bytes, ...] = ()
    names: re.Pattern[str] = re.compile(r"[a-z][a-z0-9-]{0,31}")
    several: bool = False
    params: tuple[str, ...] = ()
    places: tuple[IssueKeys, ...] = ()
    needles: tuple[bytes, ...] = ()
    media: str = ""

    def in_fields(self, lines: FieldLines) -> Iterable[IssuedTexts]:
        """What is issued in header fields."""
        return ()

    def in_body(self, body: Body) -> tuple[str | Found | None, ...]:
        """The text for each of `params`, or `None`. Raises `BodyError`."""
        return ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that is being made, for `PresentPlace.write`.

    `form` are the fields of its body, or `members` those of a JSON document, by pointer.
    """

    fields: dict[str, str]
    query: list[tuple[str, str]]
    form: list[tuple[str, str]] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutgoingResponse:
    """A response that is being made, for `IssuePlace.write`.

    `attributes` are those of the root of the XML document that is its body, or `members` those of a
    JSON document, by pointer.
    """

    fields: list[tuple[str, str]]
    attributes: dict[str, str]
    members: dict[str, str | int] = field(default_factory=dict)


class PresentPlace:
    """A place where requests present values: base of a place's struct, beside `Conditional`.

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
        """Present a value in a request; in a place that cannot be written, nothing happens."""


class IssuePlace:
    """A place where responses issue values: base of a place's struct, beside `IssueKeys`.

    `channel` is its name in the column ``channel``, `part` the part of the response that it is in.
    With `says_always` a live value is always issued anew, so a response that keeps silent is a sign
    of its end.
    """

    __slots__ = ()
    channel: ClassVar[str]
    part: ClassVar[Part]

    @property
    def says_always(self) -> bool:
        """Whether a live value is always issued anew."""
        return False

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        """What finds the values."""
        raise NotImplementedError

    def field_name(self, param: str) -> str | None:
        """The lower-case name of the header field that issues a parameter, if one does."""
        return None

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        """Issue a text, in the grammar of the place, in a response; in a place that cannot be
        written, nothing happens."""


def named(pattern: str, param: str) -> str:
    """What a place names for a parameter, in lower case.

    >>> named("x-set-{param}", "LangId"), named("x-token", "LangId")
    ('x-set-langid', 'x-token')
    """
    return pattern.replace(PARAM, param).lower()
