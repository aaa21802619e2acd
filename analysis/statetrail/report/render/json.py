"""The audit as JSON: the whole document; its JSON Schema is `audit.schema.json`.

A small one is indented. A large one has each element of a list on a line of its own: a third
smaller than indented text, and still easy to read, search and compare line by line. It is made in
pieces: as one text, that of a hundred thousand findings would take more memory than they do.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from statetrail.report.document import Document

LARGE: Final = 1 << 20
"""Bytes of JSON above which it is not fully indented."""

_AT_A_TIME: Final = 1 << 16


def render_json(document: Document) -> str:
    """`audit.json`."""
    return b"".join(json_pieces(document)).decode()


def json_pieces(document: Document) -> Iterator[bytes]:
    """`audit.json`, in pieces to write one after the other."""
    if not _is_large(document):
        yield msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        return
    piece, lead = bytearray(), b"{\n"
    for name, value in _fields(document):
        piece += lead + b"  " + msgspec.json.encode(name) + b": "
        lead = b",\n"
        if not _is_listed(value):
            piece += msgspec.json.encode(value)
            continue
        piece += b"[\n    "
        for number, element in enumerate(value):
            if len(piece) >= _AT_A_TIME:
                yield bytes(piece)
                piece.clear()
            if number:
                piece += b",\n    "
            piece += msgspec.json.encode(element)
        piece += b"\n  ]"
    yield bytes(piece) + b"\n}\n"


def _is_large(document: Document) -> bool:
    size = 0
    for _, value in _fields(document):
        for element in value if _is_listed(value) else [value]:
            size += len(msgspec.json.encode(element)) + 1
            if size >= LARGE:
                return True
    return False


def _fields(document: Document) -> Iterator[tuple[str, Any]]:
    names = zip(document.__struct_encode_fields__, document.__struct_fields__, strict=True)
    return ((encoded, getattr(document, name)) for encoded, name in names)


def _is_listed(value: object) -> bool:
    """Whether its elements have lines of their own."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], msgspec.Struct)
