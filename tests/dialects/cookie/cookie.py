"""State in cookies: ``Set-Cookie: sid=…`` in a response, ``Cookie: sid=…`` back."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from statetrail.dialects.place import (
    Declared,
    IssuedTexts,
    IssuePlace,
    IssueReader,
    Outgoing,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.wire import FieldLines, text


class CookiePresent(
    msgspec.Struct, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the cookie of that name."""

    channel: ClassVar[str] = "cookie"
    part: ClassVar[Part] = "header"
    cookie: str

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        request.fields["cookie"] = f"{self.cookie}={value}"


class CookieIssue(
    msgspec.Struct, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Responses issue values in the cookie of that name."""

    channel: ClassVar[str] = "cookie"
    part: ClassVar[Part] = "header"
    cookie: str

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)


class _PresentReader(PresentReader):
    fields = frozenset([b"cookie"])

    def __init__(self, declared: Sequence[Declared[CookiePresent]]) -> None:
        self._params = {each.place.cookie: each.params[0] for each in declared}

    def in_fields(self, lines: FieldLines) -> Iterator[tuple[str, str]]:
        for line in lines.get(b"cookie", ()):
            for pair in text(line).split(";"):
                name, _, value = pair.strip().partition("=")
                if name in self._params:
                    yield self._params[name], value


class _IssueReader(IssueReader):
    fields = (b"set-cookie",)

    def __init__(self, declared: Sequence[Declared[CookieIssue]]) -> None:
        self._params = {each.place.cookie: each.params[0] for each in declared}

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        for line in lines.get(b"set-cookie", ()):
            name, _, value = text(line).partition(";")[0].strip().partition("=")
            if name in self._params:
                yield IssuedTexts(self._params[name], name, [value])
