"""A set of 64-bit digests that takes some ten bytes for each: captures have millions of entries."""

from typing import Final

_BITS: Final = 16
_SIZE: Final = 6
_REST: Final = (1 << 8 * _SIZE) - 1


class Digests:
    """Digests by their last bits, the others of all that share them one after the other."""

    __slots__ = ("_rests",)

    def __init__(self) -> None:
        self._rests = [b""] * (1 << _BITS)

    def __contains__(self, digest: int) -> bool:
        at, rest = self._place(digest)
        rests = self._rests[at]
        found = rests.find(rest)
        while found > 0 and found % _SIZE:
            found = rests.find(rest, found + 1)
        return found >= 0

    def add(self, digest: int) -> None:
        """Add a digest that is not there."""
        at, rest = self._place(digest)
        self._rests[at] += rest

    def _place(self, digest: int) -> tuple[int, bytes]:
        return digest & (1 << _BITS) - 1, (digest >> _BITS & _REST).to_bytes(_SIZE, "little")
