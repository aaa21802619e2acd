"""Where one of many pieces of six bytes is in a text, in one pass.

Enters: the pieces as numbers, then texts. Leaves: offsets. With NumPy, which the extra `analysis`
brings, every six bytes of a text are looked up at once; without it one after the other, which takes
some times as long.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, Protocol

try:
    import numpy as np
except ModuleNotFoundError:
    HAS_NUMPY = False
else:
    HAS_NUMPY = True

SIZE: Final = 6
_MIN_BITS, _MAX_BITS = 16, 25


class Grams(Protocol):
    """Pieces that are looked for."""

    def positions(self, data: bytes) -> Iterable[int]:
        """Where they are, in order."""


def number(gram: bytes) -> int:
    """A piece as a number."""
    return int.from_bytes(gram, "little")


def distinct(numbers: Iterable[int]) -> Iterable[int]:
    """The different numbers, in order."""
    return (one for one, _ in groupby(sorted(numbers)))


def grams_of(numbers: Sequence[int]) -> Grams:
    """The pieces with these numbers."""
    return _Table(numbers) if HAS_NUMPY else _Set(numbers)


class _Set:
    """Looked up one after the other."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._grams = frozenset(one.to_bytes(SIZE, "little") for one in numbers)

    def positions(self, data: bytes) -> Iterable[int]:
        grams, size = self._grams, SIZE
        return [at for at in range(len(data) - size + 1) if data[at : at + size] in grams]


class _Table:
    """Looked up all at once: a table of bits leaves few, and these are searched for."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._grams = np.unique(np.array(numbers, np.uint64))
        bits = min(max((16 * len(self._grams)).bit_length(), _MIN_BITS), _MAX_BITS)
        self._spread = np.uint64(0x9E37_79B9_7F4A_7C15)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, np.bool_)
        self._table[(self._grams * self._spread) >> self._shift] = True

    def positions(self, data: bytes) -> Iterable[int]:
        if len(data) < SIZE:
            return []
        array = np.frombuffer(data, np.uint8).astype(np.uint64)
        size = len(data) - SIZE + 1
        grams = array[:size].copy()
        for at in range(1, SIZE):
            grams |= array[at : at + size] << np.uint64(8 * at)
        positions = np.flatnonzero(self._table[(grams * self._spread) >> self._shift])
        if not len(positions):
            return []
        found = grams[positions]
        nearest = np.minimum(np.searchsorted(self._grams, found), len(self._grams) - 1)
        only: list[int] = positions[self._grams[nearest] == found].tolist()
        return only
