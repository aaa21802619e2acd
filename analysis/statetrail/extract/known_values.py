"""The secret values alive across exchanges, as keyed hashes: what one exchange says of
another's secrets is not kept either.

Enters: the secrets of each exchange, then each text that would be kept. Leaves: whether one is in
the text, and the text without it. A value is known by two hashes of each of its writings, of its
first `HEAD` characters and of the whole: Python's, which have a random key of the process. The
value itself is not held.

A word that was already shown, before somebody presented it as a secret, stays as it is: hiding it
would hide nothing, and whoever presents ``Mozilla`` as a ticket would rename every browser.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter

HEAD: Final = 6
"""Characters by which a writing is looked for; shorter values are not known across exchanges."""
MAX_KNOWN: Final = 16_384
"""Values that are known; of more, those that were used longest ago are forgotten."""
MAX_ORDINARY: Final = 65_536
"""Beginnings of words that were shown."""
CACHED: Final = 4096
"""Ordinary texts that are cached."""
MAX_CACHED: Final = 512
"""Characters of such a text."""
_MAX_TEXT: Final = 8192


class _Writing(NamedTuple):
    """One writing of a value; `plain`: it is the value as it stands."""

    head: int
    length: int
    pseudonym: str
    plain: bool


class KnownValues:
    """A bounded memory of secret values."""

    __slots__ = (
        "_fingerprinter", "_heads", "_limit", "_ordinary", "_ordinary_texts", "_values",
        "_writings", "uses",
    )  # fmt: skip

    def __init__(self, fingerprinter: Fingerprinter, limit: int = MAX_KNOWN) -> None:
        self.uses = 0
        self._fingerprinter = fingerprinter
        self._limit = limit
        # By value the hashes of its writings, in the order of last use; by these the writings; by
        # head their lengths and how many have each.
        self._values: dict[int, tuple[int, ...]] = {}
        self._writings: dict[int, _Writing] = {}
        self._heads: dict[int, dict[int, int]] = {}
        self._ordinary: set[int] = set()
        self._ordinary_texts: BoundedCache[str, None] = BoundedCache(CACHED)

    def __len__(self) -> int:
        return len(self._values)

    def stale(self, uses: int) -> bool:
        """Whether what was added when there were so many `uses` may soon be forgotten."""
        return self.uses - uses > self._limit // 2

    def add(self, value: str, forms: Iterable[str]) -> None:
        """Know a value, or know it anew; `forms` are its writings in case-folded text, each of at
        least `HEAD` characters.
        """
        if not self._limit:
            return
        self.uses += 1
        key = hash(value)
        if (known := self._values.pop(key, None)) is not None:
            self._values[key] = known
            return
        folded, name = value.casefold(), self._fingerprinter.pseudonym(value)
        if _heads(folded) <= self._ordinary:
            return
        found = []
        for form in forms:
            head, whole, length = hash(form[:HEAD]), hash(form), len(form)
            if whole not in self._writings:
                self._writings[whole] = _Writing(head, length, name, form == folded)
                lengths = self._heads.setdefault(head, {})
                lengths[length] = lengths.get(length, 0) + 1
                found.append(whole)
        self._values[key] = tuple(found)
        if len(self._values) > self._limit:
            self._forget(next(iter(self._values)))

    def near(self, *texts: str | None) -> bool:
        """Whether a value is in one of the texts; those without one are ordinary from then on."""
        for text in texts:
            if text and text not in self._ordinary_texts:
                folded = text[:_MAX_TEXT].casefold()
                heads = _heads(folded)
                if not self._heads.keys().isdisjoint(heads) and self.within(folded):
                    return True
                if len(text) <= MAX_CACHED:
                    self._ordinary_texts.keep(text, None)
                    if len(self._ordinary) < MAX_ORDINARY:
                        self._ordinary |= heads
        return False

    def holds(self, folded: str) -> bool:
        """Whether a case-folded text begins with a value."""
        return hash(folded[:HEAD]) in self._heads and self.within(folded)

    def within(self, folded: str) -> bool:
        """Whether a value is in a case-folded text."""
        return next(self._found(folded), None) is not None

    def hide(self, text: str) -> str:
        """The text with the values within it replaced by their pseudonyms."""
        found = list(self._found(folded := text.casefold()))
        if not found:
            return text
        if len(folded) != len(text) or not all(writing.plain for _, writing in found):
            return self._fingerprinter.pseudonym(text)
        parts, end = [], 0
        for start, writing in sorted(found, key=lambda each: (each[0], -each[1].length)):
            if start >= end:
                parts += [text[end:start], writing.pseudonym]
            end = max(end, start + writing.length)
        return "".join([*parts, text[end:]])

    def _found(self, folded: str) -> Iterator[tuple[int, _Writing]]:
        """Where values begin in a case-folded text."""
        if not self._heads:
            return
        for start in range(min(len(folded), _MAX_TEXT) - HEAD + 1):
            for length in self._heads.get(hash(folded[start : start + HEAD]), ()):
                writing = self._writings.get(hash(folded[start : start + length]))
                if writing is not None and writing.length == length:
                    yield start, writing

    def _forget(self, key: int) -> None:
        for whole in self._values.pop(key):
            head, length, _, _ = self._writings.pop(whole)
            lengths = self._heads[head]
            lengths[length] -= 1
            if not lengths[length]:
                del lengths[length]
            if not lengths:
                del self._heads[head]


def _heads(folded: str) -> frozenset[int]:
    """The hashes of all runs of `HEAD` characters."""
    return frozenset([hash(folded[at : at + HEAD]) for at in range(len(folded) - HEAD + 1)])
