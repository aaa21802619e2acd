"""The attributes of an XML document's root element, read from the document's beginning.

Enters: the first bytes of a document in any XML encoding. Leaves: the root's attributes as soon
as its start tag is complete. Nothing after the start tag is looked at, so a document that is not
well formed later on (the ZEST text's own sample ends in a stray ``</xml>``) is no trouble.

A document type declaration ends the reading before any entity in it is looked at: no expansion,
no external access, whatever the document says.

The parser is Python's own expat. lxml keeps every name that it met for the life of the process, so
that an origin could fill the memory with made-up names; expat keeps nothing, and a parser that
reads one start tag is made and thrown away in 6 µs (lxml: 15 µs, with a parser used again). Most
documents need none: a start tag of printable ASCII without references is read by an expression.
"""

import codecs
import re
from typing import Final
from xml.parsers import expat

# What XML may start with: `<` after blanks; ASCII-compatible, UTF-16, UTF-32 or EBCDIC.
_MARKUP: Final = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\x00\x09\x0a\x0d\x20]*<|\x4c\x6f\xa7\x94"
)
_BLANKS: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\x09\x0a\x0d\x20]+(?=<[^\x00])")
# Quotes are any character that stands on both sides: EBCDIC code pages do not agree on them.
_DECLARED: Final = re.compile(
    r"\s*<\?xml[^>]{0,200}?encoding\s*=\s*(.)([A-Za-z][A-Za-z0-9._-]{0,40})\1[^>]{0,200}?\?>"
)
# Every document that it matches is read alike by expat, but for attributes that stand there twice.
_PLAIN: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\r ]*+"
    rb'(?:<\?xml version="1\.0"(?: encoding="(?:utf|UTF)-8")?(?: standalone="(?:yes|no)")? ?\?>)?'
    rb"[\t\n\r ]*+<[A-Za-z_][A-Za-z0-9_.:-]*+"
    rb'((?:[\t\n\r ]++[A-Za-z_][A-Za-z0-9_.:-]*+="[\x20!#-%\x27-;=-~]*+")*+)[\t\n\r ]*+/?>'
)
_ATTRIBUTE: Final = re.compile(r'([^\s=]+)="([^"]*)"')
_WIDE: Final = re.compile(r"utf[-_]?(?:16|32)|(?:iso-10646-)?ucs[-_]?[24]", re.IGNORECASE)
_CHARSETS: Final = (
    *("ascii", "utf-8", "utf-16", "utf-32", "iso8859", "cp", "koi8", "mac"),
    *("shift_jis", "euc", "iso2022", "gb", "big5", "johab", "hz"),
    *("kz1048", "ptcp154", "tis-620", "hp-roman8"),
)


class _Stop(Exception):  # noqa: N818 - a signal, not an error
    """Raised out of the parser once it has read enough."""


class RootError(ValueError):
    """No root start tag could be read. The message is a note for the store."""


def root_attributes(document: bytes, encoding: str | None = None) -> dict[str, str]:
    """The attributes of the root element, with prefixes as they stand, without namespaces.

    `encoding` is what the transport said; the document's own declaration wins and it is tried only
    where that fails. Raises `RootError`: ``not-xml``, ``dtd`` or ``no-root`` (not within the
    bytes given).
    """
    if (attributes := _plain(document)) is not None:
        return attributes
    if not _MARKUP.match(document[:256]):
        # Perhaps in a code page that only the transport names (EBCDIC without a declaration).
        recoded = _recode(document, encoding)
        if recoded is None or not recoded.lstrip().startswith(b"<"):
            raise RootError("not-xml")
        return _read(recoded)
    # Blanks before the XML declaration are an error that many servers make and most clients bear.
    if blanks := _BLANKS.match(document[:256]):
        document = document[blanks.end() :]
    try:
        return _read(document)
    except RootError as error:
        if str(error) == "dtd" or (recoded := _recode(document, encoding)) is None:
            raise
        return _read(recoded)


def _recode(document: bytes, encoding: str | None) -> bytes | None:
    """The document in UTF-8 without its declaration, where Python knows its encoding but expat
    does not (UTF-32, EBCDIC, multi-byte encodings), or only the transport named it.
    """
    if document.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        encoding = "utf-32"
    elif document.startswith((b"<\x00\x00\x00", b"\x00\x00\x00<")):
        encoding = "utf-32-le" if document.startswith(b"<") else "utf-32-be"
    elif document.startswith((b"<\x00", b"\x00<")):
        encoding = "utf-16-le" if document.startswith(b"<") else "utf-16-be"
    else:
        family = "cp037" if document.startswith(b"\x4c\x6f\xa7\x94") else "latin-1"
        if declared := _DECLARED.match(document[:512].decode(family, "replace")):
            # Who can read the declaration byte by byte knows that the document is not in UTF-16,
            # whatever it says: the text was converted after it was written.
            encoding = "utf-8" if _WIDE.match(declared[2]) else declared[2]
    try:
        # Not every codec is a character encoding, and punycode takes quadratic time.
        if encoding is None or not codecs.lookup(encoding).name.startswith(_CHARSETS):
            return None
        text = document.decode(encoding, "replace").lstrip("\ufeff")
    except (LookupError, UnicodeError, ValueError):
        return None
    declaration = _DECLARED.match(text[:512])
    return text[declaration.end() if declaration else 0 :].encode("utf-8", "replace")


def _read(document: bytes) -> dict[str, str]:
    root: dict[str, str] | None = None
    problem = "no-root"

    def start(_tag: str, attributes: dict[str, str]) -> None:
        nonlocal root
        root = attributes
        raise _Stop

    def doctype(*_: object) -> None:
        nonlocal problem
        problem = "dtd"
        raise _Stop

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:  # noqa: SIM105 - `suppress` takes longer than the parser
        parser.Parse(document, True)
    except (_Stop, expat.ExpatError, ValueError, LookupError):
        pass  # read, no XML, or in an encoding that expat does not understand
    if root is None:
        raise RootError(problem)
    return _named(root)


def _plain(document: bytes) -> dict[str, str] | None:
    """The root's attributes, where a simple expression reads them."""
    if (match := _PLAIN.match(document)) is None:
        return None
    text = match[1].decode("ascii")
    root = dict(_ATTRIBUTE.findall(text))
    if 2 * len(root) != text.count('"'):
        return None
    return _named(root) if "xmlns" in text else root


def _named(root: dict[str, str]) -> dict[str, str]:
    """The attributes without declarations of namespaces."""
    return {k: v for k, v in root.items() if k.partition(":")[0] != "xmlns"}
