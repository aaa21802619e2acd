"""On Spark: the buckets of a recording computed where the rows are, by Spark's own workers.

Enters: a recording on the engine ``pyspark``, and what makes a value of a bucket's fact tables.
Leaves: a Spark frame, or the values. The clients are spread over buckets, the rows of a bucket come
together in one worker, and only what the function holds goes out from the driver.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.schema import FACTS

BUCKETS: Final = 64
"""Buckets of clients; each has to fit into the memory of a worker."""

_BUCKET, _TABLE = "_bucket", "_table"
_PICKLED: Final = pa.schema([(_BUCKET, pa.int64()), ("value", pa.binary())])
_APART: Final = _PICKLED.append(pa.field("buffers", pa.list_(pa.binary())))
"""Arrays lie apart from what holds them, so that each begins where a processor wants it to."""


def frame(
    rec: Recording,
    columns: Mapping[str, Sequence[str]],
    compute: Callable[[dict[str, pa.Table]], pa.Table],
    layout: pa.Schema,
) -> Lazy:
    """What `compute` makes of each bucket of clients, as one frame of that layout."""
    judged = _applied(rec, columns, lambda facts, _: compute(facts).cast(layout), layout)
    lazy: Lazy = nw.from_native(judged.persist())
    return lazy


def values(
    rec: Recording,
    columns: Mapping[str, Sequence[str]],
    compute: Callable[[dict[str, pa.Table]], Any],
) -> Iterator[Any]:
    """What `compute` makes of each bucket of clients, in the order of the buckets."""

    def pickled(facts: dict[str, pa.Table], bucket: int) -> pa.Table:
        row = {_BUCKET: bucket, "value": pickle.dumps(compute(facts))}
        return pa.Table.from_pylist([row], schema=_PICKLED)

    rows = _applied(rec, columns, pickled, _PICKLED).orderBy(_BUCKET)
    for row in rows.toLocalIterator():
        yield pickle.loads(row["value"])  # noqa: S301 - made by our own workers


def mapped(
    session: Any,
    readers: Sequence[Callable[[], dict[str, pa.Table]]],
    compute: Callable[[dict[str, pa.Table]], Any],
) -> Iterator[Any]:
    """What `compute` makes of what each reader reads, in their order, by the session's workers.

    Each worker reads the files of its buckets itself. A few results for each of Spark's cores are
    brought here at a time.
    """

    def of_places(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                buffers: list[pickle.PickleBuffer] = []
                value = pickle.dumps(compute(readers[place]()), 5, buffer_callback=buffers.append)
                row = {_BUCKET: place, "value": value, "buffers": [*map(bytes, buffers)]}
                yield pa.RecordBatch.from_pylist([row], schema=_APART)

    from pyspark.sql.pandas.types import from_arrow_schema

    step = 2 * _cores(session)
    for first in range(0, len(readers), step):
        last = min(first + step, len(readers))
        places = session.range(first, last, 1, last - first)
        rows = places.mapInArrow(of_places, from_arrow_schema(_APART)).collect()
        for row in sorted(rows, key=lambda row: row[_BUCKET]):
            yield pickle.loads(row["value"], buffers=row["buffers"])  # noqa: S301 - of our workers


def _cores(session: Any) -> int:
    """How many tasks Spark runs at a time; a session of Spark Connect does not say."""
    try:
        return int(session.sparkContext.defaultParallelism)
    except Exception:  # errors of Py4J and of Spark Connect
        return BUCKETS // 2


def _applied(
    rec: Recording,
    columns: Mapping[str, Sequence[str]],
    compute: Callable[[dict[str, pa.Table], int], pa.Table],
    layout: pa.Schema,
) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    def of_bucket(rows: pa.Table) -> pa.Table:
        facts = {name: _unfolded(rows, name, wanted) for name, wanted in columns.items()}
        return compute(facts, rows[_BUCKET][0].as_py())

    spread = _spread(rec, columns)
    return spread.groupBy(_BUCKET).applyInArrow(of_bucket, from_arrow_schema(layout))


def _spread(rec: Recording, columns: Mapping[str, Sequence[str]]) -> Any:
    """All rows as one Spark frame, each with its bucket: Spark brings one frame together."""
    from pyspark.sql import functions as sql

    clients = rec.exchanges_with_client().to_native()
    bucket = sql.pmod(sql.hash("client"), sql.lit(BUCKETS))
    buckets = clients.select("exchange_id", bucket.alias(_BUCKET))
    whole = None
    for name, wanted in columns.items():
        rows = getattr(rec, name).lazy.to_native().join(buckets, on="exchange_id")
        folded = rows.select(
            _BUCKET,
            sql.lit(name).alias(_TABLE),
            *(sql.col(column).alias(f"{name}_{column}") for column in wanted),
        )
        whole = folded if whole is None else whole.unionByName(folded, allowMissingColumns=True)
    return whole


def _unfolded(rows: pa.Table, name: str, columns: Sequence[str]) -> pa.Table:
    """The rows of one table."""
    schema = next(table.arrow for table in FACTS if table.name == name)
    own = rows.filter(pa.compute.equal(rows[_TABLE], name))
    layout = pa.schema([schema.field(column).with_nullable(True) for column in columns])
    return own.select([f"{name}_{c}" for c in columns]).rename_columns(layout.names).cast(layout)
