"""Artifacts: what analyses are made of, each computed once a recording, bucket by bucket.

Enters: a recording. Leaves: values. An artifact declares what it needs, and the executor makes that
first. Memory is bounded by the buckets that are worked on at a time: a large Parquet dataset is
read bucket by bucket, every other recording is one bucket. On the engine ``pyspark`` the same
functions run in Spark's workers.

There are two scopes. Of scope ``bucket``, a function gets what it needs of one bucket. Of scope
``whole``, it gets the recording and what it needs: of an artifact of scope ``bucket`` an iterator
over the values of all buckets.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Literal, cast, overload

import pyarrow as pa

from statetrail.analyses.columnar import spark
from statetrail.analyses.columnar.spill import SpilledList, SpilledTables, place_tables
from statetrail.recording.bucket_recording import BucketRecording, bucket_groups
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.recording.limits import release
from statetrail.schema import CLIENT_BY, Table
from statetrail.store.reader import LARGE

type Scope = Literal["bucket", "whole"]
type Facts = Mapping[str, Any]
"""The fact tables of a bucket by name, and under `CLASS` the place of the class of dialects."""
type Columns = Mapping[str, Sequence[str]]
type Values = dict[Any, Any]
"""Values by their artifacts; the fact tables of the bucket by `_FACTS`."""

_FACTS: Final = "facts"
RELEASED: Final = 16
"""Buckets after which free memory is given back. The first may be the largest."""
MADE: Final = "made"
"""With an artifact the key of its values of the buckets, where they were made in advance."""


class Artifact[T]:
    """Something that analyses need.

    Attributes
    ----------
    compute
        The function that makes it.
    needs
        The artifacts that `compute` is given, in the order of its arguments.
    scope
        Whether `compute` is called for each bucket, or once with the recording in front.
    reads
        The columns of the fact tables of a bucket that `compute` is given in front.
    stored
        Whether the values of the buckets are kept for whatever else needs them.
    """

    def __init__(
        self,
        compute: Callable[..., Any],
        *,
        needs: Sequence["Artifact[Any]"] = (),
        scope: Scope = "bucket",
        reads: Columns | None = None,
        stored: bool = False,
    ) -> None:
        self.compute, self.needs, self.scope = compute, tuple(needs), scope
        self.reads, self.stored = reads, stored
        self.__doc__, self.__module__ = compute.__doc__, compute.__module__
        self.__name__ = self.__qualname__ = compute.__name__

    def __call__(self, rec: Recording) -> T:
        """The value, computed once; of scope ``bucket`` an iterator over those of the buckets."""
        if self.scope == "bucket":
            return cast("T", over_buckets(rec, self))
        return cast("T", rec.once_whole(self, self._compute))

    def _compute(self, rec: Recording) -> Any:
        return self.compute(rec, *(need(rec) for need in self.needs))

    def __repr__(self) -> str:
        return f"<{self.__module__}.{self.__name__}>"

    def __reduce__(self) -> str:
        # In a worker it is what its module has by this name.
        return self.__name__


@overload
def artifact[T](
    *, needs: Sequence[Artifact[Any]] = (), scope: Literal["whole"]
) -> Callable[[Callable[..., T]], Artifact[T]]: ...


@overload
def artifact[T](
    *, needs: Sequence[Artifact[Any]] = (), reads: Columns | None = None, stored: bool = False
) -> Callable[[Callable[..., T]], Artifact[Iterator[T]]]: ...


def artifact(**declared: Any) -> Callable[[Callable[..., Any]], Artifact[Any]]:
    """Declare a function as an artifact."""
    return lambda compute: Artifact(compute, **declared)


def frame(rec: Recording, table: Table, kind: Artifact[Any]) -> Lazy:
    """The tables that an artifact makes of the buckets, as one frame on the recording's engine."""
    if rec.engine == "pyspark":
        columns, compute = _from_facts(rec, kind)
        layout = table.arrow

        def united(facts: Facts) -> pa.Table:
            return pa.concat_tables([each.cast(layout) for each in compute(facts)])

        return spark.frame(rec, columns, united, layout)
    made = rec.memo.get((MADE, kind))
    if isinstance(made, SpilledTables):
        return made.placed(rec, table)
    return place_tables(rec, table, over_buckets(rec, kind))


def over_buckets(
    rec: Recording, kind: Artifact[Any], given: Mapping[Any, Any] | None = None
) -> Iterator[Any]:
    """What an artifact computes of each bucket, in the order of the buckets.

    Of what it needs, the stored artifacts that are not there yet are kept on the way. What is
    `given` of the whole recording is not asked of it; the artifact is one that is not kept.
    """
    if rec.engine == "pyspark":
        columns, compute_all = _from_facts(rec, kind, given)
        yield from itertools.chain.from_iterable(spark.values(rec, columns, compute_all))
        return
    for key in (kind, (MADE, kind)):
        if key in rec.memo:
            yield from rec.memo[key]
            return
    for values in passing(rec, [kind], given):
        yield values[kind]


def is_distributed(rec: Recording) -> bool:
    """Whether the buckets are computed by the workers of Spark, which keep nothing of them."""
    return rec.engine == "pyspark"


def passing(
    rec: Recording, kinds: Sequence[Artifact[Any]], given: Mapping[Any, Any] | None = None
) -> Iterator[Values]:
    """What artifacts compute of each bucket, in one pass over the buckets.

    Of what they need, the stored artifacts that are not there yet are kept on the way.
    """
    whole = {need: value for kind in kinds for need, value in _whole(rec, kind, given).items()}
    held = {} if rec.workers is not None else _held(rec)
    steps = list(dict.fromkeys(step for kind in kinds for step in _steps(kind, held)))
    if rec.workers is not None and (columns := _columns(rec, steps)):
        count = len(rec.dialect_classes)

        def of_bucket(facts: Facts) -> list[Values]:
            sources = ({_FACTS: {**facts, CLASS: place}} for place in range(count))
            return [_compute(steps, source | whole, {*kinds}) for source in sources]

        readers = [rec.read_bucket(bucket, columns) for bucket in rec.bucket_sizes]
        yield from itertools.chain.from_iterable(spark.mapped(rec.workers, readers, of_bucket))
        return
    room = rec.limits.list_bytes
    made = {e: SpilledList[Any](rec.scratch, e.__name__, room) for e in steps if e.stored}
    needs = dict.fromkeys(need for each in steps for need in each.needs)
    stored = [need for need in needs if need in held]
    columns, kept = _columns(rec, steps), {*kinds, *made}
    sources = by_class(rec, columns) if columns else itertools.repeat(dict)
    rows: Iterable[Sequence[Any]] = itertools.repeat(())
    if stored:
        rows = zip(*(held[need] for need in stored), strict=True)

    def compute(source: tuple[Callable[[], Facts], Sequence[Any]]) -> Values:
        known = dict(zip(stored, source[1], strict=True))
        return _compute(steps, {_FACTS: source[0]()} | known | whole, kept)

    several = in_turn(compute, zip(sources, rows, strict=False), rec.limits.threads)
    for number, values in enumerate(several):
        for each, entries in made.items():
            entries.add(values[each])
        yield values
        if number % RELEASED == 0:
            release()
    rec.memo.update(made)


def _held(rec: Recording) -> dict[Artifact[Any], Iterable[Any]]:
    """The values of the buckets that are there, of artifacts that are stored or made in advance."""
    made = {kind[1]: kept for kind, kept in rec.memo.items() if _is_made(kind)}
    return made | {
        kind: kept
        for kind, kept in rec.memo.items()
        if isinstance(kind, Artifact) and kind.stored and kind.scope == "bucket"
    }


def _is_made(key: object) -> bool:
    return isinstance(key, tuple) and len(key) == 2 and key[0] == MADE


def in_groups(rec: Recording, exchanges: int) -> Iterator[BucketRecording]:
    """The buckets of a recording in groups of about so many exchanges, each as a recording.

    There are none where it is not read in buckets. What is stored of buckets is known to their
    recording.
    """
    count = len(rec.dialect_classes)
    options = {
        "paths": rec.paths,
        "client_by": rec.client_by,
        "grace_ms": rec.grace_us / 1000,
        "dialects": rec.dialects,
        "limits": rec.limits,
    }
    first = 0
    for group in bucket_groups(rec.bucket_sizes, exchanges):
        some = BucketRecording(rec.of_buckets(group), rec.once_whole, options)
        of = slice(first * count, (first + len(group)) * count)
        some.memo |= {
            kind: kept[of]
            for kind, kept in rec.memo.items()
            if isinstance(kept, SpilledList) or _is_made(kind)
        }
        first += len(group)
        yield some


def in_turn[T, R](work: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R]:
    """What `work` makes of each thing, in their order; a few are worked on at a time.

    NumPy and Arrow let other threads run while they compute. One more is queued, so that no thread
    is idle while the caller is busy with a result.
    """
    each = iter(things)
    first = list(itertools.islice(each, 2))
    if len(first) < 2:
        yield from map(work, first)
        return
    with ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[R]] = deque()
        for thing in itertools.chain(first, each):
            if len(under_way) > threads:
                yield under_way.popleft().result()
            under_way.append(pool.submit(work, thing))
        while under_way:
            yield under_way.popleft().result()


def by_class(rec: Recording, columns: Columns) -> Iterator[Callable[[], Facts]]:
    """Readers of the facts of each bucket, for each class of dialects; they are read once.

    Of a bucket of more than `LARGE` exchanges, what a step reads is read for it alone: all columns
    of a pass together would take more memory than what is made of them.
    """
    count = len(rec.dialect_classes)
    sizes = list(rec.bucket_sizes.items()) or [("", 0)]
    for (bucket, size), reader in zip(sizes, rec.buckets(columns), strict=True):
        if size > LARGE:
            yield from (partial(_FactsOfSteps, rec, bucket, place) for place in range(count))
            continue
        if count == 1:
            yield partial(_of_class, reader, 0)
            continue
        once = _Once(reader)
        for place in range(count):
            yield partial(_of_class, once, place)


def _of_class(reader: Callable[[], Facts], place: int) -> Facts:
    return _Facts(reader, place)


class _Facts(Mapping[str, Any]):
    """The facts of a bucket and the place of the class, read when one of the tables is used."""

    def __init__(self, reader: Callable[[], Facts], place: int) -> None:
        self._reader, self._place = reader, place
        self._tables: Facts | None = None

    def __getitem__(self, name: str) -> Any:
        return self._place if name == CLASS else self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain(self._read(), (CLASS,))

    def __len__(self) -> int:
        return len(self._read()) + 1

    def _read(self) -> Facts:
        if self._tables is None:
            self._tables = self._reader()
        return self._tables


class _FactsOfSteps(Mapping[str, Any]):
    """The facts of a large bucket: none by themselves, but for each step those that it reads."""

    def __init__(self, rec: Recording, bucket: str, place: int) -> None:
        self._rec, self._bucket, self._place = rec, bucket, place

    def of(self, step: Artifact[Any]) -> Facts:
        """The facts that a step reads."""
        columns = _columns(self._rec, [step])
        return _Facts(self._rec.read_bucket(self._bucket, columns), self._place)

    def __getitem__(self, name: str) -> Any:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Once:
    """What a reader reads, read once, whichever thread asks first."""

    def __init__(self, reader: Callable[[], Facts]) -> None:
        self._reader, self._lock = reader, threading.Lock()
        self._facts: Facts | None = None

    def __call__(self) -> Facts:
        with self._lock:
            if self._facts is None:
                self._facts = self._reader()
            return self._facts


def _from_facts(
    rec: Recording, kind: Artifact[Any], given: Mapping[Any, Any] | None = None
) -> tuple[Columns, Callable[[Facts], list[Any]]]:
    """What a worker needs for a bucket: the columns to read, and what makes the values of them, one
    for each class of dialects."""
    whole, steps, count = _whole(rec, kind, given), _steps(kind, ()), len(rec.dialect_classes)

    def compute(facts: Facts) -> list[Any]:
        return [
            _compute(steps, {_FACTS: {**facts, CLASS: place}} | whole, {kind})[kind]
            for place in range(count)
        ]

    return _columns(rec, steps), compute


def _whole(rec: Recording, kind: Artifact[Any], given: Mapping[Any, Any] | None) -> Values:
    """The values of the whole recording that are needed to compute an artifact of a bucket."""
    needs = {need for each in _steps(kind, ()) for need in each.needs if need.scope == "whole"}
    known = given or {}
    return {need: known[need] if need in known else need(rec) for need in needs}


def _steps(kind: Artifact[Any], known: Container[Any]) -> list[Artifact[Any]]:
    """What has to be computed for an artifact of a bucket, each after what it needs."""
    steps: dict[Artifact[Any], None] = {}
    for need in kind.needs:
        if need.scope == "bucket" and need not in known:
            steps |= dict.fromkeys(_steps(need, known))
    return [*steps, kind]


def _compute(
    steps: Sequence[Artifact[Any]], values: Values, kept: Container[Artifact[Any]]
) -> Values:
    """The values with those of the steps added; of what is not kept, none longer than needed."""
    last = {need: at for at, each in enumerate(steps) for need in each.needs}
    for at, each in enumerate(steps):
        facts = () if each.reads is None else (_read_for(each, values[_FACTS]),)
        values[each] = each.compute(*facts, *(values[need] for need in each.needs))
        for need in each.needs:
            if last[need] == at and need not in kept:
                values.pop(need, None)
    return {each: values[each] for each in steps if each in kept}


def _read_for(step: Artifact[Any], facts: Facts) -> Facts:
    return facts.of(step) if isinstance(facts, _FactsOfSteps) else facts


def _columns(rec: Recording, steps: Sequence[Artifact[Any]]) -> dict[str, Sequence[str]]:
    """The columns of the fact tables that the steps read, with those that tell clients apart."""
    columns: dict[str, Sequence[str]] = {}
    for each in steps:
        for name, wanted in (each.reads or {}).items():
            columns[name] = tuple(dict.fromkeys((*columns.get(name, ()), *wanted)))
    if columns:
        own = (CLIENT_BY[name] for name in rec.client_by)
        columns["exchanges"] = tuple(dict.fromkeys((*columns.get("exchanges", ()), *own)))
    return columns
