"""Export of stores as a Parquet dataset, for large analyses and for Spark.

Enters: stores. Leaves: a folder that `read_store` reads, with a manifest (``statetrail.json``) and
a folder a table. Exchanges and their values are in buckets of clients
(``bucket=7/part-0.parquet``), sorted by client and time, so that the work can be split by client.
Where the folder has a dataset already, what the stores have since is added to it, as a part of each
bucket.

A store is read as a stream and put on disk by bucket; then each bucket is sorted and written. So
memory holds a few batches, a bucket, and the bucket of each exchange.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from statetrail.errors import StoreError, UsageError
from statetrail.schema import SCHEMA_VERSION
from statetrail.schema.clients import check_client_by, default_client_by
from statetrail.store.dataset.addition import Addition, Exported
from statetrail.store.dataset.manifest import Manifest, read_manifest
from statetrail.store.dataset.partition import Report
from statetrail.store.dataset.source import FactsSource, Source, SqliteSource
from statetrail.store.dataset.staging import check_target, is_dataset, is_interrupted, staged
from statetrail.store.dataset.stamp import check_distinct
from statetrail.store.reader import Facts, check_keys, read_store

MIN_BUCKETS: Final = 16
MAX_BUCKETS: Final = 4096
BUCKET: Final = 2**16
"""Default number of exchanges in a bucket."""


def export_stores(
    paths: Sequence[Path],
    to: Path,
    client_by: Sequence[str] | None = None,
    buckets: int | None = None,
    report: Report = lambda done: None,
) -> Exported:
    """Write stores as one Parquet dataset, or add to it what they have since; all of it or nothing.

    Parameters
    ----------
    paths
        SQLite stores, or datasets where `to` is a new one; all with the same key.
    to
        The folder of the dataset, which is created unless it is there.
    client_by
        The attributes of a client, as in `open_recording`. All its rows are in one bucket.
    buckets
        Number of buckets; by default `buckets_for` the number of exchanges.
    report
        Is called with each step.

    Raises
    ------
    StoreError
        The folder has something else, cannot be written, or was made with another key or other
        options; a store is damaged, or of another key.
    UsageError
        `client_by` or `buckets` is invalid.
    """
    check_target(to)
    if to.resolve() in {path.resolve() for path in paths}:
        raise StoreError(f"{to} cannot be exported to itself: name another folder")
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("the same store was named twice")
    sources = [
        FactsSource(read_store(path)) if path.is_dir() else SqliteSource(path) for path in paths
    ]
    check_distinct(paths)
    return _export(sources, to, client_by, buckets, report)


def export_parquet(
    facts: Facts | Sequence[Facts],
    to: Path,
    client_by: Sequence[str] | None,
    buckets: int | None = None,
) -> Path:
    """Write what `read_store` gave as a new dataset; see `export_stores`."""
    check_target(to)
    stores = [facts] if isinstance(facts, Facts) else facts
    if is_dataset(to):
        raise StoreError(f"{to} exists already: name a new folder, or remove it first")
    _export([FactsSource(each) for each in stores], to, client_by, buckets, lambda done: None)
    return to


def buckets_for(exchanges: int) -> int:
    """The default number of buckets for a number of exchanges.

    >>> buckets_for(1000), buckets_for(10_000_000)
    (16, 152)
    """
    return min(max(exchanges // BUCKET, MIN_BUCKETS), MAX_BUCKETS)


def _export(
    sources: Sequence[Source],
    to: Path,
    client_by: Sequence[str] | None,
    buckets: int | None,
    report: Report,
) -> Exported:
    if buckets is not None and not 1 <= buckets <= MAX_BUCKETS:
        raise UsageError(f"{buckets} buckets make no sense: 1 to {MAX_BUCKETS}")
    if client_by is not None:
        check_client_by(client_by)
    check_keys([source.key_id for source in sources])
    if is_dataset(to) and not is_interrupted(to):
        base = read_manifest(to)
        _check_same(to, base, sources, client_by, buckets)
        if _is_unchanged(base, sources):
            return Exported(base.exchanges or 0)
    try:
        with staged(to) as staging:
            if is_dataset(to):
                base = read_manifest(to)
                _check_same(to, base, sources, client_by, buckets)
                if _is_unchanged(base, sources):
                    return Exported(base.exchanges or 0)
            else:
                base = _empty_dataset(sources, client_by, buckets)
            return Addition(staging, base, report).add(sources)
    except (pa.ArrowException, duckdb.Error) as error:
        reason = str(error).partition("\n")[0][:200]
        raise StoreError(f"{to} cannot be written ({reason})") from None


def _check_same(
    to: Path,
    base: Manifest,
    sources: Sequence[Source],
    client_by: Sequence[str] | None,
    buckets: int | None,
) -> None:
    """Raise `StoreError` unless these stores can be added to a dataset."""
    if (mismatch := _mismatch(to, base, sources, client_by, buckets)) is not None:
        raise StoreError(mismatch, page="datasets")


def _mismatch(
    to: Path,
    base: Manifest,
    sources: Sequence[Source],
    client_by: Sequence[str] | None,
    buckets: int | None,
) -> str | None:
    """Why these stores cannot be added to a dataset, and what to do."""
    new = "export into a new folder"
    if base.schema_version != SCHEMA_VERSION:
        return (
            f"{to} has version {base.schema_version}, and what is added would have "
            f"{SCHEMA_VERSION}: {new}"
        )
    if base.files is None or base.buckets is None:
        return f"{to} was exported by an earlier release, which lists no files: {new}"
    for source in sources:
        if source.key_id != base.key_id:
            return (
                f"{to} was made with another key than {source.path}, so pseudonyms of the two "
                f"cannot be compared: {new}"
            )
        if source.id is None:
            return (
                f"{source.path} is a dataset, of which nothing can be added to {to}: add its "
                f"stores, or {new}"
            )
    if client_by is not None and set(client_by) != set(base.client_by):
        return (
            f"{to} has the rows of a client together by {','.join(base.client_by)}, not by "
            f"{','.join(client_by)}: leave out --client-by, or {new}"
        )
    if buckets not in (None, base.buckets):
        return f"{to} has {base.buckets} buckets: leave out --buckets, or {new}"
    return None


def _is_unchanged(base: Manifest, sources: Sequence[Source]) -> bool:
    """Whether the files of all stores are as they were when they were exported."""
    stamps = {entry.id: entry.stamp for entry in base.stores}
    return all(s.id and s.stamp and stamps.get(s.id) == s.stamp for s in sources)


def _empty_dataset(
    sources: Sequence[Source], client_by: Sequence[str] | None, buckets: int | None
) -> Manifest:
    """The manifest of a dataset without rows."""
    found = [
        source.read(lambda contents: (contents.count(), contents.holds_imported()))
        for source in sources
    ]
    exchanges = sum(count for count, _ in found)
    if client_by is None:
        client_by = default_client_by(imported=any(imported for _, imported in found))
    return Manifest(
        schema_version=SCHEMA_VERSION,
        key_id=sources[0].key_id,
        client_by=tuple(client_by),
        buckets=buckets_for(exchanges) if buckets is None else buckets,
        exchanges=0,
        next_number=0,
        files={},
    )
