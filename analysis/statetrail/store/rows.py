"""An exchange as rows: the statements that add it to a store, and replace it there.

Enters: a `Sighted`. Leaves: rows of the fact tables, within the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NewType

from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TRACES
from statetrail.sightings import Seen, Sighted

ExchangeId = NewType("ExchangeId", int)


def _insert(table: str, names: Iterable[str], suffix: str = "") -> str:
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){suffix}"  # noqa: S608


def _values(names: Iterable[str]) -> "attrgetter[tuple[object, ...]]":
    """The values of a sighting's columns, in order."""
    seen = Seen.__slots__
    return attrgetter(*(f"seen.{name}" if name in seen else name for name in names))


_ADD_EXCHANGE: Final = _insert("exchanges", EXCHANGES.names[1:], " ON CONFLICT DO NOTHING")
_ADD_ISSUED: Final = _insert("issued", ISSUED.names)
_ADD_PRESENTED: Final = _insert("presented", PRESENTED.names)
_ADD_TRACE: Final = _insert("traces", TRACES.names)
_EXCHANGE_VALUES: Final = attrgetter(*EXCHANGES.names[1:])
_ISSUED_VALUES: Final = _values(ISSUED.names[2:])
_PRESENTED_VALUES: Final = _values(PRESENTED.names[2:])
_TRACE_VALUES: Final = attrgetter(*TRACES.names[2:])
_CHANGE_EXCHANGE: Final = (
    f"UPDATE OR IGNORE exchanges SET {', '.join(f'{name} = ?' for name in EXCHANGES.names[1:])} "  # noqa: S608
    "WHERE exchange_id = ?"
)
_REMOVE: Final = tuple(
    f"DELETE FROM {table} WHERE exchange_id = ?"  # noqa: S608
    for table in ("issued", "presented", "traces")
)


def add(db: sqlite3.Connection, sighted: Sighted) -> ExchangeId | None:
    """Add an exchange; `None` if it is there already."""
    cursor = db.execute(_ADD_EXCHANGE, _EXCHANGE_VALUES(sighted.exchange))
    if cursor.rowcount == 0:
        return None
    exchange_id = cursor.lastrowid
    assert exchange_id is not None
    _add_sightings(db, exchange_id, sighted)
    return ExchangeId(exchange_id)


def replace(db: sqlite3.Connection, exchange_id: ExchangeId, sighted: Sighted) -> None:
    """Let a stored exchange say what `sighted` says; nothing happens if it is gone."""
    values = (*_EXCHANGE_VALUES(sighted.exchange), exchange_id)
    if db.execute(_CHANGE_EXCHANGE, values).rowcount == 0:
        return
    for statement in _REMOVE:
        db.execute(statement, (exchange_id,))
    _add_sightings(db, exchange_id, sighted)


def _add_sightings(db: sqlite3.Connection, exchange_id: int, sighted: Sighted) -> None:
    for at, one in enumerate(sighted.issued):
        db.execute(_ADD_ISSUED, (exchange_id, at, *_ISSUED_VALUES(one)))
    for at, shown in enumerate(sighted.presented):
        db.execute(_ADD_PRESENTED, (exchange_id, at, *_PRESENTED_VALUES(shown)))
    for at, trace in enumerate(sighted.traces):
        db.execute(_ADD_TRACE, (exchange_id, at, *_TRACE_VALUES(trace)))
