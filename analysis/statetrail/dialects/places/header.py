"""State in header fields: ``X-Set-LangId: 1;header/forced`` in a response, ``X-LangId: 1`` back.

A family's field names end in ``{param}``. A response field that begins like them and goes on with
an unknown name is recorded as an unknown parameter.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec

from statetrail.dialects.place import (
    PARAM,
    Declared,
    IssuedTexts,
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
_BLANKS: Final = " \t"


class HeaderPresent(
    msgspec.Struct, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the header field of that name."""

    channel: ClassVar[str] = "header"
    part: ClassVar[Part] = "header"
    header: str

    def __post_init__(self) -> None:
        _check(self.header.removesuffix(PARAM) or "x", self.header)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        request.fields[named(self.header, param)] = value


class HeaderIssue(
    msgspec.Struct, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Responses issue values in the header field of that name."""

    channel: ClassVar[str] = "header"
    part: ClassVar[Part] = "header"
    header: str
    grammar: Literal["value;usage/priority"] | None = None

    def __post_init__(self) -> None:
        # Without a prefix every header of a response would be an unknown parameter.
        _check(self.header.removesuffix(PARAM), self.header)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    def field_name(self, param: str) -> str:
        return named(self.header, param)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        response.fields.append((named(self.header, param), text))


class _PresentReader(PresentReader):
    def __init__(self, declared: Sequence[Declared[HeaderPresent]]) -> None:
        self._params = {
            named(each.place.header, param).encode(): param
            for each in declared
            for param in each.params
        }
        self.fields = self.own_fields = frozenset(self._params)

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        if self.fields.isdisjoint(lines):
            return ()
        return [
            (param, text(value).strip(_BLANKS))
            for name, values in lines.items()
            if (param := self._params.get(name)) is not None
            for value in values
        ]


class _IssueReader(IssueReader):
    def __init__(self, declared: Sequence[Declared[HeaderIssue]]) -> None:
        self._declared = [
            (
                named(each.place.header, "").encode() if each.family else b"",
                {named(each.place.header, param).encode(): param for param in each.params},
                each.place.grammar,
            )
            for each in declared
        ]
        self.fields = tuple(
            start
            for prefix, params, _ in self._declared
            for start in ((prefix,) if prefix else params)
        )

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        for prefix, params, grammar in self._declared:
            for name, values in lines.items():
                if name in params or (prefix and name.startswith(prefix)):
                    yield IssuedTexts(
                        params.get(name),
                        text(name[len(prefix) :]),
                        [text(value).strip(_BLANKS) for value in values],
                        grammar,
                    )


def _check(prefix: str, header: str) -> None:
    if not _FIELD.fullmatch(prefix):
        raise KeyProblem(
            "header",
            f"{header!r} is no header field's name: write it in lower case, e.g. 'x-token', "
            f"or for a family 'x-set-{PARAM}'",
        )
