"""A store, its key, the dialects that match what is in it, and the disk below it."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from statetrail.dialects import Dialect
from statetrail.doctor.check import Check, ok, warning, wrong
from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES, SCHEMA_VERSION
from statetrail.store.file_header import check_store, read_only, stored_key_id
from statetrail.store.keys import key_id, key_path, read_key
from statetrail.store.running import is_recorded, spills

_LOW_BYTES: Final = 1_000_000_000
_USUAL_BYTES: Final = 4096
"""What an exchange takes, where a store does not tell."""
_AHEAD_S: Final = 2


def check_stores(store: Path, key: Path | None, dialects: Sequence[Dialect]) -> Iterator[Check]:
    """Everything about a store; one that is not there yet is no fault."""
    if not store.exists():
        yield ok("store", f"{store} is not there yet: the recorder makes it")
        yield _disk(store, _USUAL_BYTES)
        return
    try:
        check_store(store, whole=True)
        counts, newest_us, version = _contents(store)
    except StoreError as error:
        yield wrong("store", str(error), getattr(error, "page", ""))
        return
    yield _store(store, sum(counts.values()), version)
    yield _key(store, key)
    yield _dialects(counts, dialects)
    exchanges = sum(counts.values())
    yield _disk(store, store.stat().st_size // exchanges if exchanges else _USUAL_BYTES)
    if newest_us is not None and (ahead := newest_us / 1e6 - time.time()) > _AHEAD_S:
        yield warning(
            "times", f"the store's newest exchange is {ahead:.0f} s in the future: set the clock"
        )


def _contents(store: Path) -> tuple[Counter[str], int | None, int]:
    """The exchanges by the dialects that matched them, the start of the newest, the version."""
    with read_only(store) as db:
        version: int = db.execute("PRAGMA user_version").get
        name = EXCHANGES.named(version)
        columns = {column.name: column.named(version) for column in EXCHANGES.columns}
        rows = db.execute(
            f"SELECT {columns['dialects']}, count(*) FROM {name} GROUP BY 1"  # noqa: S608
        ).fetchall()
        newest: int | None = db.execute(
            f"SELECT max({columns['request_start_us']}) FROM {name}"  # noqa: S608
        ).get
    counts: dict[str, int] = dict(rows)  # type: ignore[arg-type]
    return Counter(counts), newest, version


def _store(store: Path, exchanges: int, version: int) -> Check:
    left = {capture: path for capture, path in spills(store).items() if path.stat().st_size}
    if waiting := [path.name for capture, path in left.items() if not is_recorded(store, capture)]:
        return warning(
            "store",
            f"{store}: exchanges of a recorder that could not write wait in {', '.join(waiting)}; "
            "the next start of the recorder takes them in",
        )
    if version < SCHEMA_VERSION:
        return ok(
            "store",
            f"{store}: {exchanges:,} exchanges, sound, of version {version}; recording brings it "
            f"to version {SCHEMA_VERSION}",
        )
    return ok("store", f"{store}: {exchanges:,} exchanges, sound, of version {version}")


def _key(store: Path, key: Path | None) -> Check:
    path = key or key_path(store)
    if not path.exists():
        return warning(
            "key",
            f"{path} is not there: the store can be read, but nothing can be added to it or "
            "searched for",
            page="recorder",
        )
    try:
        fits = key_id(read_key(path)) == stored_key_id(store)
    except StoreError as error:
        return wrong("key", str(error), page="recorder")
    if not fits:
        return wrong(
            "key", f"{path} is another store's key: name the right one with --key", page="recorder"
        )
    return ok("key", f"{path} is the store's, and nobody else can read it")


def _dialects(counts: Counter[str], dialects: Sequence[Dialect]) -> Check:
    known = {dialect.name for dialect in dialects}
    found = Counter[str]()
    matched = 0
    for names, count in counts.items():
        own = known.intersection(names.split(","))
        matched += count if own else 0
        found.update(dict.fromkeys(own, count))
    exchanges = sum(counts.values())
    if not exchanges:
        return warning("dialects", "nothing is recorded yet")
    if not matched:
        return warning(
            "dialects",
            f"none of {exchanges:,} exchanges matches one of {', '.join(sorted(known))}: try "
            "statetrail suggest on a capture",
            page="suggest",
        )
    each = ", ".join(f"{name} {count:,}" for name, count in found.most_common(6))
    return ok("dialects", f"{matched:,} of {exchanges:,} exchanges match: {each}")


def _disk(store: Path, exchange_bytes: int) -> Check:
    folder = next(each for each in store.absolute().parents if each.is_dir())
    if not all(os.access(each, os.W_OK) for each in (folder, store) if each.exists()):
        return wrong("disk", f"{store} cannot be written: the recorder cannot record into it")
    free = shutil.disk_usage(folder).free
    room = free // max(exchange_bytes, 1)
    says = f"{free / 1e9:,.1f} GB are free at {folder}, for some {room:,} exchanges"
    return ok("disk", says) if free > _LOW_BYTES else warning("disk", says)
