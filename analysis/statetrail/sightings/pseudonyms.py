"""Fingerprints: how a secret is told apart without being kept.

Enters: a value and the store's key. Leaves: keyed 64-bit BLAKE2b, as a signed integer. Without the
key nothing can be computed back or compared; with it, equal values have equal fingerprints.
"""

import urllib.parse
from hashlib import blake2b
from typing import Final

from statetrail.schema import pseudonym
from statetrail.sightings.records import Seen

MAX_HASHED: Final = 65_536
"""Bytes of a value that enter its fingerprint; longer values are cut there."""
PREFIX: Final = 12


class Pseudonymiser:
    """Turns values into fingerprints under one key (16 to 64 bytes)."""

    __slots__ = ("_hash",)

    def __init__(self, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("a pseudonym key has 16 to 64 bytes")
        self._hash = blake2b(key=key, digest_size=8)

    def __repr__(self) -> str:
        return "Pseudonymiser(…)"

    def fingerprint(self, value: str | bytes) -> int:
        """The signed 64-bit fingerprint of a value."""
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        digest = self._hash.copy()
        digest.update(raw[:MAX_HASHED])
        return int.from_bytes(digest.digest(), "big", signed=True)

    def pseudonym(self, value: str | bytes) -> str:
        """The short readable pseudonym of a value, e.g. ``~1a2b3c4d``."""
        return pseudonym(self.fingerprint(value))

    def see(self, value: str, *, clear: bool) -> Seen:
        """The storable form of a value."""
        exact = self.fingerprint(value)
        normal = normal_form(value)
        return Seen(
            value=value if clear else None,
            fingerprint=exact,
            normal_fingerprint=exact if normal == value else self.fingerprint(normal),
            prefix_fingerprint=self.fingerprint(value[:PREFIX]) if len(value) > PREFIX else None,
        )


def normal_form(value: str) -> str:
    """The value with differences of mere writing taken away.

    Percent-decoded, ``+`` as blank, unquoted, trimmed and case-folded.

    >>> normal_form('"aB%2Fc+d"') == normal_form("ab/C d")
    True
    """
    decoded = urllib.parse.unquote_plus(value, errors="surrogateescape") if "%" in value else value
    return decoded.replace("+", " ").strip().strip("\"'").strip().casefold()


def alphabet(value: str) -> str:
    """Character classes of a value, e.g. ``lower+upper+digit``; ``hex`` where it is hexadecimal."""
    if value and all(c in "0123456789abcdef" for c in value) and not value.isdigit():
        return "hex"
    classes = {
        "lower": any("a" <= c <= "z" for c in value),
        "upper": any("A" <= c <= "Z" for c in value),
        "digit": any("0" <= c <= "9" for c in value),
        "other": any(not (c.isascii() and c.isalnum()) for c in value),
    }
    return "+".join(name for name, used in classes.items() if used)
