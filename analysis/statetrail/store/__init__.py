"""The store: where sightings are kept (SQLite), read (Arrow) and exported (Parquet)."""

from typing import TYPE_CHECKING

from statetrail.store.journal import Entry, Journal
from statetrail.store.keys import forget_key, key_path
from statetrail.store.rotation import StoreName, parse_size
from statetrail.store.sqlite import (
    CaptureId,
    Durability,
    ExchangeId,
    Source,
    SqliteStore,
    Tally,
    WriteError,
    check_store,
)

if TYPE_CHECKING:
    from statetrail.store.parquet import export_parquet
    from statetrail.store.reader import Facts, join_facts, read_store

__all__ = [
    "CaptureId",
    "Durability",
    "Entry",
    "ExchangeId",
    "Facts",
    "Journal",
    "Source",
    "SqliteStore",
    "StoreName",
    "Tally",
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
    # The recorder writes and never reads: it need not load Arrow.
    if name in ("Facts", "join_facts", "read_store"):
        from statetrail.store import reader

        return getattr(reader, name)
    if name == "export_parquet":
        from statetrail.store import parquet

        return parquet.export_parquet
    raise AttributeError(name)
