"""Bodies in a copy, where they are asked for: their structure stays, each value is a pseudonym.

Enters: a body's text. Leaves: JSON, XML or form data with the same names, nesting and lengths, and
with pseudonyms for all texts and numbers; nothing of any other body.
"""

import re
import urllib.parse
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import msgspec

from statetrail.extract.text import segment_kind
from statetrail.ingest.redact.pseudonyms import Pseudonyms

MAX_BODY: Final = 1 << 20
"""Bytes of a body that stays; of a larger one nothing does."""
MAX_VALUE: Final = 4096
"""Characters of a text in a body that stays."""

_FORM: Final = re.compile(r"[A-Za-z0-9_.~%+\[\]-]+=[^\s<>{}]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def copied_body(body: str, pseudonyms: Pseudonyms) -> str:
    """The body of a copy; empty where the body is none of the known kinds."""
    if not body or len(body) > MAX_BODY:
        return ""
    start = body.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        return _json(body, pseudonyms)
    if start == "<":
        return _xml(body, pseudonyms)
    return _form(body, pseudonyms) if _FORM.fullmatch(body) else ""


def _value(text: str, pseudonyms: Pseudonyms) -> str:
    return pseudonyms.of(text) if len(text) <= MAX_VALUE else ""


def _name(text: str, pseudonyms: Pseudonyms) -> str:
    """A member's, element's or field's name: a word stays."""
    parts = text.split(":")
    if all(_NAME.fullmatch(part) and segment_kind(part.strip("_")) == "word" for part in parts):
        return text
    return _value(text, pseudonyms)


def _json(body: str, pseudonyms: Pseudonyms) -> str:
    try:
        return msgspec.json.encode(_node(msgspec.json.decode(body), pseudonyms)).decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _node(node: Any, pseudonyms: Pseudonyms) -> Any:
    match node:
        case dict():
            return {_name(k, pseudonyms): _node(v, pseudonyms) for k, v in node.items()}
        case list():
            return [_node(each, pseudonyms) for each in node]
        case str():
            return _value(node, pseudonyms)
        case bool() | None:
            return node
        case int():
            return int(_value(str(node), pseudonyms) or 0)
        case _:
            return 0.0


def _xml(body: str, pseudonyms: Pseudonyms) -> str:
    parts: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        parts.append(f"<{_tag(tag, pseudonyms)}")
        for name, value in attributes.items():
            if name.partition(":")[0] != "xmlns":
                parts.append(f" {_tag(name, pseudonyms)}={quoteattr(_value(value, pseudonyms))}")
        parts.append(">")

    def end(tag: str) -> None:
        parts.append(f"</{_tag(tag, pseudonyms)}>")

    def doctype(*_: object) -> None:
        raise ValueError("a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    parser.CharacterDataHandler = lambda data: parts.append(escape(_value(data, pseudonyms)))
    try:
        parser.Parse(re.sub(r"\A\ufeff?\s*<\?xml[^>]{0,200}\?>", "", body, count=1).encode(), True)
    except (expat.ExpatError, ValueError):
        return ""
    return "".join(parts)


def _tag(name: str, pseudonyms: Pseudonyms) -> str:
    """A name that XML allows: of one that does not stay, its letters and digits."""
    shown = _name(name, pseudonyms)
    return shown if shown == name else "x" + re.sub(r"[^A-Za-z0-9]", "", shown)


def _form(body: str, pseudonyms: Pseudonyms) -> str:
    fields = [
        (_name(name, pseudonyms), _value(value, pseudonyms))
        for name, value in urllib.parse.parse_qsl(body, keep_blank_values=True)
    ]
    return urllib.parse.urlencode(fields)
