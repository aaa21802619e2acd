"""What is in a store or a dataset, whatever the ids of its exchanges are."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES
from statetrail.store.clients import client_names
from statetrail.store.dataset.manifest import read_manifest
from statetrail.store.dataset.write import buckets_of
from statetrail.store.reader import read_store

type Content = dict[tuple[int, str], Any]


def content(path: Path) -> Content:
    """Each exchange with its values, by its start and flow id; none is there twice."""
    facts = read_store(path)
    values: dict[int, list[object]] = {}
    for table in (ISSUED, PRESENTED, TOKEN_CANDIDATES):
        for row in facts.table(table.name).to_pylist():
            values.setdefault(row.pop("exchange_id"), []).append(sorted(row.items(), key=str))
    found = {}
    rows = facts.table(EXCHANGES.name).to_pylist()
    for row in rows:
        own = sorted(values.pop(row.pop("exchange_id"), []), key=str)
        del row["capture_id"]
        found[row["request_start_us"], row["flow_id"]] = (row, own)
    assert len(found) == len(rows)
    assert not values
    return found


def sorted_by_client(path: Path) -> bool:
    """Whether each file has the clients of its bucket alone, by client and time."""
    manifest = read_manifest(path)
    for name in manifest.of(EXCHANGES):
        rows = pq.read_table(path / name, partitioning=None).cast(EXCHANGES.arrow).combine_chunks()
        clients = client_names(rows, manifest.client_by).to_pylist()
        order = list(zip(clients, rows["request_start_us"].to_pylist(), strict=True))
        (batch,) = rows.to_batches() or [pa.RecordBatch.from_pylist([], EXCHANGES.arrow)]
        buckets = {f"bucket={n}" for n in buckets_of(batch, manifest.client_by, manifest.buckets)}
        if order != sorted(order) or not buckets <= {Path(name).parent.name}:
            return False
    return True


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """The files of a folder: when each was written, its inode and its content."""
    return {
        str(file.relative_to(folder)): (
            file.stat().st_mtime_ns,
            file.stat().st_ino,
            file.read_bytes(),
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
