"""Rows: integer arrays of a bucket as a table of the catalogue, with words for numbers.

Enters: columns as NumPy arrays. Leaves: an Arrow table whose texts are dictionaries.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.coding import Words
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

REQUEST: Final = (
    *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
    Column("request_start_us", "timestamp", "Start of the request"),
    Column("endpoint", "text", "Where the request went"),
)
"""Columns of a table with a row for each request and parameter."""

type Cells = pa.Array | pa.ChunkedArray | Ints | Bools


def of_series(bucket: Bucket, series: Ints) -> dict[str, pa.Array]:
    """The columns ``client``, ``origin``, ``dialect`` and ``param`` of rows of these series."""
    client, param = (
        pa.array(column.astype(np.int32)[series])
        for column in (bucket.series_client, bucket.series_param)
    )
    named = {
        "client": (client, [client for client, _ in bucket.clients]),
        "origin": (client, [origin for _, origin in bucket.clients]),
        "dialect": (param, [dialect for dialect, _ in bucket.params]),
        "param": (param, [name for _, name in bucket.params]),
    }
    return {
        column: pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string()))
        for column, (places, names) in named.items()
    }


def of_requests(bucket: Bucket, exchange: Ints, series: Ints) -> dict[str, Cells]:
    """The columns `REQUEST` of rows of these requests and series."""
    exchanges = bucket.exchanges
    return {
        "exchange_id": exchanges.id[exchange],
        **of_series(bucket, series),
        "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
        "endpoint": words(exchanges.endpoint[exchange], [name for _, name in bucket.endpoints]),
    }


def hits_and_totals(series: Ints, hit: Bools) -> tuple[Ints, Ints]:
    """The rows that are hits, and one of each series for its others; how many each stands for."""
    hits, others = np.flatnonzero(hit), np.flatnonzero(~hit)
    _, first, times = np.unique(series[others], return_index=True, return_counts=True)
    row = np.concatenate([hits, others[first]])
    return row, np.concatenate([np.ones(len(hits), dtype=np.int64), times])


def words(places: Ints | Words, names: Sequence[str], *, present: Bools | None = None) -> pa.Array:
    """Places in a list of names; null where not `present`, by default where the place is -1."""
    here = places >= 0 if present is None else present
    indices = pa.array(places.astype(np.int32), mask=None if here.all() else ~here)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def numbers(values: Ints, present: Bools) -> pa.Array:
    """Integers, null where not `present`."""
    return pa.array(values, mask=None if present.all() else ~present)


def seconds(span_us: Ints, present: Bools) -> pa.Array:
    """Spans of microseconds in seconds, null where not `present`."""
    return pa.array(span_us / 1_000_000, mask=None if present.all() else ~present)


def table(of: Table, columns: Mapping[str, Cells]) -> pa.Table:
    """A table of the catalogue's columns in their order; its texts may be dictionaries."""
    of.check(name for name in of.names if name in columns)
    return pa.table([columns[name] for name in of.names], names=list(of.names))
