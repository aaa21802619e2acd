"""The audit as JSON: the whole document; its JSON Schema is `audit.schema.json`.

A small one is indented. A large one has each element of a list on a line of its own: a third
smaller than indented text, and still easy to read, search and compare line by line.
"""

from typing import Final

import msgspec

from statetrail.report.document import Document

LARGE: Final = 1 << 20
"""Bytes of JSON above which it is not fully indented."""


def render_json(document: Document) -> str:
    """`audit.json`."""
    encoded = msgspec.json.encode(document)
    if len(encoded) < LARGE:
        return msgspec.json.format(encoded, indent=2).decode() + "\n"
    lines = []
    for name, raw in msgspec.json.decode(encoded, type=dict[str, msgspec.Raw]).items():
        text = bytes(raw).decode()
        if text.startswith("[{"):
            elements = msgspec.json.decode(raw, type=list[msgspec.Raw])
            text = "[\n    " + ",\n    ".join(bytes(one).decode() for one in elements) + "\n  ]"
        lines.append(f'  "{name}": {text}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
