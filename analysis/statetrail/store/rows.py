"""An exchange as rows: the statements that add it to a store, and replace it there.

Enters: a `Sighted`. Leaves: rows of the fact tables, within the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final, NewType

from msgspec.structs import astuple

from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TRACES
from statetrail.sightings import Sighted

ExchangeId = NewType("ExchangeId", int)


def _insert(table: str, names: Iterable[str], suffix: str = "") -> str:
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){suffix}"  # noqa: S608


_ADD_EXCHANGE: Final = _insert("exchanges", EXCHANGES.names[1:], " ON CONFLICT DO NOTHING")
_ADD_ISSUED: Final = _insert("issued", ISSUED.names)
_ADD_PRESENTED: Final = _insert("presented", PRESENTED.names)
_ADD_TRACE: Final = _insert("traces", TRACES.names)
_CHANGE_EXCHANGE: Final = (
    f"UPDATE OR IGNORE exchanges SET {', '.join(f'{name} = ?' for name in EXCHANGES.names[1:])} "  # noqa: S608
    "WHERE exchange_id = ?"
)
_REMOVE: Final = tuple(
    f"DELETE FROM {table} WHERE exchange_id = ?"  # noqa: S608
    for table in ("issued", "presented", "traces")
)


def add(cursor: sqlite3.Cursor, sighted: Sighted) -> ExchangeId | None:
    """Add an exchange; `None` if it is there already."""
    cursor.execute(_ADD_EXCHANGE, astuple(sighted.exchange))
    if cursor.rowcount == 0:
        return None
    exchange_id = cursor.lastrowid
    assert exchange_id is not None
    _add_sightings(cursor, exchange_id, sighted)
    return ExchangeId(exchange_id)


def replace(cursor: sqlite3.Cursor, exchange_id: ExchangeId, sighted: Sighted) -> None:
    """Let a stored exchange say what `sighted` says; nothing happens if it is gone."""
    cursor.execute(_CHANGE_EXCHANGE, (*astuple(sighted.exchange), exchange_id))
    if cursor.rowcount == 0:
        return
    for statement in _REMOVE:
        cursor.execute(statement, (exchange_id,))
    _add_sightings(cursor, exchange_id, sighted)


def _add_sightings(cursor: sqlite3.Cursor, exchange_id: int, sighted: Sighted) -> None:
    for statement, found in (
        (_ADD_ISSUED, sighted.issued),
        (_ADD_PRESENTED, sighted.presented),
        (_ADD_TRACE, sighted.traces),
    ):
        if found:
            rows = [(exchange_id, at, *astuple(one)) for at, one in enumerate(found)]
            cursor.executemany(statement, rows)
