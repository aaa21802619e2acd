"""The content of a HAR entry's response as bytes, whatever its writer made of it.

Enters: a `Content`, and the header fields of its response. Leaves: a `Body`. By HAR 1.2 the content
is text, or base64 of bytes, without the content codings of the response. Writers flag base64 that
is none, flag none that is, and keep the coding; what is right can be seen by the content.
"""

import base64
import re
from typing import Final

import msgspec

from statetrail.extract.bodies import CodingError, content_codings, decode_prefix
from statetrail.extract.records import BODY_UNSEEN, Fields
from statetrail.extract.text import is_placeholder
from statetrail.ingest.har.entry import Content
from statetrail.ingest.har.heads import utf8

# Possessive: no character is looked at twice.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\s]*+={0,2}+\s*+", re.ASCII)
# The alphabet for URLs.
_ALPHABET: Final = str.maketrans("-_", "+/")
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# The text is decoded, so the encoding in its XML declaration is no longer true.
_XML_ENCODING: Final = re.compile(
    r"""(\A\ufeff?\s*<\?xml\s[^>]{0,200}?)encoding\s*=\s*(?:"[^">]*"|'[^'>]*')"""
)
_STRUCTURED: Final = re.compile(r"json|xml|html", re.IGNORECASE)
_NO_BASE64: Final = "<{["
_GZIP: Final = b"\x1f\x8b\x08"
_MARKUP: Final = (b"<", b"{", b"[", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0<", _GZIP)
_GZIPPED: Final = "\x1f\x8b"
_MAX_PLACEHOLDER: Final = 64
# What a text has of which a value was taken out, and not the whole.
_VALUES: Final = re.compile("[\"'=]|</")
_MIN_CODED: Final = 16
_TRIED: Final = 256
_LENGTH: Final = re.compile(rb"0*[1-9][0-9]{0,15}")


class Body(msgspec.Struct, frozen=True, gc=False):
    """The beginning of a body, the content codings still on it, and a note, or `None`."""

    data: bytes
    codings: tuple[str, ...] = ()
    note: str | None = None


def body_of(
    content: Content, fields: Fields, limit: int, *, size: float | None = None, bodiless: bool
) -> Body:
    """The beginning of the content; at most `limit` bytes.

    `size` is that of the body as received; `bodiless`: there can be none. The note is
    ``body-unseen`` where there was content that the file lacks.
    """
    if not content.text:
        absent = bodiless or not _was_there(content, fields, size)
        return Body(b"", note=None if absent else BODY_UNSEEN)
    text = content.text[: 2 * limit]
    if len(text) <= _MAX_PLACEHOLDER and not _VALUES.search(text) and is_placeholder(text):
        return Body(b"", note=None if bodiless else BODY_UNSEEN)
    flagged = content.encoding is not None and "base64" in content.encoding.lower()
    data: bytes | None = None
    if flagged or (text[0] not in _NO_BASE64 and _STRUCTURED.search(content.mime_type or "")):
        data = _unpacked(content, text, fields, flagged=flagged)
    if data is None:
        if text.startswith(_GZIPPED):
            try:
                data = text.encode("latin-1")
            except UnicodeEncodeError:
                return Body(b"", note="body-broken-coding")
        else:
            declared = _XML_ENCODING.match(text)
            plain = text if declared is None else declared[1] + text[declared.end() :]
            return Body(utf8(plain[:limit])[:limit])
    # Sanitisers leave out the field that names the coding.
    codings = _codings(fields) or (("gzip",) if data.startswith(_GZIP) else ())
    return Body(data[:limit], codings if _is_coded(data, codings) else ())


def _was_there(content: Content, fields: Fields, size: float | None) -> bool:
    """Whether the response had content, as far as it says."""
    if content.text is not None:
        return (content.size or 0) > 0
    return (
        content.size != 0
        or (size or 0) > 0
        or any(
            name.lower() == b"content-length" and _LENGTH.fullmatch(value) is not None
            for name, value in fields
        )
    )


def _unpacked(content: Content, text: str, fields: Fields, *, flagged: bool) -> bytes | None:
    """The bytes that are in base64, as they are `flagged`; `None`: it is text."""
    encoded = "".join(text.split()).translate(_ALPHABET) if _BASE64.fullmatch(text) else ""
    whole = len(text) == len(content.text or "")
    bare = encoded.rstrip("=")
    over = len(bare) % 4
    if not bare or (whole and over == 1):
        return None
    data = base64.b64decode(bare + "=" * (-over % 4) if whole else bare[: len(bare) - over])
    if len(encoded) >= _MIN_CODED and data.startswith(_MARKUP):
        return data
    if not flagged or (whole and len(encoded) % 4):
        return None
    # A word such as "true" could be either: its size says, if what it would be is no text.
    plain = whole and content.size == len(text) != len(data)
    return data if not plain or _is_text(data) or _is_coded(data, _codings(fields)) else None


def _codings(fields: Fields) -> tuple[str, ...]:
    named = [value for name, value in fields if name.lower() == b"content-encoding"]
    return content_codings(b",".join(named).decode("latin-1")) if named else ()


def _is_text(data: bytes) -> bool:
    """Whether bytes begin as UTF-8 text does."""
    try:
        data[: 4 * _TRIED].decode()
    except UnicodeDecodeError as error:
        return error.start >= _TRIED  # a character that was cut in two, perhaps
    return _BINARY.search(data, 0, 4 * _TRIED) is None


def _is_coded(data: bytes, codings: tuple[str, ...]) -> bool:
    """Whether bytes still have the content codings of their response."""
    if not codings or _is_text(data):
        return False
    try:
        return bool(decode_prefix(data, codings, _TRIED))
    except CodingError:
        return False
