"""On Spark: the parts of a recording judged where the rows are, by Spark's own workers.

Enters: a recording on the engine ``pyspark``, and what makes a table of a part. Leaves: a Spark
frame. The clients are spread over buckets, the rows of a bucket come together in one worker, and
only the rules (a few names) go out from the driver.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.columnar.bucket import COLUMNS, part_of
from statetrail.analyses.columnar.dialect_masks import Rules
from statetrail.analyses.events.scope import in_scope
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT_BY, FACTS

BUCKETS: Final = 64
"""Buckets of clients; each has to fit into the memory of a worker."""

_BUCKET, _TABLE = "_bucket", "_table"


def _rules(rec: Recording) -> Rules:
    """The rules of a recording on Spark."""
    places = in_scope(rec).collect("pyarrow").rows()
    return Rules(rec.dialects, rec.grace_us, frozenset(tuple(place) for place in places))


def by_buckets(
    rec: Recording,
    layout: pa.Schema,
    kernel: Callable[..., pa.Table],
    details: Mapping[str, Sequence[str]] | None = None,
) -> Lazy:
    """What `kernel` makes of each bucket of clients, as one frame of that layout."""
    from pyspark.sql.pandas.types import from_arrow_schema

    rules = rec.once("rules", lambda: _rules(rec))
    client_by = rec.client_by
    columns = COLUMNS | {
        "exchanges": (*COLUMNS["exchanges"], *(CLIENT_BY[name] for name in client_by))
    }

    columns |= {
        name: tuple(dict.fromkeys((*columns.get(name, ()), *more)))
        for name, more in (details or {}).items()
    }

    def judge(rows: pa.Table) -> pa.Table:
        tables = {name: _unfolded(rows, name, columns[name]) for name in columns}
        part = part_of(
            tables, dialects=rules.dialects, client_by=client_by, grace_us=rules.grace_us
        )
        more = () if details is None else (tables,)
        return kernel(part, rules, *more).cast(layout)

    spread = _spread(rec, columns)
    judged = spread.groupBy(_BUCKET).applyInArrow(judge, from_arrow_schema(layout))
    frame: Lazy = nw.from_native(judged.persist())
    return frame


def _spread(rec: Recording, columns: dict[str, tuple[str, ...]]) -> Any:
    """All rows as one Spark frame, each with its bucket: Spark brings one frame together."""
    from pyspark.sql import functions as sql

    clients = rec.exchanges_with_client().to_native()
    bucket = sql.pmod(sql.hash("client"), sql.lit(BUCKETS))
    where = clients.select("exchange_id", bucket.alias(_BUCKET))
    whole = None
    for name, wanted in columns.items():
        rows = rec.fact(name).to_native().join(where, on="exchange_id")
        folded = rows.select(
            _BUCKET,
            sql.lit(name).alias(_TABLE),
            *(sql.col(column).alias(f"{name}_{column}") for column in wanted),
        )
        whole = folded if whole is None else whole.unionByName(folded, allowMissingColumns=True)
    return whole


def _unfolded(rows: pa.Table, name: str, columns: Iterable[str]) -> pa.Table:
    """The rows of one table."""
    schema = next(table.arrow for table in FACTS if table.name == name)
    own = rows.filter(pa.compute.equal(rows[_TABLE], name))
    layout = pa.schema([schema.field(column).with_nullable(True) for column in columns])
    return own.select([f"{name}_{c}" for c in columns]).rename_columns(layout.names).cast(layout)
