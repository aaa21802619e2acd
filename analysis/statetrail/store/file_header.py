"""The header of a store's file: whether it is a store, of which version, made with which key.

Enters: a path, which is only read. Leaves: the id of the key, or a `StoreError`.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import StoreError
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail.store.connection import READ_S, connect, is_open_here

APPLICATION_ID: Final = 0x5354_5452
"""SQLite application id (``STTR``) of a statetrail store."""

_HEADER: Final = b"SQLite format 3\0"


def is_checkpointed(path: Path) -> bool:
    """Whether a store is complete in its file: there is no write-ahead log beside it.

    Such a store is read without locks, also in a read-only folder, and nothing is left beside it;
    with a log SQLite needs the shared-memory file beside it.
    """
    log = f"{path}-wal"
    return not os.path.exists(log) or os.path.getsize(log) == 0


def check_store(path: Path, *, whole: bool = False) -> None:
    """Raise `StoreError` unless there is a statetrail store at `path` that can be read.

    The file is neither created nor changed. With `whole` all of it is checked: that its pages are
    those of a database, and its values of the types that its tables say.
    """
    with read_only(path) as db:
        application = db.execute("PRAGMA application_id").get
        version = db.execute("PRAGMA user_version").get
        tables = db.execute("SELECT name, type, strict FROM pragma_table_list").fetchall()
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is no statetrail store (another program's database)")
    check_version(path, version)
    names = {"meta", *(table.named(version) for table in FACTS)}
    for name, kind, is_strict in tables:
        if name in names and (kind != "table" or not is_strict):
            raise StoreError(f"{path} is a damaged store ({name} is no table of statetrail)")
    if whole:
        with read_only(path) as db:
            found = str(db.execute("PRAGMA quick_check(1)").get)
        if found != "ok":
            raise StoreError(f"{path} is a damaged store ({_first_line(found)})")


def stored_key_id(path: Path) -> str:
    """The id of the key of a store's fingerprints."""
    with read_only(path) as db:
        return key_id_in(db, path)


def _first_line(found: str) -> str:
    """What a check of the file found, without a heading."""
    return found.removeprefix("*** in database main ***\n").partition("\n")[0][:200]


@contextmanager
def read_only(path: Path) -> Iterator[apsw.Connection]:
    """A connection to an existing SQLite file that changes nothing."""
    if not os.path.exists(path):
        raise StoreError(f"there is no store at {path}", page="quickstart")
    if not os.path.isfile(path):
        raise StoreError(f"{path} is no statetrail store (no regular file)")
    if not is_open_here(path):
        _check_header(path)
    try:
        with closing(connect(path, "read", immutable=is_checkpointed(path))) as db:
            yield db
    except UnicodeDecodeError:  # its message quotes the text
        raise StoreError(f"{path} is a damaged store (text that is not UTF-8)") from None
    except apsw.InterruptError:
        raise StoreError(
            f"{path} takes longer than {READ_S:.0f} s to read: is it a store?"
        ) from None
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{path} is damaged or cannot be read ({error})") from None


def _check_header(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            header = file.read(len(_HEADER))
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror})") from None
    if header != _HEADER:
        what = "no SQLite database" if header else "an empty file"
        raise StoreError(f"{path} is no statetrail store ({what})")


def is_blank(path: Path) -> bool:
    """Whether the file is an empty file or database, e.g. of a creation that was interrupted."""
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return True
    with read_only(path) as db:
        ids = [db.execute(f"PRAGMA {n}").get for n in ("application_id", "user_version")]
        return not any(ids) and db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def check_version(path: Path, version: object) -> None:
    """Raise `StoreError` unless a store of that version can be read."""
    if version not in range(1, SCHEMA_VERSION + 1):
        raise StoreError(
            f"{path} has store version {version}, this statetrail reads 1 to {SCHEMA_VERSION}: "
            "use the release that wrote it",
            page="tables",
        )


def key_id_in(db: apsw.Connection, path: Path) -> str:
    """The id of the key of an open store."""
    with suppress(apsw.Error):
        if (value := db.execute("SELECT value FROM meta WHERE key = 'key_id'").get) is not None:
            return str(value)
    raise StoreError(f"{path} is a damaged store (no key id)")
