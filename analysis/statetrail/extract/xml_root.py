"""The attributes of an XML document's root element, read from the document's beginning.

Enters: the first bytes of a document in any XML encoding. Leaves: the root's attributes as soon
as its start tag is complete. Nothing after the start tag is looked at, so a document that is not
well formed later on (the ZEST text's own sample ends in a stray ``</xml>``) is no trouble.

A document type declaration ends the reading before any entity in it is looked at: no expansion,
no external access, whatever the document says.

The usual root, in plain ASCII and without prefixes or references, is read by an expression that
takes nothing else; lxml reads all others. It keeps every name that it ever met, also beyond its
thread, so that an origin could fill the memory with made-up names: after `MAX_LXML` bytes Python's
own expat reads them, which keeps nothing.
"""

import codecs
import contextlib
import re
import threading
from typing import Final
from xml.parsers import expat

from lxml import etree

from statetrail.extract.cache import BoundedCache

_STEP: Final = 512
MAX_LXML: Final = 64 << 20
"""Bytes of unusual documents that lxml reads in the life of a process."""

_NAME: Final = rb"[A-Za-z_][A-Za-z0-9_.-]*+"
# No reference, no control character, nothing beyond ASCII: the value is what stands there.
_ATTRIBUTE: Final = rb"[ \t\r\n]++(%s)=(?:\"([ !#-%%'-;=-~]*+)\"|'([ -%%(-;=-~]*+)')" % _NAME
_USUAL: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?i:utf-8)[\"'])?"
    rb"(?: standalone=[\"'](?:yes|no)[\"'])? ?\?>)?[ \t\r\n]*+<%s((?:%s)*+)[ \t\r\n]*+/?>"
    % (_NAME, _ATTRIBUTE)
)
_EACH: Final = re.compile(_ATTRIBUTE)
MAX_REMEMBERED: Final = 512
"""Bytes of a usual beginning that is remembered with its root's attributes."""
_KNOWN: Final[BoundedCache[bytes, dict[str, str]]] = BoundedCache(2048)
# What XML may start with: `<` after blanks; ASCII-compatible, UTF-16, UTF-32 or EBCDIC.
_MARKUP: Final = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\x00\x09\x0a\x0d\x20]*<|\x4c\x6f\xa7\x94"
)
_BLANKS: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\x09\x0a\x0d\x20]+(?=<[^\x00])")
# Quotes are any character that stands on both sides: EBCDIC code pages do not agree on them.
_DECLARED: Final = re.compile(
    r"\s*<\?xml[^>]{0,200}?encoding\s*=\s*(.)([A-Za-z][A-Za-z0-9._-]{0,40})\1[^>]{0,200}?\?>"
)
_WIDE: Final = re.compile(r"utf[-_]?(?:16|32)|(?:iso-10646-)?ucs[-_]?[24]", re.IGNORECASE)
_CHARSETS: Final = (
    *("ascii", "utf-8", "utf-16", "utf-32", "iso8859", "cp", "koi8", "mac"),
    *("shift_jis", "euc", "iso2022", "gb", "big5", "johab", "hz"),
    *("kz1048", "ptcp154", "tis-620", "hp-roman8"),
)


class _Done(Exception):  # noqa: N818 - a signal, not an error
    """Raised out of the parser once the root's start tag was seen."""


class _Doctype(Exception):  # noqa: N818 - a signal, not an error
    """Raised out of the parser at a document type declaration."""


class _Root:
    """Parser target that keeps the first start tag's attributes and stops."""

    attributes: dict[str, str] | None = None

    def forget(self) -> None:
        self.attributes = None

    def start(self, _tag: str, attributes: dict[str, str]) -> None:
        self.attributes = dict(attributes)
        raise _Done

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise _Doctype

    def declaration(self, *_: object) -> None:
        raise _Doctype

    def close(self) -> None:
        """Called by lxml at the end."""


class _Budget:
    """What lxml may still read."""

    left: int = MAX_LXML


_BUDGET: Final = _Budget()


class _Reader(threading.local):
    """One parser per thread, used again and again: lxml takes long to make one with a target."""

    def __init__(self) -> None:
        self.root = _Root()
        # Entities: the five of XML itself have to be resolved in attribute values; no other can
        # exist, since a document type declaration ends the reading.
        self.parser = etree.XMLParser(
            target=self.root,  # type: ignore[arg-type]
            resolve_entities="internal",  # type: ignore[arg-type]
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            recover=False,
        )


_READER: Final = _Reader()


class RootError(ValueError):
    """No root start tag could be read. The message is a note for the store."""


def root_attributes(document: bytes, encoding: str | None = None) -> dict[str, str]:
    """The attributes of the root element, names in lxml's ``{namespace}name`` form.

    `encoding` is what the transport said; the document's own declaration wins and it is tried only
    where that fails. Raises `RootError`: ``not-xml``, ``dtd`` or ``no-root`` (not within the
    bytes given).
    """
    if (attributes := _usual(document)) is not None:
        return attributes
    return _unusual(document, encoding)


def _usual(document: bytes) -> dict[str, str] | None:
    """The attributes of a usual root; `None` for any other."""
    # What the expression took once it takes again, since it looks at nothing behind.
    end = document.find(b">") + 1
    if document.startswith(b"?>", end - 2):
        end = document.find(b">", end) + 1
    if (known := _KNOWN.get(document[:end])) is not None:
        return known
    found = _USUAL.match(document)
    if found is None:
        return None
    attributes = _plain_attributes(found[1])
    if attributes is not None and found.end() <= MAX_REMEMBERED:
        _KNOWN.keep(found[0], attributes)
    return attributes


def _plain_attributes(raw_attributes: bytes) -> dict[str, str] | None:
    attributes: dict[str, str] = {}
    for raw, double, single in _EACH.findall(raw_attributes):
        name = raw.decode()
        if name in attributes:
            return None  # not well formed
        attributes[name] = (double or single).decode()
    # A default namespace is no attribute; some names of namespaces are not allowed.
    if "www.w3.org" in attributes.pop("xmlns", ""):
        return None
    return attributes


def _unusual(document: bytes, encoding: str | None) -> dict[str, str]:
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
    """The document in UTF-8 without its declaration, where Python knows its encoding but libxml2
    does not (UTF-32, EBCDIC, ``latin-1`` and other aliases), or only the transport named it.
    """
    if document.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        encoding = "utf-32"
    elif document.startswith((b"<\x00\x00\x00", b"\x00\x00\x00<")):
        encoding = "utf-32-le" if document.startswith(b"<") else "utf-32-be"
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
    if _BUDGET.left > 0:
        _BUDGET.left -= len(document)
        return _read_with_lxml(document)
    return _read_with_expat(document)


def _read_with_lxml(document: bytes) -> dict[str, str]:
    root, parser = _READER.root, _READER.parser
    root.forget()
    problem = "no-root"
    try:
        for at in range(0, len(document), _STEP):
            parser.feed(document[at : at + _STEP])
    except _Done:
        pass
    except _Doctype:
        problem = "dtd"
    except etree.XMLSyntaxError:
        pass
    attributes = root.attributes
    # Makes the parser ready for the next document; what it still finds in this one is cut short.
    with contextlib.suppress(_Done, _Doctype, etree.XMLSyntaxError):
        parser.close()
    if attributes is None:
        raise RootError(problem)
    return attributes


def _read_with_expat(document: bytes) -> dict[str, str]:
    root, parser = _Root(), expat.ParserCreate()
    # A tag is to be reported with its last character; the steps are few.
    parser.SetReparseDeferralEnabled(False)
    parser.StartElementHandler = root.start
    parser.StartDoctypeDeclHandler = root.declaration
    problem = "no-root"
    try:
        for at in range(0, len(document), 8 * _STEP):
            parser.Parse(document[at : at + 8 * _STEP])
    except _Done:
        pass
    except _Doctype:
        problem = "dtd"
    except (expat.ExpatError, ValueError, LookupError):
        pass  # a document or an encoding that expat does not understand
    if root.attributes is None:
        raise RootError(problem)
    # Prefixes stay as they are: what dialects look for has none.
    return {k: v for k, v in root.attributes.items() if k.partition(":")[0] != "xmlns"}
