"""A recording as lazy frames: the tables of one or many stores on the engine of your choice.

Enters: store paths. Leaves: a `Recording`, whose facts are `Frame` objects, and which keeps the
results of the analyses. A `Frame` is a Narwhals lazy frame with its schema; pandas is what a person
gets out of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.dialects import Dialect, select
from statetrail.errors import UsageError, unknown
from statetrail.recording.conversations import DEFAULT_GRACE_MS, grace_us
from statetrail.recording.dialect_classes import DialectClass, dialect_classes
from statetrail.recording.engines import (
    ENGINES,
    READ_DICTIONARIES,
    Engine,
    Lazy,
    distinct,
    nullable,
    placing,
    spark_session,
)
from statetrail.recording.frame import Frame as Frame
from statetrail.recording.limits import Limits, release
from statetrail.recording.origins import origin_expression
from statetrail.recording.scratch import Scratch
from statetrail.schema import (
    CAPTURES,
    EXCHANGES,
    FACTS,
    ISSUED,
    PRESENTED,
    TOKEN_CANDIDATES,
    Table,
)
from statetrail.schema.clients import check_client_by, default_client_by
from statetrail.store.clients import client_expression, holds_imported
from statetrail.store.dataset.stamp import check_distinct
from statetrail.store.reader import LARGE, Facts, join_facts, read_store


def _dialects(dialects: Sequence[Dialect | str | Path] | str | None) -> tuple[Dialect, ...]:
    """Dialects by themselves, their names or files; all if none is named."""
    if dialects is None:
        return select()
    if isinstance(dialects, str):
        return select(dialects)
    names = [str(one) for one in dialects if not isinstance(one, Dialect)]
    own = tuple(one for one in dialects if isinstance(one, Dialect))
    return (*own, *(select(names) if names else ()))


class Recording:
    """One or many stores, opened for analysis. Use `open_recording` (``statetrail.open``).

    Attributes
    ----------
    paths
        The stores.
    engine, client_by, dialects, limits
        As for `open_recording`.
    grace_us
        Grace period in microseconds: how long after a response has ended its client may still
        act on older state.
    workers
        The session of Spark whose workers compute buckets for this recording, or `None`.
    memo
        What was computed of this recording, by what computes it.
    """

    def __init__(
        self,
        facts: Facts | Mapping[str, pa.Table],
        *,
        paths: Sequence[Path] = (),
        engine: Engine | Any = None,
        client_by: Sequence[str] | str | None = None,
        grace_ms: float = DEFAULT_GRACE_MS,
        dialects: Sequence[Dialect | str | Path] | str | None = None,
        limits: Limits | None = None,
        workers: Any = None,
    ) -> None:
        self._session, self.workers = None, workers
        if hasattr(engine, "createDataFrame"):
            self._session, engine = engine, "pyspark"
        if engine is not None and engine not in ENGINES:
            raise UsageError(unknown("engine", str(engine), ENGINES))
        self._facts = facts if isinstance(facts, Facts) else Facts(Path(), "", facts)
        if engine is None:
            engine = "duckdb" if self._facts.count(EXCHANGES.name) > LARGE else "pyarrow"
        self.paths = tuple(paths)
        self.engine: Engine = engine
        self.grace_us = grace_us(grace_ms)
        self.dialects = _dialects(dialects)
        self.scratch, self.limits = Scratch(), limits or Limits()
        self._place, self._give_back = placing(engine, self.scratch, self.limits, self._session)
        if client_by is None:
            # A large dataset is not read for it: its clients are those that it was written by.
            client_by = self._facts.client_by or default_client_by(
                imported=holds_imported(self._facts.table(EXCHANGES.name))
            )
        client_by = [client_by] if isinstance(client_by, str) else client_by
        check_client_by(client_by)
        self.client_by = tuple(client_by)
        self._lazies: dict[str, Lazy] = {}
        self.memo: dict[Any, Any] = {}

    def _lazy(self, table: Table) -> Lazy:
        if table.name not in self._lazies:
            self._lazies[table.name] = self._place(self._facts.tables[table.name])
        return self._lazies[table.name]

    @property
    def dialect_classes(self) -> tuple[DialectClass, ...]:
        """The dialects by how they are judged; of those judged by declarations, what was seen."""
        return self.once_whole(
            "classes", lambda whole: dialect_classes(whole.dialects, lambda: whole.spoken)
        )

    @property
    def spoken(self) -> set[str]:
        """The names of the dialects whose values were issued or presented."""
        return self.once_whole("spoken", _spoken)

    @property
    def exchanges(self) -> Frame:
        """The exchanges: one row per request with its response or error."""
        return Frame(self._lazy(EXCHANGES), EXCHANGES)

    @property
    def issued(self) -> Frame:
        """The values that responses issued."""
        return Frame(self._lazy(ISSUED), ISSUED)

    @property
    def presented(self) -> Frame:
        """The values that requests presented."""
        return Frame(self._lazy(PRESENTED), PRESENTED)

    @property
    def captures(self) -> Frame:
        """The runs of the recorder and the imported files that made the recording."""
        return Frame(self._lazy(CAPTURES), CAPTURES)

    @property
    def token_candidates(self) -> Frame:
        """What looked like a token in a request, other than presented state."""
        return Frame(self._lazy(TOKEN_CANDIDATES), TOKEN_CANDIDATES)

    def exchanges_with_client(self) -> Lazy:
        """`exchanges` with two columns more: ``client`` and ``origin``."""
        names = {"client": client_expression(self.client_by), "origin": origin_expression()}
        return self.once("named exchanges", lambda: self.exchanges.lazy.with_columns(**names))

    def buckets(
        self, columns: Mapping[str, Sequence[str]]
    ) -> Iterator[Callable[[], dict[str, pa.Table]]]:
        """Readers of some columns of some fact tables, all rows of a client together.

        A large dataset is read bucket by bucket if its buckets keep this recording's clients whole;
        everything else at once.
        """
        tables = [table for table in FACTS if table.name in columns]
        for bucket in self.bucket_sizes:
            yield partial(_read, self._facts, bucket, tables, columns)
        if not self.bucket_sizes:
            yield lambda: {
                t.name: self._lazy(t).select(*columns[t.name]).collect("pyarrow").to_native()
                for t in tables
            }

    @property
    def bucket_sizes(self) -> Mapping[str, int]:
        """The exchanges of each bucket, where buckets keep this recording's clients whole.

        Only a large dataset has buckets: of others it is empty.
        """
        if not self._facts.client_by or not set(self._facts.client_by) <= set(self.client_by):
            return {}
        return self.once("bucket sizes", self._facts.sizes)

    def on_driver(self) -> "Recording":
        """The recording as an audit reads it: buckets on Spark's workers, their summaries here.

        It is this one, unless that is a dataset in buckets on the engine ``pyspark``.
        """
        if self.engine != "pyspark" or not self.bucket_sizes:
            return self
        options = self._options() | {"engine": "duckdb", "workers": spark_session()}
        return self.once("on driver", lambda: Recording(self._facts, **options))

    def read_bucket(self, bucket: str, columns: Mapping[str, Sequence[str]]) -> Any:
        """A reader of some columns of one bucket that can be sent to another process."""
        tables = [table for table in FACTS if table.name in columns]
        return partial(_read, replace(self._facts, tables={}), bucket, tables, columns)

    def of_buckets(self, buckets: Sequence[str]) -> Facts:
        """The facts of some buckets."""
        return self._facts.of_buckets(buckets)

    def place(self, rows: pa.Table, table: Table | None = None) -> Lazy:
        """Rows as a lazy frame on this recording's engine.

        Rows of a `table` may hold their words as dictionaries, and narrower integers than it has.
        """
        if table is not None and self.engine not in READ_DICTIONARIES:
            rows = rows.cast(nullable(table.arrow))  # a forged store may lack what no store lacks
        return self._place(rows)

    def keep(self, lazy: Lazy) -> Lazy:
        """The frame computed now and kept on this engine, for what several others are made of."""
        return self._place(lazy.collect("pyarrow").to_native())

    def once[T](self, key: object, compute: Callable[[], T]) -> T:
        """What is computed once a recording; `key` says what it is."""
        if key not in self.memo:
            self.memo[key] = compute()
        return cast("T", self.memo[key])

    def once_whole[T](self, key: object, compute: "Callable[[Recording], T]") -> T:
        """What is computed once of the whole recording, also where this is a bucket of it."""
        return self.once(key, lambda: compute(self))

    def release(self) -> None:
        """Give free memory back to the system, that of the engine's last queries too."""
        self._give_back()
        release()

    def few_rows(self, key: str, compute: "Callable[[Recording], Lazy]") -> Lazy:
        """A few rows that are made of the whole recording, on this one's engine."""
        rows: Callable[[Recording], pa.Table] = lambda whole: (  # noqa: E731
            compute(whole).collect("pyarrow").to_native()
        )
        return self.once((key,), lambda: self.place(self.once_whole(key, rows)))

    def __repr__(self) -> str:
        count = self._facts.count(EXCHANGES.name)
        names = ", ".join(path.name for path in self.paths) or "frames in memory"
        return f"<Recording of {count} exchanges from {names} on {self.engine}>"

    def only(self, clients: Iterable[str]) -> Self:
        """The recording of some of its clients, for an analysis of one group of them.

        A token that others keep alive may then look as if it lived by itself.

        Raises
        ------
        UsageError
            A client is not in the recording.
        """
        wanted = list(dict.fromkeys(clients))
        named = self.exchanges_with_client().select("exchange_id", "client").collect("pyarrow")
        table: pa.Table = named.to_native()
        known = set(pc.unique(table["client"]).to_pylist())
        if unknown := [name for name in wanted if name not in known]:
            raise UsageError(f"no client {unknown[0]!r} is in this recording")
        ids = table.filter(pc.is_in(table["client"], pa.array(wanted)))["exchange_id"]

        def theirs(name: str) -> pa.Table:
            rows = self._facts.table(name)
            if name == CAPTURES.name:
                return rows
            return rows.filter(pc.is_in(rows["exchange_id"], ids.combine_chunks()))

        return self._with({fact.name: theirs(fact.name) for fact in FACTS})

    def changed(self, change: Callable[[Mapping[str, pa.Table]], Mapping[str, pa.Table]]) -> Self:
        """The recording with its fact tables changed, those of a large dataset bucket by bucket."""
        changed = self._with(self._facts.changed(change, self.scratch.folder / "changed"))
        changed.memo[Scratch] = self.scratch  # the folder stays as long as it does
        return changed

    def _with(self, facts: Facts | Mapping[str, pa.Table]) -> Self:
        return type(self)(facts, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "paths": self.paths,
            "engine": self._session or self.engine,
            "client_by": self.client_by,
            "grace_ms": self.grace_us / 1000,
            "dialects": self.dialects,
            "limits": self.limits,
        }

    @classmethod
    def of(cls, stores: Sequence[Facts], **options: Any) -> Self:
        """A recording of stores already read; `options` as for the constructor."""
        return cls(join_facts(stores), paths=[store.path for store in stores], **options)


def _spoken(rec: Recording) -> set[str]:
    both = (rec.issued.lazy, rec.presented.lazy)
    return {name for values in both for name in distinct(values, "dialect")}


def _read(
    facts: Facts, bucket: str, tables: Sequence[Table], columns: Mapping[str, Sequence[str]]
) -> dict[str, pa.Table]:
    """Some columns of the tables of one bucket."""
    return {t.name: facts.bucket(bucket, t, columns[t.name]) for t in tables}


def open_recording(
    paths: str | Path | Iterable[str | Path],
    *,
    engine: Engine | Any = None,
    client_by: Sequence[str] | str | None = None,
    grace_ms: float = DEFAULT_GRACE_MS,
    dialects: Sequence[Dialect | str | Path] | str | None = None,
    limits: Limits | None = None,
) -> Recording:
    """Open one or many stores (SQLite files, Parquet datasets) for analysis.

    Parameters
    ----------
    paths
        A store, or several made with the same key.
    engine
        Where the frames live: ``duckdb``, ``pandas``, ``polars``, ``pyarrow`` or ``pyspark`` (the
        extra ``spark``); or a session of PySpark. By default ``pyarrow``, and from 200,000
        exchanges on ``duckdb``: planning a query takes longer than a small one.
    client_by
        What tells clients apart: one or several of ``peer``, ``user-agent``, ``proxy-user``,
        ``header``, ``source``. By default ``peer``, ``user-agent`` and, where HAR files were
        imported, ``source``: each of these files is a client of its own.
    grace_ms
        Grace period in milliseconds.
    dialects
        The dialects to judge by: dialects, their names or TOML files; all by default.
    limits
        How much memory and how many threads an analysis may take (`statetrail.recording.limits`).

    Raises
    ------
    StoreError
        A store is missing, foreign, damaged, or was made with another key than the others.
    UsageError
        An option has a value that makes no sense.
    """
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not several:
        raise UsageError("no store was named")
    resolved = [Path(path).resolve() for path in several]
    if len(set(resolved)) < len(resolved):
        raise UsageError("the same store was named twice")
    stores = [read_store(path) for path in several]
    check_distinct([Path(path) for path in several])
    return Recording.of(
        stores,
        engine=engine,
        client_by=client_by,
        grace_ms=grace_ms,
        dialects=dialects,
        limits=limits,
    )
