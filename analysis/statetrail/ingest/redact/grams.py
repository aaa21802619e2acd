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
    _FIRST_SIX = np.uint64(0xFFFF_FFFF_FFFF)

SIZE: Final = 6
_MIN_BITS, _MAX_BITS = 16, 25
_AT_ONCE: Final = 16_384


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
        # The eight bytes from each place on, without the last two.
        eights = np.ndarray(len(data) - SIZE + 1, "<u8", data + b"\0\0", strides=(1,))
        found = [self._maybe(eights, start) for start in range(0, len(eights), _AT_ONCE)]
        positions = np.concatenate(found)
        if not len(positions):
            return []
        grams = eights[positions] & _FIRST_SIX
        nearest = np.minimum(np.searchsorted(self._grams, grams), len(self._grams) - 1)
        only: list[int] = positions[self._grams[nearest] == grams].tolist()
        return only

    def _maybe(self, eights: "np.ndarray", start: int) -> "np.ndarray":
        """Where a piece may be, by the table; so few at once that they stay in the CPU's cache."""
        grams = eights[start : start + _AT_ONCE] & _FIRST_SIX
        grams *= self._spread
        grams >>= self._shift
        return np.flatnonzero(self._table.take(grams.view(np.int64))) + start
