"""State in the `Location` that a response redirects to: a query field, or ``;jsessionid=…``."""

import re
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.place import (
    PARAM,
    Declared,
    IssuedTexts,
    IssueKeys,
    IssuePlace,
    IssueReader,
    KeyProblem,
    Part,
)
from statetrail.dialects.wire import FieldLines, text

_NAME: Final = re.compile(r";?[A-Za-z0-9_.~\[\]-]+")
_MAX_LOCATION: Final = 8192


class LocationIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in a field of the query, or a parameter (``;name``) of the path, of
    the address that they redirect to."""

    channel: ClassVar[str] = "location"
    part: ClassVar[Part] = "head"
    location: str

    def check(self) -> None:
        super().check()
        if not _NAME.fullmatch(self.location.replace(PARAM, "x")):
            raise KeyProblem(
                "location",
                f"{self.location!r} is no place in an address: write it as 'code' or ';jsessionid'",
            )

    def phrase(self, name: str) -> str:
        part = "the parameter" if name.startswith(";") else "the query field"
        return f"{part} `{name}` of the address that the response redirects to"

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)


class _IssueReader(IssueReader):
    fields = (b"location",)

    def __init__(self, declared: Sequence[Declared[LocationIssue]]) -> None:
        self._known = [
            (each.place.location.replace(PARAM, param), param, each.place)
            for each in declared
            for param in each.params
        ]

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        fields = lines.get(b"location")
        if not fields:
            return
        address = text(fields[0])[:_MAX_LOCATION]
        path, _, query = address.partition("#")[0].partition("?")
        for name, param, place in self._known:
            if name.startswith(";"):
                match = re.search(re.escape(name) + r"=([^;/?#]+)", path, re.IGNORECASE)
                found = urllib.parse.unquote(match[1]) if match else None
            else:
                found = next(
                    (value for key, value in urllib.parse.parse_qsl(query) if key == name), None
                )
            if found:
                yield IssuedTexts(param, param, [found], place=place)
