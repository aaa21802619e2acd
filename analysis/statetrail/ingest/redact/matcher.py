"""Finds any of many secrets in any amount of bytes, in one pass.

Enters: secrets, then pieces of text. Leaves: whether, and where, one of them is written there: as
it is, in any letter case, percent-encoded once or more, with escapes of HTML, JSON or Python, as
UTF-16, in hexadecimal, and in base64 at any offset. The time depends on the text alone, not on the
number of secrets: every six bytes of the text are looked up among those in the middle of each
secret (`statetrail.ingest.redact.grams`).
"""

import html
import re
import string
import urllib.parse
from array import array
from binascii import a2b_base64, unhexlify
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import normal_form, raw_bytes
from statetrail.extract.masking import KNOWN_BY, MIN_WITHIN
from statetrail.extract.text import MIN_TOKEN, segment_kind
from statetrail.ingest.redact.grams import SIZE, distinct, grams_of, number

OVERLAP: Final = 512
"""Bytes by which pieces of one text have to overlap, so that no secret is between them."""

_ESCAPE: Final = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([/\"'\\]))")
# Behind a blank only, so that no byte is looked at twice.
_BASE64: Final = re.compile(rb" ([^ ]{12,})")
_DIGITS64: Final = (string.ascii_letters + string.digits + "+/").encode()
# All other bytes become blanks; the digits of the form for addresses become those of the plain one.
_STANDARD: Final = bytes(
    byte if byte in _DIGITS64 else {ord("-"): ord("+"), ord("_"): ord("/")}.get(byte, ord(" "))
    for byte in range(256)
)
_MIN_HEX: Final = 20
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{%d,}" % _MIN_HEX)
_SEPARATORS: Final = re.compile(r"[/\s;,=&?]+")
_WORD: Final = re.compile(rf"[a-z0-9-]{{{MIN_TOKEN},{KNOWN_BY}}}")
_MAX_DECODINGS: Final = 3
_RECENT: Final = 8192
_HASH: Final = 0xFFFF_FFFF_FFFF_FFFE  # the last bit tells whether a form is an ordinary word


class Matcher:
    """Looks for secrets, once all are added and it is `built`.

    Values under six characters, and numbers under ten digits, are in any text by chance and are not
    looked for. Short values and words count only where no letter or digit is beside them. A secret
    takes some 100 bytes of memory, whatever its length, and is not held itself if it is none of
    these.
    """

    def __init__(self) -> None:
        self._recent: BoundedCache[str, bool] = BoundedCache(_RECENT)
        self._weak: set[str] = set()
        # Of each form its middle and its hash, and of each secret its hash.
        self._new: tuple[array[int], array[int], array[int]] = (array("Q"), array("Q"), array("Q"))
        self._grams = grams_of(())
        self._hashes = array("Q")
        self._lengths: set[int] = set()

    @classmethod
    def of(cls, secrets: Iterable[str], vocabulary: str = "", *, words: bool = True) -> "Matcher":
        """A matcher of these secrets, `built`."""
        matcher = cls()
        for secret in secrets:
            matcher.add(secret)
        return matcher.built(vocabulary, words=words)

    def __repr__(self) -> str:
        return "Matcher(…)"

    def __len__(self) -> int:
        """The number of different secrets that are looked for."""
        return sum(1 for _ in distinct(self._new[2]))

    def add(self, secret: str) -> None:
        """Add a secret."""
        if secret in self._recent or not is_searchable(secret):
            return
        self._recent.keep(secret, True)
        if is_weak(secret):
            self._weak.add(secret)
            return
        self._add(secret, _written(secret))
        # Where slashes are between segments, a part of a secret may be all that stays of it.
        for part in _SEPARATORS.split(secret):
            if len(part) >= MIN_TOKEN and part != secret:
                self.add(part)

    def built(self, vocabulary: str = "", *, words: bool = True) -> "Matcher":
        """Ready to find the secrets: self.

        Short values and words are left out where they are in `vocabulary`, the lower-case text that
        is in a clean text anyway, and others where they are a word of it; without `words` all short
        values and words are.
        """
        for secret in self._weak if words else ():
            if secret.casefold() not in vocabulary:
                self._add(secret, {raw_bytes(secret).lower()}, weak=1)
        self._weak.clear()
        self._grams = grams_of(self._new[0])
        ordinary = {hash(raw_bytes(word)) & _HASH for word in _WORD.findall(vocabulary)}
        self._hashes = array("Q", (one for one in distinct(self._new[1]) if one not in ordinary))
        return self

    def _add(self, secret: str, written: Iterable[bytes], weak: int = 0) -> None:
        grams, hashes, secrets = self._new
        secrets.append(hash(secret) & _HASH)
        for form in written:
            start = _middle(len(form))
            grams.append(number(form[start : start + SIZE]))
            hashes.append(hash(form) & _HASH | weak)
            self._lengths.add(len(form))

    def find(self, data: bytes) -> Iterator[int]:
        """Where a secret is: an offset in the data, or in what it is decoded to."""
        if self._lengths:
            for writing in writings(data):
                yield from self._in(writing.lower())

    def holds(self, text: str) -> bool:
        """Whether a secret is in the text."""
        return next(self.find(raw_bytes(text)), None) is not None

    def _in(self, data: bytes) -> Iterator[int]:
        lengths = sorted(self._lengths)
        for middle in self._grams.positions(data):
            for length in lengths:
                start = middle - _middle(length)
                if start >= 0 and self._is_form(data, start, length):
                    yield start
                    break

    def _is_form(self, data: bytes, start: int, length: int) -> bool:
        number = hash(data[start : start + length]) & _HASH
        if self._has(number):
            return True
        if not self._has(number | 1):
            return False
        around = data[max(start - 1, 0) : start], data[start + length : start + length + 1]
        return not any(side.isalnum() for side in around)

    def _has(self, number: int) -> bool:
        at = bisect_left(self._hashes, number)
        return at < len(self._hashes) and self._hashes[at] == number


def is_searchable(secret: str) -> bool:
    """Whether a secret is no text that is found anywhere by chance."""
    return len(secret) >= (MIN_TOKEN if secret.isdecimal() else MIN_WITHIN)


def is_weak(secret: str) -> bool:
    """Whether a secret may be an ordinary word or number."""
    return len(secret) < MIN_TOKEN or secret.isdecimal() or segment_kind(secret) != "opaque"


def writings(data: bytes) -> Iterator[bytes]:
    """What secrets are looked for in: the text as it stands, and decoded."""
    if b"\0" in data:
        data = data.replace(b"\0", b"")  # UTF-16; in binary data it does no harm
    yield data
    seen = {data}
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
    runs: set[bytes] = set()
    # What stands in base64 between two blanks that were plus signs stands in the run around them.
    coded = [each for variant in variants for each in _decoded(variant, runs)]
    variants += [each.replace(b"+", b" ") for each in variants if b"+" in each]
    variants += coded
    for variant in variants:
        if variant not in seen:
            seen.add(variant)
            yield variant


def _decoded(data: bytes, seen: set[bytes]) -> Iterator[bytes]:
    """What is in base64 or hexadecimal, wherever its first whole character is.

    Runs of base64 that were `seen` in another writing are left out.
    """
    runs = list({*_BASE64.findall(b" " + data.translate(_STANDARD))} - seen)
    seen.update(runs)
    for at in range(4 if runs else 0):
        # Filled up to whole groups: what that adds at the end does no harm.
        whole = [run[at:] + b"A" * ((at - len(run)) % 4) for run in runs]
        yield b"\n".join(map(a2b_base64, whole))
    runs = [found for run in runs if len(run) >= _MIN_HEX for found in _HEX.findall(run)]
    for at in range(2 if runs else 0):
        yield b"\n".join([unhexlify(run[at : at + (len(run) - at) // 2 * 2]) for run in runs])


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1] or match[2]
    return bytes((int(code, 16),)) if code else match[3]


def _written(secret: str) -> set[bytes]:
    """What is known of a secret in lower-case text."""
    if secret.isalnum() and secret.isascii() and not secret.startswith("eyJ"):
        return {secret[:KNOWN_BY].lower().encode()}  # there is no other form of it
    # All tokens of one kind begin alike: what tells a JSON Web Token is behind its head.
    parts = secret.split(".")[1:] if secret.startswith("eyJ") else (secret,)
    written = {
        raw_bytes(form).lower()[:KNOWN_BY]
        for part in parts
        for form in (part[:KNOWN_BY], normal_form(part[: 3 * KNOWN_BY]))
    }
    return {form for form in written if len(form) >= MIN_TOKEN}


def _middle(length: int) -> int:
    """Where the bytes begin by which a form is looked up: tokens often begin alike."""
    return (length - SIZE) // 2
