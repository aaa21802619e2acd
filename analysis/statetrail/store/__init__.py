"""The store of facts: written as SQLite, read as Arrow, exported as Parquet."""

from typing import TYPE_CHECKING

from statetrail.store.file_header import check_store
from statetrail.store.journal import Journal, JournalEntry
from statetrail.store.keys import forget_key, key_path
from statetrail.store.rotation import StoreName, parse_size
from statetrail.store.rows import ExchangeId
from statetrail.store.sqlite import (
    CaptureCounts,
    CaptureId,
    Durability,
    Source,
    SqliteStore,
    WriteError,
)

if TYPE_CHECKING:
    from statetrail.store.parquet import export_parquet
    from statetrail.store.reader import Facts, join_facts, read_store

__all__ = [
    "CaptureCounts",
    "CaptureId",
    "Durability",
    "ExchangeId",
    "Facts",
    "Journal",
    "JournalEntry",
    "Source",
    "SqliteStore",
    "StoreName",
    "WriteError",
    "check_store",
    "export_parquet",
    "forget_key",
    "join_facts",
    "key_path",
    "parse_size",
    "read_store",
]


def __getattr__(name: str) -> object:
    # The recorder only writes: it does without Arrow.
    if name in ("Facts", "join_facts", "read_store"):
        from statetrail.store import reader

        return getattr(reader, name)
    if name == "export_parquet":
        from statetrail.store import parquet

        return parquet.export_parquet
    raise AttributeError(name)
