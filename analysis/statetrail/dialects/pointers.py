"""JSON pointers (RFC 6901) into the documents of bodies, whole or cut."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from statetrail.dialects.wire import MAX_FOUND, text


def steps(pointer: str) -> list[str]:
    """The reference tokens of a JSON pointer.

    >>> steps("/data/a~1b"), steps("")
    (['data', 'a/b'], [])
    """
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def at_pointers(content: bytes, pointers: Sequence[list[str]]) -> list[str | None]:
    """The texts at pointers of a document; `None` where there is none.

    Of a document that is cut or broken, the first member of a pointer's last name is taken.
    """
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return [_by_name(content, pointer[-1]) if pointer else None for pointer in pointers]
    return [_text(_at(document, pointer)) for pointer in pointers]


def number_at(content: bytes, pointer: list[str]) -> int | None:
    """The number of seconds at a pointer, also one that is written as a text."""
    found = at_pointers(content, [pointer])[0]
    return int(found) if found is not None and re.fullmatch(r"[0-9]{1,10}", found) else None


def _at(document: Any, pointer: list[str]) -> Any:
    for step in pointer:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and re.fullmatch(r"[0-9]{1,6}", step):
            document = document[int(step)] if int(step) < len(document) else None
        else:
            return None
    return document


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[:MAX_FOUND] if isinstance(value, str) or abs(value) < 2**63 else None


def _by_name(content: bytes, name: str) -> str | None:
    pattern = rb'"%b"\s*:\s*(?:"((?:[^"\\]|\\.){0,%d})"|([0-9]{1,18}))'
    match = re.search(pattern % (re.escape(name.encode()), MAX_FOUND), content)
    if match is None:
        return None
    if match[1] is None:
        return text(match[2])
    try:
        return msgspec.json.decode(b'"' + match[1] + b'"', type=str)
    except msgspec.DecodeError:
        return None
