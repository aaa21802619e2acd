"""State in header fields: ``X-Set-LangId: 1;header/forced`` in a response, ``X-LangId: 1`` back.

A family's field names end in ``{param}``. A response field that begins like them and goes on with
an unknown name is recorded as an unknown parameter.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, Literal

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    IssuedTexts,
    IssueKeys,
    IssuePlace,
    IssueReader,
    KeyProblem,
    Outgoing,
    OutgoingResponse,
    Part,
    PresentPlace,
    PresentReader,
    named,
)
from statetrail.dialects.wire import FieldLines, text

# What RFC 9110 allows in a field name, in lower case.
_FIELD: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_SCHEME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BLANKS: Final = " \t"


class HeaderPresent(
    Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the header field of that name, with `scheme` after that word."""

    channel: ClassVar[str] = "header"
    part: ClassVar[Part] = "header"
    says: ClassVar[str] = "the header field `{}`"
    header: str
    scheme: str | None = None

    def check(self) -> None:
        super().check()
        _check(self.header.removesuffix(PARAM) or "x", self.header)
        if self.scheme is not None and not _SCHEME.fullmatch(self.scheme):
            raise KeyProblem(
                "scheme", f"{self.scheme!r} is no authentication scheme: write it as 'Bearer'"
            )

    def phrase(self, name: str) -> str:
        after = f", after the word `{self.scheme}`" if self.scheme else ""
        return super().phrase(name.lower()) + after

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        scheme = f"{self.scheme} " if self.scheme else ""
        request.fields[named(self.header, param)] = scheme + value


class HeaderIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in the header field of that name."""

    channel: ClassVar[str] = "header"
    part: ClassVar[Part] = "header"
    says: ClassVar[str] = "the header field `{}`"
    header: str
    grammar: Literal["value;usage/priority"] | None = None

    def check(self) -> None:
        super().check()
        # Without a prefix every header of a response would be an unknown parameter.
        _check(self.header.removesuffix(PARAM), self.header)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    def phrase(self, name: str) -> str:
        return super().phrase(name.lower())

    def field_name(self, param: str) -> str:
        return named(self.header, param)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        response.fields.append((named(self.header, param), text))


class _PresentReader(PresentReader):
    def __init__(self, declared: Sequence[Declared[HeaderPresent]]) -> None:
        self._params = {
            named(each.place.header, param).encode(): (param, each.place.scheme)
            for each in declared
            for param in each.params
        }
        self.fields = frozenset(self._params)
        self.own_fields = frozenset(
            name for name, (_, scheme) in self._params.items() if scheme is None
        )

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        if self.fields.isdisjoint(lines):
            return ()
        return [
            (known[0], shown)
            for name, values in lines.items()
            if (known := self._params.get(name)) is not None
            for value in values
            if (shown := _after(text(value).strip(_BLANKS), known[1])) is not None
        ]


class _IssueReader(IssueReader):
    def __init__(self, declared: Sequence[Declared[HeaderIssue]]) -> None:
        self._declared = [
            (
                named(each.place.header, "").encode() if each.family else b"",
                {named(each.place.header, param).encode(): param for param in each.params},
                each.place.grammar,
                each.place,
            )
            for each in declared
        ]
        self.fields = tuple(
            start
            for prefix, params, _, _ in self._declared
            for start in ((prefix,) if prefix else params)
        )

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        for prefix, params, grammar, place in self._declared:
            for name, values in lines.items():
                if name in params or (prefix and name.startswith(prefix)):
                    yield IssuedTexts(
                        params.get(name),
                        text(name[len(prefix) :]),
                        [text(value).strip(_BLANKS) for value in values],
                        grammar,
                        place=place,
                    )


def _after(field: str, scheme: str | None) -> str | None:
    """What follows the authentication scheme (RFC 9110, 11.4); `None` of another one."""
    if scheme is None:
        return field
    first, _, rest = field.partition(" ")
    return rest.strip(_BLANKS) if first.casefold() == scheme.casefold() else None


def _check(prefix: str, header: str) -> None:
    if not _FIELD.fullmatch(prefix):
        raise KeyProblem(
            "header",
            f"{header!r} is no header field's name: write it in lower case, e.g. 'x-token', "
            f"or for a family 'x-set-{PARAM}'",
        )
