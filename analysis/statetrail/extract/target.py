"""What a request target says, remembered, since clients ask for the same again and again.

Enters: request targets. Leaves: `Target`s: the path, the query's fields that present state, and
what else in the query may be a token.
"""

from typing import Final

import msgspec

from statetrail.extract.cache import BoundedCache
from statetrail.extract.path import MAX_LENGTH, MIN_LENGTH, Path, Paths
from statetrail.extract.records import MAX_TOKEN_CANDIDATES, MAX_VALUES
from statetrail.extract.token_candidates import QueryPrints
from statetrail.extract.wire_values import query_fields

REMEMBERED: Final = 4096
"""Targets that are remembered."""
MAX_REMEMBERED: Final = 512
"""Bytes of a target that is remembered."""


class Target(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a request target says.

    Attributes
    ----------
    presenting
        The query's fields that present a value: keys decoded, values not.
    prints
        Fingerprints of what may be a token in the query's values, each once; a few more than are
        kept, since presented ones are none.
    capped
        The query has more fields than are looked at.
    """

    path: Path
    presenting: tuple[tuple[bytes, bytes], ...]
    candidates: tuple[int, ...]
    capped: bool


class Targets:
    """The targets that were seen last.

    Parameters
    ----------
    presents
        Query keys that present, in lower case.
    """

    __slots__ = ("_known", "_paths", "_presents", "_prints")

    def __init__(self, paths: Paths, presents: frozenset[bytes], candidates: QueryPrints) -> None:
        self._paths = paths
        self._presents = presents
        self._prints = candidates
        self._known: BoundedCache[bytes, Target] = BoundedCache(REMEMBERED)

    def of(self, target: bytes) -> Target:
        """What a request target says."""
        if (known := self._known.get(target)) is not None:
            return known
        said = self._read(target)
        return self._known.keep(target, said) if len(target) <= MAX_REMEMBERED else said

    def _read(self, target: bytes) -> Target:
        fields, capped = query_fields(target)
        candidates: dict[int, None] = {}
        for _, raw in fields:
            if (
                MIN_LENGTH <= len(raw) <= MAX_LENGTH
                and len(candidates) < MAX_TOKEN_CANDIDATES + MAX_VALUES
            ):
                candidates |= dict.fromkeys(self._prints(raw))
        return Target(
            self._paths.of(target),
            tuple([field for field in fields if field[0].lower() in self._presents]),
            tuple(candidates),
            capped,
        )
