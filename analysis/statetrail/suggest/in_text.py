"""Where a value stands in text: in which element of HTML, after which name of a script.

Enters: a body as text, and where a run of characters was found that is part of a value. Leaves: the
place with each writing of the value; nothing where no name stands before it.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from statetrail.suggest.places import MAX_VALUE, Place

_TAG: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]{0,40})\b")
_ATTRIBUTE: Final = re.compile(
    r"([a-zA-Z_:][\w:.-]{0,63})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"
)
_PARAMETER: Final = re.compile(r"(;[A-Za-z0-9_.-]{1,64})=([^\"'?#&<>;\s\\]{1,4096})")
_NAME: Final = re.compile(
    r"([A-Za-z_$][\w$.-]{0,100})[\"']?\s*(?:[:=]|\((?:[^()\"']{0,64},)?)\s*\Z"
)
_BEFORE: Final = 200


def places_at(text: str, at: int) -> Iterator[tuple[Place, str]]:
    """The places of the value of which a run begins at `at`, with the value as it may be meant."""
    opened = text.rfind("<", max(0, at - 2 * MAX_VALUE), at)
    inside = opened >= 0 and text.rfind(">", opened, at) < 0
    if inside and (tag := _TAG.match(text, opened)) is not None:
        end = text.find(">", at, at + 2 * MAX_VALUE)
        yield from _in_tag(tag[1].lower(), text, opened, end if end >= 0 else len(text), at)
    else:
        yield from _in_script(text, at)


def _in_tag(tag: str, text: str, start: int, end: int, at: int) -> Iterator[tuple[Place, str]]:
    attributes: dict[str, str] = {}
    holding = ""
    for match in _ATTRIBUTE.finditer(text, start, end):
        name = match[1].lower()
        attributes.setdefault(name, match[2] or match[3] or match[4] or "")
        if match.start() <= at < match.end():
            holding = name
    value = html.unescape(attributes.get(holding, ""))
    named = html.unescape(attributes.get("name", "")).strip()
    if not value:
        return
    if tag == "input" and holding == "value":
        if named:
            yield Place("html", f"input {named}"), value
    elif tag == "meta" and holding == "content":
        if named:
            yield Place("html", f"meta {named}"), value
    elif holding in ("href", "action", "src"):
        for match in _PARAMETER.finditer(value):
            yield Place("html", f"link {match[1]}"), match[2]
    elif holding.startswith("data-"):
        yield Place("script", holding), value


def _in_script(text: str, at: int) -> Iterator[tuple[Place, str]]:
    line = max(0, at - MAX_VALUE)
    quote = max(text.rfind('"', line, at), text.rfind("'", line, at))
    if quote < 0 or "\n" in text[quote:at]:
        return
    end = text.find(text[quote], at, at + MAX_VALUE)
    name = _NAME.search(text, max(0, quote - _BEFORE), quote)
    if end < 0 or name is None:
        return
    raw = text[quote + 1 : end]
    yield Place("script", name[1]), _unescaped(raw)


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    try:
        return msgspec.json.decode(f'"{raw}"'.encode(), type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return raw
