"""The files of one bucket: its rows sorted by client and time.

Enters: rows of the fact tables. Leaves: Parquet files.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from statetrail.schema import EXCHANGES, Table
from statetrail.store.clients import client_names

type Ints = npt.NDArray[np.int64]


def write_file(file: Path, rows: pa.Table) -> None:
    """Write one file of a dataset."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, file, compression="zstd")


def buckets_of(
    exchanges: pa.RecordBatch, client_by: Sequence[str], buckets: int
) -> npt.NDArray[np.int16]:
    """The bucket of each exchange's client, the same on every machine and in every run."""
    clients = client_names(pa.Table.from_batches([exchanges]), client_by)
    encoded = pc.dictionary_encode(clients).combine_chunks()
    names = encoded.dictionary.to_pylist()
    numbers = np.array([zlib.crc32(name.encode()) % buckets for name in names], dtype=np.int16)
    indices: npt.NDArray[np.int32] = encoded.indices.to_numpy()
    return numbers[indices]


def in_order(
    read: Callable[[Table], pa.Table], tables: Sequence[Table], client_by: Sequence[str]
) -> Iterator[tuple[Table, pa.Table]]:
    """The rows of a bucket's tables: by client and time of the exchange, then by their key.

    `read` gives the rows of a table, which are in memory one table at a time.
    """
    order, places = _order(read(EXCHANGES), client_by)
    yield EXCHANGES, _taken(read(EXCHANGES), order)
    for table in tables:
        if table is not EXCHANGES:
            rows = read(table)
            keys = [rows[name].to_numpy() for name in reversed(table.key[1:])]
            order = np.lexsort((*keys, places.of(rows["exchange_id"].to_numpy())))
            del keys
            yield table, _taken(rows, order)


def _order(exchanges: pa.Table, client_by: Sequence[str]) -> tuple[Ints, "_Places"]:
    """The order of exchanges, and the place of each in it."""
    clients = client_names(exchanges, client_by)
    encoded = pc.dictionary_encode(clients).combine_chunks()
    rank = np.argsort(pc.sort_indices(encoded.dictionary).to_numpy())
    ids = exchanges["exchange_id"].to_numpy()
    starts = exchanges["request_start_us"].to_numpy()
    order = np.lexsort((ids, starts, rank[encoded.indices.to_numpy()]))
    by_id = np.argsort(ids)
    return order, _Places(ids[by_id], np.argsort(order)[by_id])


@dataclass(frozen=True, slots=True)
class _Places:
    """Ids of exchanges, in order, and the place of each among the sorted ones."""

    ids: Ints
    place: Ints

    def of(self, ids: Ints) -> Ints:
        """The places of exchanges; those that are not there, as in a forged store, are last."""
        if not len(self.ids):
            return np.zeros_like(ids)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[at] == ids, self.place[at], len(self.ids))


def _taken(rows: pa.Table, order: Ints) -> pa.Table:
    return rows.combine_chunks().take(pa.array(order))
