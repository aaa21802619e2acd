"""Finds any of many secrets in any amount of bytes, in one pass.

Enters: secrets, then pieces of text. Leaves: whether, and where, one of them is written there: as
it is, in any letter case, percent-encoded once or more, with escapes of HTML, JSON or Python, as
UTF-16, in hexadecimal, and in base64 at any offset (`statetrail.extract.masking.forms`). The time
depends on the text alone, not on the number of secrets: every six bytes of the text are looked up
at once in a table of what stands in the middle of each form.
"""

import html
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from statetrail.extract.fingerprint import raw_bytes
from statetrail.extract.masking import KNOWN_BY, MIN_WITHIN, forms
from statetrail.extract.text import MIN_TOKEN, segment_kind

OVERLAP: Final = 512
"""Bytes by which pieces of one text have to overlap, so that no secret is between them."""

_GRAM: Final = 6
_SPREAD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIN_BITS, _MAX_BITS = 16, 25
_ESCAPE: Final = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([/\"'\\]))")
_MAX_DECODINGS: Final = 3

type _Numbers = NDArray[np.uint64]


class Matcher:
    """Looks for secrets.

    Values under six characters, and numbers under ten digits, are in any text by chance and are not
    looked for. Short values and words count only where no letter or digit is beside them, and not
    at all where they are in `vocabulary`, the lower-case text that is in a clean text anyway.
    """

    def __init__(self, secrets: Iterable[str], vocabulary: str = "") -> None:
        grams, hashes, lengths = [], [], []
        for secret in secrets:
            if not is_searchable(secret):
                continue
            weak = is_weak(secret)
            if weak and secret.casefold() in vocabulary:
                continue
            for form in _written(secret, weak=weak):
                start = _middle(len(form))
                grams.append(int.from_bytes(form[start : start + _GRAM], "little"))
                hashes.append(hash(form) & 0xFFFF_FFFF_FFFF_FFFE | weak)
                lengths.append(len(form))
        self._grams: _Numbers = np.unique(np.array(grams, np.uint64))
        self._forms = frozenset(hashes)
        self._lengths = sorted(set(lengths))
        bits = min(max((16 * len(grams)).bit_length(), _MIN_BITS), _MAX_BITS)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, np.bool_)
        self._table[(self._grams * _SPREAD) >> self._shift] = True

    def find(self, data: bytes) -> Iterator[int]:
        """Where a secret is: an offset in the data, or in what it is decoded to."""
        if self._lengths:
            for writing in writings(data):
                yield from self._in(writing)

    def holds(self, text: str) -> bool:
        """Whether a secret is in the text."""
        return next(self.find(raw_bytes(text)), None) is not None

    def _in(self, data: bytes) -> Iterator[int]:
        if len(data) < _GRAM:
            return
        array = np.frombuffer(data, np.uint8).astype(np.uint64)
        size = len(data) - _GRAM + 1
        grams = array[:size].copy()
        for at in range(1, _GRAM):
            grams |= array[at : at + size] << np.uint64(8 * at)
        positions = np.flatnonzero(self._table[(grams * _SPREAD) >> self._shift])
        if not len(positions):
            return
        found = grams[positions]
        nearest = np.minimum(np.searchsorted(self._grams, found), len(self._grams) - 1)
        for middle in positions[self._grams[nearest] == found].tolist():
            for length in self._lengths:
                start = middle - _middle(length)
                if start >= 0 and self._is_form(data, start, length):
                    yield start
                    break

    def _is_form(self, data: bytes, start: int, length: int) -> bool:
        number = hash(data[start : start + length]) & 0xFFFF_FFFF_FFFF_FFFE
        if number in self._forms:
            return True
        if number | 1 not in self._forms:
            return False
        around = data[max(start - 1, 0) : start], data[start + length : start + length + 1]
        return not any(side.isalnum() for side in around)


def is_searchable(secret: str) -> bool:
    """Whether a secret is no text that is found anywhere by chance."""
    return len(secret) >= (MIN_TOKEN if secret.isdecimal() else MIN_WITHIN)


def is_weak(secret: str) -> bool:
    """Whether a secret may be an ordinary word or number."""
    return len(secret) < MIN_TOKEN or secret.isdecimal() or segment_kind(secret) != "opaque"


def writings(data: bytes) -> Iterator[bytes]:
    """What secrets are looked for in: the text in lower case, as it stands and decoded."""
    if b"\0" in data:
        data = data.replace(b"\0", b"")  # UTF-16; in binary data it does no harm
    yield (lower := data.lower())
    seen = {lower}
    variants = [data]
    if b"\\" in data:
        variants.append(_ESCAPE.sub(_unescaped, data))
    if b"&" in data:
        variants += [
            raw_bytes(html.unescape(each.decode("utf-8", "surrogateescape")))
            for each in tuple(variants)
        ]
    for variant in tuple(variants):
        for _ in range(_MAX_DECODINGS):
            if b"%" not in variant:
                break
            variant = urllib.parse.unquote_to_bytes(variant)
            variants.append(variant)
    variants += [each.replace(b"+", b" ") for each in variants if b"+" in each]
    for variant in variants:
        if (lower := variant.lower()) not in seen:
            seen.add(lower)
            yield lower


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1] or match[2]
    return bytes((int(code, 16),)) if code else match[3]


def _written(secret: str, *, weak: bool) -> set[bytes]:
    """The forms of a secret in lower-case text; of an ordinary word it is the word alone."""
    if weak:
        return {raw_bytes(secret).lower()}
    written = set()
    # All tokens of one kind begin alike: what tells a JSON Web Token is behind its head.
    for part in secret.split(".")[1:] if secret.startswith("eyJ") else (secret,):
        known = raw_bytes(part[:KNOWN_BY])
        written |= {raw_bytes(form).lower()[:KNOWN_BY] for form in forms(part)}
        written |= {known.lower()[:KNOWN_BY], known.hex().encode()}
    return {form for form in written if len(form) >= MIN_TOKEN}


def _middle(length: int) -> int:
    """Where the bytes begin by which a form is looked up: tokens often begin alike."""
    return (length - _GRAM) // 2
