"""Opening a store for writing: what may be at its path, its key, its tables.

Enters: a path, perhaps a key file. Leaves: a connection whose tables are today's; or a
`StoreError`, and nothing is made.
"""

import os
import secrets
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

import apsw

from statetrail.errors import StoreError
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail.store.connection import PAGE, connect
from statetrail.store.file_header import (
    APPLICATION_ID,
    check_store,
    is_blank,
    key_id_in,
    stored_key_id,
)
from statetrail.store.keys import keep_key, key_id, key_path, new_key, read_key

type Durability = Literal["normal", "full"]

_META: Final = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
_UNIQUE: Final = (
    # By time first: exchanges that are added together are then on the same pages.
    "CREATE UNIQUE INDEX IF NOT EXISTS exchange_once ON exchanges (request_start_us, flow_id)"
)


def check_target(path: Path, given: Path | None = None) -> bool:
    """Whether a store at `path` would be new; nothing is made.

    Raises `StoreError` if the path cannot be used, or its key is missing or another one than in the
    key file `given`.
    """
    if os.path.isdir(path):
        raise StoreError(f"{path} is a folder: a store is one file, e.g. {path / 'x.sqlite'}")
    if not os.path.isdir(path.parent):
        raise StoreError(f"{path.parent} is no folder: make it first, or name another store")
    if os.path.exists(f"{path}-journal"):
        _roll_back(path)
    is_new = not os.path.exists(path) or is_blank(path)
    if not is_new:
        check_store(path)
        stored_secret(path, given)
    elif given is not None:
        secret, beside = read_key(given), key_path(path)
        if os.path.exists(beside) and read_key(beside) != secret:
            raise StoreError(
                f"{beside} is another key than {given}: move it, or name a new store",
                page="recorder",
            )
    return is_new


def _roll_back(path: Path) -> None:
    """Undo a making that was interrupted; who only reads cannot."""
    with suppress(apsw.Error), closing(connect(path, "write")) as db:
        db.execute("SELECT 1 FROM sqlite_schema").fetchone()


def new_secret(path: Path, given: Path | None, *, keep: bool) -> bytes:
    """The key of a new store; with `keep` it is written beside it."""
    wanted, beside = read_key(given) if given else None, key_path(path)
    if not keep and not os.path.exists(beside):
        return wanted or new_key()
    secret = keep_key(beside, wanted or new_key())
    if wanted not in (None, secret):
        raise StoreError(
            f"{beside} is another key than {given}: move it, or name a new store", page="recorder"
        )
    return secret


def stored_secret(path: Path, given: Path | None) -> bytes:
    """The key of a store that exists."""
    beside = key_path(path)
    if given is None and not os.path.exists(beside):
        raise StoreError(
            f"the key of {path} ({beside.name}) is missing, so its pseudonyms cannot be continued: "
            "put the key back, or name a new store",
            page="recorder",
        )
    secret = read_key(given or beside)
    if key_id(secret) != stored_key_id(path):
        raise StoreError(
            f"{given or beside} is not the key that {path} was made with", page="recorder"
        )
    return secret


def open_prepared(
    path: Path, secret: bytes, busy_s: float, durability: Durability
) -> apsw.Connection:
    """Open or create the store of a key. Raises `StoreError`."""
    try:
        db = connect(path, "make", busy_s=busy_s)
        try:
            _prepare(db, path, secret)
            db.execute(f"PRAGMA synchronous = {durability.upper()}")
        except BaseException:
            db.close()
            raise
    except apsw.Error as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    return db


def _prepare(db: apsw.Connection, path: Path, secret: bytes) -> None:
    """Create the tables if there are none, else check the key and bring the tables up to date.

    In one transaction, since another process may be creating the same store.
    """
    # Each commit writes a page of every table that it adds to, so pages are small.
    db.execute(f"PRAGMA page_size = {PAGE}")
    # A journal of the making that comes back after a power loss would undo it.
    db.execute("PRAGMA synchronous = EXTRA")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
        for table in FACTS:
            db.execute(table.ddl())
        db.execute(_META)
        db.execute(_UNIQUE)
        ids = (key_id(secret), secrets.token_hex(8))
        db.execute("INSERT INTO meta VALUES ('key_id', ?), ('store_id', ?)", ids)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif key_id_in(db, path) != key_id(secret):
        raise StoreError(f"{path} was made with another key", page="recorder")
    else:
        _migrate(db)
    db.execute("COMMIT")


def _migrate(db: apsw.Connection) -> None:
    """Rename the tables and columns of an earlier version, and add the columns that are new."""
    version = db.execute("PRAGMA user_version").get
    if version == SCHEMA_VERSION:
        return
    for table in FACTS:
        if (old := table.named(version)) != table.name:
            db.execute(f"ALTER TABLE {old} RENAME TO {table.name}")
        for column in table.columns:
            if (old := column.named(version)) != column.name:
                db.execute(f"ALTER TABLE {table.name} RENAME COLUMN {old} TO {column.name}")
        for column in table.since(version):
            db.execute(f"ALTER TABLE {table.name} ADD COLUMN {column.sqlite}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
