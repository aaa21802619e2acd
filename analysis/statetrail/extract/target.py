"""What a request target says, cached, since clients ask for the same again and again.

Enters: request targets. Leaves: `Target`s: the storable path and endpoint, the values in the target
that present state or may be tokens, and whether it is in scope of each dialect.
"""

import urllib.parse
from collections.abc import Sequence
from itertools import compress, islice
from typing import Final, NamedTuple

import msgspec

from statetrail.dialects import wire
from statetrail.dialects.place import Condition, IssueReader
from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.masking import writings
from statetrail.extract.records import MAX_TOKEN_CANDIDATES, MAX_VALUES
from statetrail.extract.text import MAX_TOKEN, decoded_path, mask_path, target_segments
from statetrail.extract.token_candidates import path_values, query_values
from statetrail.extract.wire_values import (
    BodyTexts,
    CompiledDialect,
    PresentedValue,
    Reading,
    presented_in_target,
    query_fields,
)

CACHED: Final = 4096
"""Paths and targets that are cached."""
MAX_CACHED: Final = 512
"""Bytes of a path or target that is cached."""


class BodyReading(NamedTuple):
    """A reader of response bodies, with the place of its dialect, and what it finds in none."""

    dialect: int
    reading: Reading[IssueReader]
    nothing: BodyTexts


class Path(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a path says while it holds no secret of its exchange; compared by identity.

    `segments` are as on the wire, `names` decoded and case-folded; secrets are looked for in
    `writings`. `candidates` are fingerprints of what may be a token in it; a few more than are
    kept, since presented ones are none. `bodies` are the readers of response bodies of the dialects
    in scope, `forms` the dialects that read request bodies. `methods` are those that fulfil each
    condition.
    """

    segments: list[str]
    writings: str
    names: frozenset[str]
    shown: str
    endpoint: str
    candidates: tuple[int, ...]
    in_scope: tuple[bool, ...]
    bodies: tuple[BodyReading, ...]
    forms: tuple[CompiledDialect, ...]
    methods: tuple[frozenset[str] | None, ...]


class Target(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a request target says; `capped`: its query has more fields than are looked at.

    `candidates` are fingerprints of what may be a token in the query's values, each once; a few
    more than are kept, since presented ones are none.
    """

    path: Path
    presented: tuple[tuple[PresentedValue, ...], ...]
    candidates: tuple[int, ...]
    capped: bool


class TargetReader:
    """Reads targets; those read last are cached. With `numbers`, short ones in paths are shown."""

    __slots__ = ("_conditions", "_dialects", "_fingerprinter", "_numbers", "_paths", "_targets")

    def __init__(
        self,
        dialects: tuple[CompiledDialect, ...],
        fingerprinter: Fingerprinter,
        *,
        conditions: Sequence[Condition] = (),
        numbers: bool = False,
    ) -> None:
        self._conditions = tuple(conditions)
        self._numbers = numbers
        self._dialects = dialects
        self._fingerprinter = fingerprinter
        self._paths: BoundedCache[bytes, Path] = BoundedCache(CACHED)
        self._targets: BoundedCache[bytes, Target] = BoundedCache(CACHED)

    def read(self, target: bytes) -> Target:
        """What a request target says."""
        if (cached := self._targets.get(target)) is not None:
            return cached
        result = self._read(target)
        return self._targets.keep(target, result) if len(target) <= MAX_CACHED else result

    def carries_key(self, location: str | None) -> bool:
        """Whether the query of a redirect's target has the key of a session: who follows it has."""
        if location is None or "?" not in location:
            return False
        query = location.partition("#")[0].partition("?")[2].encode("utf-8", "surrogateescape")
        on_wire = wire.Target([], query_fields(b"/?" + query)[0])
        return any(
            each.kind == "value" and each.value and each.param in compiled.dialect.session_keys
            for compiled in self._dialects
            for each in presented_in_target(on_wire, compiled)
        )

    def _read(self, target: bytes) -> Target:
        key = target.partition(b"?")[0]
        if (path := self._paths.get(key)) is None:
            path = self._read_path(target)
            if len(key) <= MAX_CACHED:
                self._paths.keep(key, path)
        fields, capped = query_fields(target)
        candidates: dict[int, None] = {}
        for value in query_values(fields):
            candidates[self._fingerprinter.fingerprint(value)] = None
            if len(candidates) == MAX_TOKEN_CANDIDATES + MAX_VALUES:
                break
        on_wire = wire.Target(path.segments, fields)
        presented = tuple([presented_in_target(on_wire, compiled) for compiled in self._dialects])
        return Target(path, presented, tuple(candidates), capped)

    def _read_path(self, target: bytes) -> Path:
        segments = target_segments(target)
        decoded = decoded_path(target)
        shown, endpoint = mask_path(target, self._fingerprinter, numbers=self._numbers)
        text = target[:MAX_TOKEN].decode("utf-8", "surrogateescape")
        candidates = dict.fromkeys(map(self._fingerprinter.fingerprint, path_values(text)))
        in_scope = tuple(compiled.dialect.in_scope(decoded) for compiled in self._dialects)
        return Path(
            segments=segments,
            writings="\0".join(writings("/".join(segments))),
            names=frozenset(
                urllib.parse.unquote(segment.partition(";")[0]).casefold() for segment in segments
            ),
            shown=shown,
            endpoint=endpoint,
            candidates=tuple(islice(candidates, MAX_TOKEN_CANDIDATES + MAX_VALUES)),
            in_scope=in_scope,
            bodies=tuple(
                BodyReading(at, each, (None,) * len(each.reader.params))
                for at in compress(range(len(in_scope)), in_scope)
                for each in self._dialects[at].body_readers
            ),
            forms=tuple(c for c in compress(self._dialects, in_scope) if c.request_readers),
            methods=tuple([condition.methods(decoded) for condition in self._conditions]),
        )
