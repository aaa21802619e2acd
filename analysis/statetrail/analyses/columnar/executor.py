"""Bucketwise: judges a recording part by part, so that memory is bounded by a bucket of clients.

Enters: a recording. Leaves: its parts, to go through as often as needed, and result tables put
together from what a function makes of each part.

A large Parquet dataset is read bucket by bucket, each once; everything else is one part. What was
made of the buckets is kept in memory as long as there is room (`ROOM`), then in files of its own.
"""

import io
import itertools
import mmap
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from statetrail.analyses.columnar import spark as on_spark
from statetrail.analyses.columnar.arrays import Ints
from statetrail.analyses.columnar.bucket import COLUMNS, Part, part_of
from statetrail.analyses.columnar.dialect_masks import Place, Rules, issuing, secret
from statetrail.analyses.events.history import Lives, lives
from statetrail.analyses.events.replacements import Trail, trail
from statetrail.analyses.lifetimes.outcomes import Habits
from statetrail.analyses.tokens.rotation_facts import Turns, turns
from statetrail.recording.engines import Scratch
from statetrail.recording.frames import Frame, Recording
from statetrail.schema import CLIENT_BY, Table

ROOM: Final = 288 * 2**20
"""Bytes of each kind of thing that stay in memory."""
_ALIGNED: Final = 64
THREADS: Final = min(os.process_cpu_count() or 1, 4)
"""How many parts are worked on at a time; memory is bounded by so many buckets."""


class Kept[T]:
    """Things in the order in which they were added; in files where they are too large together."""

    def __init__(self, scratch: Scratch, name: str) -> None:
        self._scratch, self._name = scratch, name
        self._things: list[T | Path] = []
        self._room = ROOM

    def add(self, thing: T) -> None:
        """Keep one more."""
        self._room -= _size(thing)
        if self._room >= 0 or not self._things:
            self._things.append(thing)
            return
        path = self._scratch.folder / f"{self._name}-{len(self._things)}"
        _write(path, thing)
        self._things.append(path)

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[T]:
        for thing in self._things:
            yield _read(thing) if isinstance(thing, Path) else thing


class _Pickler(pickle.Pickler):
    """Writes integers no wider than they have to be; most are places and ranks."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, np.ndarray) and thing.dtype == np.int64 and thing.size:
            for narrow in (np.int16, np.int32):
                known = np.iinfo(narrow)
                if known.min <= thing.min() and thing.max() <= known.max:
                    return _widened, (thing.astype(narrow),)
        return NotImplemented


def _widened(narrow: npt.NDArray[np.signedinteger]) -> Ints:
    return narrow.astype(np.int64)


def _write(path: Path, thing: Any) -> None:
    """Write a thing made of arrays: these apart from the rest."""
    arrays: list[pickle.PickleBuffer] = []
    rest = io.BytesIO()
    _Pickler(rest, protocol=5, buffer_callback=arrays.append).dump(thing)
    raw = [array.raw() for array in arrays]
    with path.open("wb") as file:
        pickle.dump((rest.getvalue(), [len(one) for one in raw]), file, protocol=5)
        for one in raw:
            file.write(bytes(-file.tell() % _ALIGNED))
            file.write(one)


def _read(path: Path) -> Any:
    """The thing in a file; of what was not narrowed nothing is read before it is looked at."""
    with path.open("rb") as file:
        rest, sizes = pickle.load(file)  # noqa: S301 - ours, from a folder of our own
        at, whole = file.tell(), memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    arrays = []
    for size in sizes:
        at += -at % _ALIGNED
        arrays.append(whole[at : at + size])
        at += size
    return pickle.loads(rest, buffers=arrays)  # noqa: S301 - ours, as above


@dataclass(frozen=True, slots=True)
class Lived:
    """The lives of a part's values, and how its servers moved their clients from one to another."""

    lives: Lives
    trail: Trail


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a recording.

    Attributes
    ----------
    each
        The parts.
    rules
        By which they are judged.
    apart
        Fingerprints of secrets that are in several parts.
    """

    each: Kept[Part]
    rules: Rules
    apart: Ints


@dataclass(frozen=True, slots=True)
class AllLived:
    """The lives of the values of all parts, in the order of these, and what they show together."""

    each: Kept[Lived]
    turns: Kept[Turns]
    habits: Habits


def parts(rec: Recording) -> Parts:
    """The parts of a recording and the rules by which they are judged, made once."""
    return rec.once("parts", lambda: _parts(rec))


def lived(rec: Recording) -> AllLived:
    """The lives of each part's values, made once."""
    return rec.once("lives", lambda: _lived(rec))


def with_lives(rec: Recording) -> Iterator[tuple[Part, Lived]]:
    """Each part with its lives."""
    return zip(parts(rec).each, lived(rec).each, strict=True)


def by_parts(rec: Recording, table: Table, kernel: Callable[[Part, Rules], pa.Table]) -> Frame:
    """A result table: what `kernel` makes of each part, one after the other; computed once."""
    if rec.engine == "pyspark":
        return rec.computed(table, lambda: on_spark.by_buckets(rec, table.arrow, kernel))

    def each() -> Iterator[pa.Table]:
        judged = parts(rec)
        return in_turn(lambda part: kernel(part, judged.rules), judged.each)

    return rec.gathered(table, each)


def by_lives(
    rec: Recording, table: Table, kernel: Callable[[Part, Rules, Lived], pa.Table]
) -> Frame:
    """The same, where `kernel` also needs the lives of the part's values."""
    if rec.engine == "pyspark":
        return by_parts(rec, table, lambda part, rules: kernel(part, rules, _live(part, rules)[0]))

    def each() -> Iterator[pa.Table]:
        rules = parts(rec).rules
        return in_turn(lambda pair: kernel(pair[0], rules, pair[1]), with_lives(rec))

    return rec.gathered(table, each)


def by_details(
    rec: Recording,
    table: Table,
    columns: Mapping[str, Sequence[str]],
    kernel: Callable[[Part, Rules, Lived, Mapping[str, pa.Table]], pa.Table],
) -> Frame:
    """The same, where `kernel` also needs columns of the fact tables that a part leaves out."""
    if rec.engine == "pyspark":

        def live(part: Part, rules: Rules, details: Mapping[str, pa.Table]) -> pa.Table:
            return kernel(part, rules, _live(part, rules)[0], details)

        return rec.computed(table, lambda: on_spark.by_buckets(rec, table.arrow, live, columns))

    def each() -> Iterator[pa.Table]:
        rules = parts(rec).rules
        things = zip(with_lives(rec), rec.buckets(columns), strict=True)
        return in_turn(lambda thing: kernel(thing[0][0], rules, thing[0][1], thing[1]()), things)

    return rec.gathered(table, each)


def in_turn[T, R](work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """What `work` makes of each thing, in their order; a few are worked on at a time.

    NumPy and Arrow let other threads go on while they count. One more waits, so that none of these
    stands still while the caller is busy with a result.
    """
    each = iter(things)
    first = list(itertools.islice(each, 2))
    if len(first) < 2:
        yield from map(work, first)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        under_way: deque[Future[R]] = deque()
        for thing in itertools.chain(first, each):
            if len(under_way) > THREADS:
                yield under_way.popleft().result()
            under_way.append(pool.submit(work, thing))
        while under_way:
            yield under_way.popleft().result()


def _parts(rec: Recording) -> Parts:
    kept: Kept[Part] = Kept(rec.scratch, "part")
    places: set[Place] = set()
    secrets: list[Ints] = []
    columns = COLUMNS | {
        "exchanges": (*COLUMNS["exchanges"], *(CLIENT_BY[name] for name in rec.client_by))
    }
    rules = Rules(rec.dialects, rec.grace_us)

    def made(read: Callable[[], dict[str, pa.Table]]) -> tuple[Part, Ints]:
        part = part_of(
            read(), dialects=rec.dialects, client_by=rec.client_by, grace_us=rec.grace_us
        )
        hidden = secret(part, rules)[part.series_param[part.values.series]]
        return part, np.unique(part.values.fingerprint[hidden])

    for part, fingerprints in in_turn(made, rec.buckets(columns)):
        places |= issuing(part)
        secrets.append(fingerprints)
        kept.add(part)
    every = np.sort(np.concatenate(secrets))
    apart = np.unique(every[1:][every[1:] == every[:-1]])
    return Parts(kept, replace(rules, issuing=frozenset(places)), apart)


def _lived(rec: Recording) -> AllLived:
    judged, habits = parts(rec), Habits()
    found = AllLived(Kept(rec.scratch, "lives"), Kept(rec.scratch, "turns"), habits)

    def made(part: Part) -> tuple[Part, Lived, Turns]:
        return part, *_live(part, judged.rules)

    for part, told, moves in in_turn(made, judged.each):
        habits.learn(part, judged.rules, told.lives)
        found.each.add(told)
        found.turns.add(moves)
    return found


def _live(part: Part, rules: Rules) -> tuple[Lived, Turns]:
    told = lives(part)
    moved = trail(part, told)
    return Lived(told, moved), turns(part, rules, moved)


def _size(thing: Any) -> int:
    """The bytes of the arrays in a dataclass."""
    values = [getattr(thing, entry.name) for entry in fields(thing)]
    return sum(_size(v) if is_dataclass(v) else getattr(v, "nbytes", 0) for v in values)
