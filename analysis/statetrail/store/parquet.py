"""Export of stores as a Parquet dataset, for large analyses and for Spark.

Enters: the facts of one or many stores. Leaves: a folder that `read_store` reads, with a manifest
(``statetrail.json``) and a folder a table. Exchanges and their values are in buckets of clients
(``bucket=7/part-0.parquet``), sorted by client and time, so that the work can be split by client.
"""

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from statetrail.errors import StoreError, UsageError
from statetrail.schema import CAPTURES, EXCHANGES, FACTS, SCHEMA_VERSION
from statetrail.schema.clients import check_client_by, default_client_by
from statetrail.store.clients import client_names, holds_imported
from statetrail.store.reader import MANIFEST, Facts, join_facts

MIN_BUCKETS: Final = 16
MAX_BUCKETS: Final = 4096
BUCKET: Final = 2**16
"""Default number of exchanges in a bucket."""


def export_parquet(
    facts: Facts | Sequence[Facts],
    to: Path,
    client_by: Sequence[str] | None,
    buckets: int | None = None,
) -> Path:
    """Write stores as one Parquet dataset; all of it or nothing.

    Parameters
    ----------
    facts
        What `read_store` gave; several stores must have the same key.
    to
        The folder to create. An existing one has to be empty.
    client_by
        The attributes of a client, as in `open_recording`. All its rows are in one bucket.
    buckets
        Number of buckets; by default `buckets_for` the number of exchanges.

    Raises
    ------
    StoreError
        The folder is not empty, cannot be written, or the stores have different keys.
    UsageError
        `client_by` or `buckets` is invalid.
    """
    if buckets is not None and not 1 <= buckets <= MAX_BUCKETS:
        raise UsageError(f"{buckets} buckets make no sense: 1 to {MAX_BUCKETS}")
    check_target(to)
    joined = join_facts([facts] if isinstance(facts, Facts) else facts)
    if client_by is None:
        client_by = default_client_by(imported=holds_imported(joined.table(EXCHANGES.name)))
    check_client_by(client_by)
    exchanges = joined.table(EXCHANGES.name).num_rows
    buckets = buckets_for(exchanges) if buckets is None else buckets
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "key_id": joined.key_id,
        "client_by": list(client_by),
        "buckets": buckets,
        "exchanges": exchanges,
    }
    try:
        temporary = to.parent / f".{to.name}.{token_hex(4)}"
        temporary.mkdir()
        try:
            _write_tables(joined, temporary, client_by, buckets)
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
            temporary.rename(to)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror or error}") from None
    return to


def buckets_for(exchanges: int) -> int:
    """The default number of buckets for a number of exchanges.

    >>> buckets_for(1000), buckets_for(10_000_000)
    (16, 152)
    """
    return min(max(exchanges // BUCKET, MIN_BUCKETS), MAX_BUCKETS)


def check_target(to: Path) -> None:
    """Raise `StoreError` unless a dataset can be created at `to`; nothing is written."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise StoreError(f"{to} exists already: name a new folder, or remove it first")
    if not to.absolute().parent.is_dir():
        raise StoreError(f"{to.parent} is no folder: make it first, or name another one")
    if not os.access(to.absolute().parent, os.W_OK):
        raise StoreError(f"{to} cannot be written: {to.parent} is not writable")


def _write_tables(facts: Facts, folder: Path, client_by: Sequence[str], buckets: int) -> None:
    exchanges = facts.table(EXCHANGES.name)
    clients = client_names(exchanges, client_by)
    order = pc.sort_indices(
        pa.table(
            [clients, exchanges["request_start_us"], exchanges["exchange_id"]],
            names=["client", "start", "id"],
        ),
        sort_keys=[("client", "ascending"), ("start", "ascending"), ("id", "ascending")],
    )
    ids = exchanges["exchange_id"].take(order).combine_chunks()
    bucket_of = _buckets(clients.take(order), buckets)
    for table in FACTS:
        rows = facts.table(table.name)
        if table is CAPTURES:
            (folder / table.name).mkdir()
            pq.write_table(rows, folder / table.name / "part-0.parquet", compression="zstd")
            continue
        # A row's position among the sorted exchanges gives both its bucket and its order.
        place = pc.index_in(rows["exchange_id"], value_set=ids)
        keys = {"bucket": pc.take(bucket_of, place), "place": place}
        keys |= {name: rows[name] for name in table.key}
        by = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
        _write_buckets(rows.take(by), keys["bucket"].take(by), folder / table.name)


def _write_buckets(rows: pa.Table, bucket: pa.ChunkedArray, folder: Path) -> None:
    """A file for each run of equal buckets; one empty file for a table without rows."""
    runs = pc.run_end_encode(bucket.combine_chunks()) if len(rows) else None
    values = runs.values.to_pylist() if runs is not None else [0]
    ends = runs.run_ends.to_pylist() if runs is not None else [0]
    start = 0
    for value, end in zip(values, ends, strict=True):
        place = folder / f"bucket={value}"
        place.mkdir(parents=True)
        part = rows.slice(start, end - start)
        pq.write_table(part, place / "part-0.parquet", compression="zstd")
        start = end


def _buckets(clients: pa.ChunkedArray, buckets: int) -> pa.Array:
    """The bucket of each client, the same on every machine and in every run."""
    encoded = pc.dictionary_encode(clients).combine_chunks()
    names = encoded.dictionary.to_pylist()
    numbers = pa.array([zlib.crc32(name.encode()) % buckets for name in names], pa.int64())
    return numbers.take(encoded.indices)
