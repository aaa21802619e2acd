"""Bodies in which a copy issues and presents state: documents of these values alone.

Enters: members by JSON pointer, or fields of a form. Leaves: a body, and the header fields with its
media type.
"""

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

from statetrail.dialects.pointers import steps
from statetrail.extract.fingerprint import raw_bytes

type Fields = list[tuple[str, str]]

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


def json_body(members: Mapping[str, str | int]) -> bytes:
    """A document with these members; one at the pointer "" is the whole document.

    >>> json_body({"/data/token": "a", "/data/expires_in": 60})
    b'{"data": {"token": "a", "expires_in": 60}}'
    """
    document: dict[str, Any] = {}
    for pointer, value in members.items():
        *path, last = steps(pointer) or [""]
        if not pointer:
            return json.dumps(value).encode()
        node = document
        for step in path:
            inner = node.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            node = inner
        else:
            node[last] = value
    return json.dumps(document).encode()


def form_body(fields: Fields) -> bytes:
    """A form with these fields.

    >>> form_body([("token", "a b")])
    b'token=a%20b'
    """
    quoted = (
        "=".join(urllib.parse.quote_from_bytes(raw_bytes(text), safe="") for text in pair)
        for pair in fields
    )
    return "&".join(quoted).encode()


def of_media(fields: Fields, media: str) -> Fields:
    """The header fields of a message with such a body."""
    word = media.partition("/")[2]
    types = [value for name, value in fields if name == "content-type"]
    if types and all(word in value for value in types):
        return fields
    return [*(field for field in fields if field[0] != "content-type"), ("content-type", media)]
