"""The files of one bucket: its rows sorted by client and time.

Enters: rows of the fact tables. Leaves: Parquet files.
"""

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from statetrail.schema import EXCHANGES, Table
from statetrail.store.clients import client_names
from statetrail.store.dataset.scratch import Scratch
from statetrail.store.dataset.source import ROWS

type Ints = npt.NDArray[np.int64]
type Batches = Callable[[Table], Iterator[pa.RecordBatch]]

LARGE: Final = 1 << 17
PIECE: Final = 1 << 16
"""Exchanges of a bucket that are sorted at a time, if it has more than `LARGE`."""


def file_batches(file: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of one file of a table, some at a time."""
    with pq.ParquetFile(file) as stored:
        for batch in stored.iter_batches(ROWS, use_threads=False):
            yield batch.cast(table.arrow)


def write_file(file: Path, pieces: Iterator[pa.Table]) -> int:
    """Write one file of a dataset from pieces, of which there is one at least; its rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    first, second = next(pieces), next(pieces, None)
    if second is None:
        pq.write_table(first, file, compression="zstd")
        return len(first)
    count = 0
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        for piece in itertools.chain([first, second], pieces):
            writer.write_table(piece)
            count += len(piece)
    return count


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
    batches: Batches, tables: Sequence[Table], client_by: Sequence[str], folder: Path
) -> Iterator[tuple[Table, Iterator[pa.Table]]]:
    """The rows of a bucket's tables in pieces: by client and time of the exchange, then by key.

    `batches` gives the rows of a table. Those of a large bucket are put into `folder`, piece by
    piece, so that only a piece is in memory.
    """
    places = _order(batches(EXCHANGES), client_by)
    count = len(places.ids)
    pieces = -(-count // PIECE) if count > LARGE else 1
    for table in tables:
        if pieces == 1:
            yield table, iter([_sorted(batches(table), table, places)])
            continue
        scratch = Scratch(folder, [table], pieces)
        with scratch:
            for batch in batches(table):
                place = places.of(batch["exchange_id"].to_numpy())
                piece = np.minimum(place // PIECE, pieces - 1).astype(np.int16)
                scratch.add(table, batch, piece)
        each = (scratch.batches(table, number) for number in range(pieces))
        yield table, (_sorted(rows, table, places) for rows in each)


def _order(exchanges: Iterator[pa.RecordBatch], client_by: Sequence[str]) -> "_Places":
    """The place of each exchange by client and time."""
    names: dict[str, int] = {}
    clients, starts, ids = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for batch in exchanges:
        encoded = pc.dictionary_encode(
            client_names(pa.Table.from_batches([batch]), client_by)
        ).combine_chunks()
        numbers = [names.setdefault(n, len(names)) for n in encoded.dictionary.to_pylist()]
        clients.append(np.array(numbers, np.int64)[encoded.indices.to_numpy()])
        # Views would hold the memory of all columns.
        starts.append(batch["request_start_us"].to_numpy().copy())
        ids.append(batch["exchange_id"].to_numpy().copy())
    rank = np.empty(len(names), np.int64)
    rank[[names[name] for name in sorted(names)]] = np.arange(len(names))
    own = np.concatenate(ids)
    order = np.lexsort((own, np.concatenate(starts), rank[np.concatenate(clients)]))
    place = np.empty(len(own), np.int64)
    place[order] = np.arange(len(own))
    by_id = np.argsort(own)
    return _Places(own[by_id], place[by_id])


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


def _sorted(batches: Iterator[pa.RecordBatch], table: Table, places: _Places) -> pa.Table:
    rows = pa.Table.from_batches(batches, table.arrow)
    keys = [rows[name].to_numpy() for name in reversed(table.key[1:])]
    order = np.lexsort((*keys, places.of(rows["exchange_id"].to_numpy())))
    del keys
    return rows.combine_chunks().take(pa.array(order))
