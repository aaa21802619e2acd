"""The store of facts: written as SQLite, read as Arrow, exported as Parquet.

The recorder only writes: it does without Arrow, which `reader` and `parquet` import.
"""

from statetrail.store.file_header import check_store
from statetrail.store.keys import forget_key, key_path
from statetrail.store.live.entry import JournalEntry
from statetrail.store.live.journal import Journal
from statetrail.store.opening import Durability, check_target
from statetrail.store.rotation import StoreName, parse_size
from statetrail.store.rows import ExchangeId, StoredExchange
from statetrail.store.sqlite import (
    CaptureCounts,
    CaptureId,
    Source,
    SqliteStore,
    WriteError,
)

__all__ = [
    "CaptureCounts", "CaptureId", "Durability", "ExchangeId", "Journal", "JournalEntry", "Source",
    "SqliteStore", "StoreName", "StoredExchange", "WriteError", "check_store", "check_target",
    "forget_key", "key_path", "parse_size",
]  # fmt: skip
