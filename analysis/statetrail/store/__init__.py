"""The store: where sightings are kept (SQLite), read (Arrow) and exported (Parquet)."""

from statetrail.store.keys import forget_key, key_path
from statetrail.store.reading import Facts, read_store
from statetrail.store.sqlite import (
    CaptureId,
    ExchangeId,
    Source,
    SqliteStore,
    Tally,
    check_store,
)

__all__ = [
    "CaptureId",
    "ExchangeId",
    "Facts",
    "Source",
    "SqliteStore",
    "Tally",
    "check_store",
    "forget_key",
    "key_path",
    "read_store",
]
