"""Pseudonyms of values that keep their form: what state becomes in a copy.

Enters: values and a key. Leaves: texts of the same length and classes of characters, so that every
fact that an analysis compares is the same for the pseudonyms as it is for the values:

1. equal values have equal pseudonyms, and different values different ones (it is a permutation, so
   that no two short numbers become one);
2. values whose normal forms are equal (percent-encoding, letter case, quotes) have pseudonyms with
   equal normal forms;
3. values that begin with the same `PREFIX` characters have pseudonyms that do;
4. a hexadecimal value stays one, and a JSON Web Token keeps its declared lifetime;
5. a reserved value stands for itself, and nothing else becomes it;
6. what a sanitiser wrote in place of a value, or of a part of it, becomes `REMOVED`.

The permutation is a Feistel network over the letters and digits (as FF1 of NIST SP 800-38G, with
keyed BLAKE2b as its round function); all other ASCII characters stand.
"""

import re
import urllib.parse
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Final

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import PREFIX, raw_bytes
from statetrail.extract.jwt import declared_s
from statetrail.extract.text import is_placeholder
from statetrail.ingest.har.split import CUT

CACHED: Final = 16_384
REMOVED: Final = "[REDACTED]"

_ROUNDS: Final = 8
_DIGEST: Final = 64
# A percent-encoded ASCII character, a run of other encoded bytes, or any one character.
_UNIT: Final = re.compile(r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+|.", re.DOTALL)
_NO_HEX: Final = re.compile("[g-zG-Z]")
_HEX_LETTER: Final = re.compile("[a-fA-F]")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
# As Latin-1 none of them is the beginning of UTF-8.
_OTHERS: Final = "àáâãäåæçèéêëìíîï"
_UNSIGNED_HEAD: Final = "eyJhbGciOiJub25lIn0"
_MIN_SIGNATURE: Final = 22


class Pseudonyms:
    """Gives values pseudonyms under one key (16 to 64 bytes); `reserved` values keep theirs."""

    def __init__(self, key: bytes, reserved: frozenset[str] = frozenset()) -> None:
        self._hash = blake2b(key=key, digest_size=_DIGEST, person=b"pseudonym")
        self._reserved = reserved
        self._cache: BoundedCache[str, str] = BoundedCache(CACHED)

    def __repr__(self) -> str:
        return "Pseudonyms(…)"

    def of(self, value: str) -> str:
        """The pseudonym of a value."""
        if (cached := self._cache.get(value)) is not None:
            return cached
        if is_placeholder(value):
            return self._cache.keep(value, REMOVED)
        return self._cache.keep(value, self._token(value) or self._plain(value))

    def _plain(self, value: str) -> str:
        if value in self._reserved:
            return value
        # A permutation goes in circles, so this ends, at the latest at the value itself.
        is_hex, tells = _is_hex(value), _begins_otherwise(value)
        result = self._permuted(value, is_hex=is_hex)
        # What comes behind must not decide how often the beginning is permuted.
        while (
            result in self._reserved
            or _is_hex(result) != is_hex
            or (tells and not _begins_otherwise(result))
        ):
            result = self._permuted(result, is_hex=is_hex)
        return result

    def _token(self, value: str) -> str | None:
        """Of a JSON Web Token another one, unsigned, that states the same lifetime."""
        if (seconds := declared_s(value)) is None:
            return None
        payload = urlsafe_b64encode(b'{"iat":0,"exp":%d}' % seconds).decode().rstrip("=")
        signature = self._plain(value).replace(".", "")
        size = len(value) - len(_UNSIGNED_HEAD) - len(payload) - 2
        return f"{_UNSIGNED_HEAD}.{payload}.{signature[-max(size, _MIN_SIGNATURE) :]}"

    def _permuted(self, value: str, *, is_hex: bool) -> str:
        units = _UNIT.findall(value) if "%" in value else list(value)
        plain = [chr(int(u[1:], 16)) if len(u) == 3 and u[0] == "%" else u for u in units]
        symbols = [at for at, c in enumerate(plain) if len(c) == 1 and c.isascii() and c.isalnum()]
        others = [at for at, c in enumerate(plain) if not c.isascii() or len(c) > 1]
        # The beginning is counted in the normal form, which has neither blanks nor quotes there.
        first = next((at for at, c in enumerate(plain) if c not in " \t\"'"), 0)
        letters = _LETTERS[:6] if is_hex else _LETTERS
        head = [at for at in symbols if at < first + PREFIX]
        rest = symbols[len(head) :]
        near = _written(plain, [at for at in others if at < first + PREFIX])
        before = _written(plain, head) + b"\0" + _written(plain, others)
        for block, tweak in ((head, b"head" + near), (rest, b"rest" + before)):
            alphabets = [_DIGITS if plain[at].isdigit() else letters for at in block]
            pairs = list(zip(block, alphabets, strict=True))
            indexes = [alphabet.index(plain[at].lower()) for at, alphabet in pairs]
            drawn = self._feistel(indexes, list(map(len, alphabets)), tweak)
            for at, alphabet, index in zip(block, alphabets, drawn, strict=True):
                new = alphabet[index].upper() if plain[at].isupper() else alphabet[index]
                units[at] = new if len(units[at]) == 1 else f"%{ord(new):02X}"
        for at in others:
            if plain[at] != CUT:
                tweak = b"other" + str(at).encode() + _written(plain, others)
                stream = self._stream(tweak, len(units[at]))
                units[at] = (
                    _OTHERS[stream[0] % len(_OTHERS)]
                    if len(units[at]) == 1
                    else "".join(f"%{byte | 128:02X}" for byte in stream[: len(units[at]) // 3])
                )
        return "".join(units)

    def _feistel(self, indexes: list[int], radices: list[int], tweak: bytes) -> list[int]:
        half = len(indexes) // 2
        sides = (slice(0, half), slice(half, len(indexes)))
        for number in range(_ROUNDS if indexes else 0):
            changed, kept = sides[number % 2], sides[1 - number % 2]
            size = changed.stop - changed.start
            stream = self._stream(bytes((number, *indexes[kept])) + tweak, size)
            indexes[changed] = [
                (index + add) % radix
                for index, add, radix in zip(
                    indexes[changed], stream, radices[changed], strict=False
                )
            ]
        return indexes

    def _stream(self, tweak: bytes, size: int) -> bytes:
        parts = []
        for block in range(-(-size // _DIGEST)):
            digest = self._hash.copy()
            digest.update(block.to_bytes(4) + tweak)
            parts.append(digest.digest())
        return b"".join(parts)


def _written(plain: list[str], positions: list[int]) -> bytes:
    return raw_bytes("".join([plain[at] for at in positions]).casefold())


def _begins_otherwise(value: str) -> bool:
    """Whether a value's beginning shows that it is not hexadecimal."""
    return _NO_HEX.search(value.lstrip(" \t\"'")[:PREFIX]) is not None


def _is_hex(value: str) -> bool:
    """Whether the letters and digits are hexadecimal, and not digits alone."""
    decoded = urllib.parse.unquote(value) if "%" in value else value
    return _NO_HEX.search(decoded) is None and _HEX_LETTER.search(decoded) is not None
