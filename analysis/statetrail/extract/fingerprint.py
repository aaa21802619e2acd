"""Fingerprints: how a secret is told apart without being kept.

Enters: a value and the store's key. Leaves: keyed 64-bit BLAKE2b, as a signed integer. Without the
key nothing can be computed back or compared; with it, equal values have equal fingerprints.
"""

import math
import re
import urllib.parse
from hashlib import blake2b
from typing import Final, NamedTuple

from statetrail.extract.cache import BoundedCache
from statetrail.schema import pseudonym

MAX_HASHED: Final = 65_536
"""Bytes of a value that enter its fingerprint; longer values are cut there."""
CACHED: Final = 4096
"""Texts whose fingerprints are cached."""
MAX_CACHED: Final = 256
"""Characters of such a text."""
PREFIX: Final = 12
"""Characters of a value that have a fingerprint of their own."""
MIN_PREFIX_BITS: Final = 80
"""Bits of a value from which on its beginning has one: of fewer, both parts could be guessed."""

_CLASSES: Final = (
    ("lower", re.compile("[a-z]")),
    ("upper", re.compile("[A-Z]")),
    ("digit", re.compile("[0-9]")),
    ("other", re.compile("[^a-zA-Z0-9]")),
)
_SIZES: Final = tuple(
    (size, members) for size, (_, members) in zip((26, 26, 10, 32), _CLASSES, strict=True)
)
_HEX: Final = re.compile("[0-9a-f]+")


class StorableValue(NamedTuple):
    """A value as it may be stored: clear text only where allowed, fingerprints always."""

    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None


class Fingerprinter:
    """Turns values into fingerprints under one key (16 to 64 bytes)."""

    __slots__ = ("_hash", "_known")

    def __init__(self, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("a pseudonym key has 16 to 64 bytes")
        self._hash = blake2b(key=key, digest_size=8)
        self._known: BoundedCache[str, int] = BoundedCache(CACHED)

    def __repr__(self) -> str:
        return "Fingerprinter(…)"

    def fingerprint(self, value: str | bytes) -> int:
        """The signed 64-bit fingerprint of a value."""
        if isinstance(value, str):
            if (known := self._known.get(value)) is not None:
                return known
            made = self._digest(raw_bytes(value[:MAX_HASHED]))
            return self._known.keep(value, made) if len(value) <= MAX_CACHED else made
        return self._digest(value)

    def _digest(self, raw: bytes) -> int:
        digest = self._hash.copy()
        digest.update(raw[:MAX_HASHED])
        return int.from_bytes(digest.digest(), "big", signed=True)

    def pseudonym(self, value: str | bytes) -> str:
        """The short readable pseudonym of a value, e.g. ``~1a2b3c4d``."""
        return pseudonym(self.fingerprint(value))

    def storable(self, value: str, *, clear: bool) -> StorableValue:
        """The storable form of a value."""
        exact = self.fingerprint(value)
        normal = normal_form(value)
        return StorableValue(
            value=value if clear else None,
            fingerprint=exact,
            normal_fingerprint=exact if normal == value else self.fingerprint(normal),
            prefix_fingerprint=(
                self.fingerprint(value[:PREFIX])
                if len(value) > PREFIX and _is_long(value)
                else None
            ),
        )


def _is_long(value: str) -> bool:
    """Whether a value has too many bits to be guessed by its beginning and then the rest.

    Counted by its alphabet: a number has 3.3 bits a digit.
    """
    if len(value) * math.log2(10) >= MIN_PREFIX_BITS:
        return True
    if _HEX.fullmatch(value):
        size = 10 if value.isdecimal() else 16
    else:
        size = sum([size for size, members in _SIZES if members.search(value)])
    return len(value) * math.log2(size) >= MIN_PREFIX_BITS


def raw_bytes(text: str) -> bytes:
    """The bytes of a text from the network, whatever surrogates it has."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def normal_form(value: str) -> str:
    """The value with differences of mere writing taken away, of a long one its beginning.

    Percent-decoded, ``+`` as blank, unquoted, trimmed and case-folded.

    >>> normal_form('"aB%2Fc+d"') == normal_form("ab/C d")
    True
    """
    decoded = value[:MAX_HASHED]
    if "%" in decoded:
        decoded = urllib.parse.unquote(decoded, errors="surrogateescape")
    return decoded.replace("+", " ").strip().strip("\"'").strip().casefold()


def alphabet(value: str) -> str:
    """Character classes of a value, e.g. ``lower+upper+digit``; ``hex`` where it is hexadecimal."""
    value = value[:MAX_HASHED]
    if _HEX.fullmatch(value):
        return "digit" if value.isdecimal() else "hex"
    return "+".join([name for name, members in _CLASSES if members.search(value)])
