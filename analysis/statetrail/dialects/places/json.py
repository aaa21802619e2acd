"""State in JSON: a member of a response's or a request's document, by its pointer (RFC 6901)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    Found,
    IssueKeys,
    IssuePlace,
    IssueReader,
    KeyProblem,
    Outgoing,
    OutgoingResponse,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.pointers import at_pointers, number_at, steps
from statetrail.dialects.wire import Body, BodyError

_POINTER: Final = re.compile(r"(?:/(?:[^/~]|~[01])*)*")


class JsonPresent(Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests present values at that pointer of the JSON document that is their body."""

    channel: ClassVar[str] = "json"
    part: ClassVar[Part] = "body"
    json: str

    def phrase(self, name: str) -> str:
        return _phrase(name)

    def check(self) -> None:
        super().check()
        _check(self.json)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        request.members[self.json.replace(PARAM, param)] = value


class JsonIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values at that pointer of their JSON document; an empty one is all of it."""

    channel: ClassVar[str] = "json"
    part: ClassVar[Part] = "body"
    reads_lifetime: ClassVar[bool] = True
    json: str

    def phrase(self, name: str) -> str:
        return _phrase(name)

    def check(self) -> None:
        super().check()
        _check(self.json)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        response.members[self.json.replace(PARAM, param)] = text


class _PresentReader(PresentReader):
    reads_body = True

    def __init__(self, declared: Sequence[Declared[JsonPresent]]) -> None:
        self._pointers = [
            (steps(each.place.json.replace(PARAM, param)), param)
            for each in declared
            for param in each.params
        ]

    def in_body(self, body: Body) -> Iterable[tuple[str, str]]:
        if "json" not in body.media_type.casefold():
            return ()
        try:
            content = body.beginning()
        except BodyError:
            return ()
        found = at_pointers(content, [pointer for pointer, _ in self._pointers])
        return [
            (param, value)
            for (_, param), value in zip(self._pointers, found, strict=True)
            if value is not None
        ]


class _IssueReader(IssueReader):
    media = "json"

    def __init__(self, declared: Sequence[Declared[JsonIssue]]) -> None:
        known = [
            (steps(each.place.json.replace(PARAM, param)), param, each.place)
            for each in declared
            for param in each.params
        ]
        self._pointers = [pointer for pointer, _, _ in known]
        self.params = tuple(param for _, param, _ in known)
        self.places = tuple(place for _, _, place in known)
        if all(self._pointers):
            self.needles = tuple(pointer[-1].encode() for pointer in self._pointers)

    def in_body(self, body: Body) -> tuple[str | Found | None, ...]:
        content = body.whole()
        return tuple(
            Found(value, number_at(content, steps(place.lifetime)))
            if value is not None and isinstance(place.lifetime, str)
            else value
            for place, value in zip(self.places, at_pointers(content, self._pointers), strict=True)
        )


def _phrase(pointer: str) -> str:
    return f"`{pointer}` of the JSON document" if pointer else "the JSON document, which is a text"


def _check(pointer: str) -> None:
    if not _POINTER.fullmatch(pointer):
        raise KeyProblem("json", f"{pointer!r} is no JSON pointer: write it as '/data/token'")
