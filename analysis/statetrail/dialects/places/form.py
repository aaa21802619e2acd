"""State in a form that a request submits: ``csrf_token=…``, url-encoded or multipart."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    KeyProblem,
    Outgoing,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.wire import MAX_FOUND, Body, BodyError, text, unquote

_MAX_FIELDS: Final = 1000
_BOUNDARY: Final = re.compile(r"boundary\s*=\s*\"?([^\";,\s]{1,200})", re.IGNORECASE)
_NAME: Final = re.compile(rb";\s*name=\"?([^\";\r\n]{1,256})\"?", re.IGNORECASE)


class FormPresent(Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests present values in the field of that name of the form that is their body."""

    channel: ClassVar[str] = "form"
    part: ClassVar[Part] = "body"
    says: ClassVar[str] = "the field `{}` of the form that is sent"
    form: str

    def check(self) -> None:
        super().check()
        if not self.form:
            raise KeyProblem("form", "the name is empty: write the name of a form's field")

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        request.form.append((self.form.replace(PARAM, param), value))


class _PresentReader(PresentReader):
    reads_body = True

    def __init__(self, declared: Sequence[Declared[FormPresent]]) -> None:
        self._params = {
            each.place.form.replace(PARAM, param).encode(): param
            for each in declared
            for param in each.params
        }

    def in_body(self, body: Body) -> Iterable[tuple[str, str]]:
        media = body.media_type.casefold()
        if "form" not in media:
            return ()
        try:
            content = body.beginning()
        except BodyError:
            return ()
        fields = _multipart(content, body.media_type) if "multipart" in media else _encoded(content)
        return [
            (param, text(value))
            for name, value in fields
            if (param := self._params.get(name)) is not None
        ]


def _encoded(content: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of ``application/x-www-form-urlencoded``."""
    pairs = (part.partition(b"=") for part in content.split(b"&", _MAX_FIELDS)[:_MAX_FIELDS])
    return [(unquote(name[:256]), unquote(value[: 3 * MAX_FOUND])) for name, _, value in pairs]


def _multipart(content: bytes, media_type: str) -> list[tuple[bytes, bytes]]:
    """The fields of ``multipart/form-data`` (RFC 7578) that are no files."""
    boundary = _BOUNDARY.search(media_type)
    if boundary is None:
        return []
    fields = []
    delimiter = b"--" + boundary[1].encode("utf-8", "surrogateescape")
    for part in content.split(delimiter, _MAX_FIELDS)[1:_MAX_FIELDS]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if separator and name and b"filename" not in head.lower():
            fields.append((name[1], value.removesuffix(b"\r\n")[:MAX_FOUND]))
    return fields
