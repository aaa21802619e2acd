"""What a store has that a dataset lacks, or has otherwise.

Enters: the contents of a store, and the files of a dataset that it was exported into before.
Leaves: which exchanges are to be added, and which rows are to leave.

A store does not note what changes in it, so all of its exchanges are compared, by a hash of their
rows. Values change only with their exchange (`statetrail.store.rows.replace`), whose row then
changes too: it is completed, or was recorded again with more.

- An exchange under a new id is added, and one whose row changed is replaced.
- What is gone from the store (`statetrail.store.retention`) stays in the dataset.
- Ids of exchanges that are gone are used again: an id with another flow is another exchange. It is
  added under another number of the store, so that both can stay.
- Exchanges in a spill file have no id yet. When a recorder has taken them in, they have the same
  start and flow, and their earlier rows leave.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES
from statetrail.store.dataset.manifest import ID_BITS, MAX_NUMBERS
from statetrail.store.dataset.source import Contents, Ranges
from statetrail.store.dataset.write import file_batches

type Ints = npt.NDArray[np.int64]

_MEMORY: Final = "128MiB"
_THREADS: Final = 2
_GAP: Final = 64
_MOST: Final = 500
"""Queries for the rows of exchanges."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of exchanges to be added, in order, and their ids in the dataset; those that leave it.

    `numbers` are then the store's numbers; `gone` counts what is in the dataset alone.
    """

    ids: Ints
    placed: Ints
    drop: Ints
    numbers: tuple[int, ...]
    gone: int

    @property
    def ranges(self) -> Ranges:
        """Ranges of ids with all that are added, and few others."""
        if not len(self.ids):
            return []
        steps, gap = np.diff(self.ids), _GAP
        while np.count_nonzero(steps > gap) >= _MOST:
            gap *= 2
        cuts = np.flatnonzero(steps > gap)
        firsts = self.ids[np.append(0, cuts + 1)]
        lasts = self.ids[np.append(cuts, len(self.ids) - 1)]
        return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def find_changes(
    contents: Contents,
    files: Sequence[Path],
    numbers: tuple[int, ...],
    next_number: int,
    scratch: Path,
) -> Changes:
    """What has changed in a store since its exchanges were exported under these numbers."""
    row = ", ".join(n for n in EXCHANGES.names if n not in ("exchange_id", "capture_id"))
    with _database(scratch) as db:
        with _stream(db, contents.batches(EXCHANGES)):
            db.execute(
                "CREATE TABLE now AS SELECT exchange_id AS id, "  # noqa: S608
                "request_start_us AS start, hash(flow_id) AS flow, "
                f"hash(capture_id, {row}) AS content FROM stream"
            )
        forged = f"SELECT count(*) FROM now WHERE id NOT BETWEEN 0 AND {(1 << ID_BITS) - 1}"  # noqa: S608
        if db.execute(forged).fetchall()[0][0]:
            raise StoreError("a store has ids that no recorder gives: export into a new folder")
        mask, capture = (1 << ID_BITS) - 1, f"capture_id - {numbers[0] << ID_BITS}"
        with _stream(db, (batch for file in files for batch in file_batches(file, EXCHANGES))):
            db.execute(
                "CREATE TABLE was AS SELECT exchange_id AS place, "  # noqa: S608
                "exchange_id & $mask AS id, request_start_us AS start, hash(flow_id) AS flow, "
                f"hash({capture}, {row}) AS content FROM stream "
                "WHERE list_contains($numbers, exchange_id >> $bits)",
                {"mask": mask, "bits": ID_BITS, "numbers": list(numbers)},
            )
        # Of the exchanges that had an id one after the other, the last may still have it.
        db.execute("CREATE VIEW latest AS SELECT id, max(place) AS place FROM was GROUP BY id")
        db.execute(
            "CREATE TABLE pairs AS SELECT id, place, now.flow = was.flow AS is_one, "
            "now.content = was.content AS is_same FROM now LEFT JOIN latest USING (id) "
            "LEFT JOIN was USING (id, place)"
        )
        new = db.execute(
            "SELECT id, coalesce(place, -1) AS place, coalesce(is_one, false) AS is_one FROM pairs "
            "WHERE NOT coalesce(is_same, false) ORDER BY id"
        ).fetchnumpy()
        db.execute(
            "CREATE TABLE gone AS SELECT * FROM was "
            "ANTI JOIN (SELECT place FROM pairs WHERE is_one) USING (place)"
        )
        again = db.execute("SELECT place FROM gone SEMI JOIN now USING (start, flow)").fetchnumpy()
        gone: int = db.execute("SELECT count(*) FROM gone").fetchall()[0][0] - len(again["place"])
    ids, before, is_one = (np.ma.getdata(new[name]) for name in ("id", "place", "is_one"))
    reused = (before >= 0) & ~is_one
    if reused.any():
        numbers += (next_number,)
    check_number(numbers[-1])
    placed = np.where(is_one, before, ids + (numbers[-1] << ID_BITS))
    drop = np.concatenate([before[is_one], np.ma.getdata(again["place"])])
    return Changes(ids, placed, drop, numbers, gone)


def check_number(number: int) -> None:
    """Raise `StoreError` for a number that no id has room for."""
    if number >= MAX_NUMBERS:
        raise StoreError(f"a dataset has room for {MAX_NUMBERS:,} stores: begin another one")


@contextmanager
def _stream(db: duckdb.DuckDBPyConnection, batches: Iterator[pa.RecordBatch]) -> Iterator[None]:
    """Batches of exchanges as the table `stream`; an error of theirs is raised as it is."""
    failed: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            failed.append(error)
            raise

    db.register("stream", pa.RecordBatchReader.from_batches(EXCHANGES.arrow, watched()))
    try:
        yield
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise
    db.unregister("stream")


def files_with(files: Sequence[Path], ids: Ints) -> list[Path]:
    """Those of some files that have rows of these exchanges."""
    wanted = pa.array(ids)
    return [
        file
        for file in files
        if pc.any(pc.is_in(pq.ParquetFile(file).read(["exchange_id"]).column(0), wanted)).as_py()
    ]


@contextmanager
def _database(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "temp_directory": str(scratch / "duckdb"),
    }
    with duckdb.connect(config=config) as db:
        # It takes `python -c` for a person at a terminal.
        db.execute("SET enable_progress_bar = false")
        try:
            yield db
        except RuntimeError as error:  # what DuckDB makes of Ctrl-C
            if "interrupted" in str(error):
                raise KeyboardInterrupt from None
            raise
