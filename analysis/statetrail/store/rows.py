"""An exchange as rows: the statements that add it to a store, and replace it there.

Enters: a `Sighted`. Leaves: rows of the fact tables, within the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NewType

from msgspec.structs import astuple

from statetrail.schema import EXCHANGES, TABLES
from statetrail.sightings import Sighted

ExchangeId = NewType("ExchangeId", int)


def _insert(table: str, names: Iterable[str], suffix: str = "") -> str:
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){suffix}"  # noqa: S608


_ADD_EXCHANGE: Final = _insert("exchanges", EXCHANGES.names[1:], " ON CONFLICT DO NOTHING")


@lru_cache(3 * 64)
def _add_many(name: str, count: int) -> str:
    """The statement that adds that many rows to a table at once."""
    names = TABLES[name].names
    return _insert(name, names) + f", ({', '.join(['?'] * len(names))})" * (count - 1)


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
    cursor = db.execute(_ADD_EXCHANGE, astuple(sighted.exchange))
    if cursor.rowcount == 0:
        return None
    exchange_id = cursor.lastrowid
    assert exchange_id is not None
    _add_sightings(db, exchange_id, sighted)
    return ExchangeId(exchange_id)


def replace(db: sqlite3.Connection, exchange_id: ExchangeId, sighted: Sighted) -> None:
    """Let a stored exchange say what `sighted` says; nothing happens if it is gone."""
    values = (*astuple(sighted.exchange), exchange_id)
    if db.execute(_CHANGE_EXCHANGE, values).rowcount == 0:
        return
    for statement in _REMOVE:
        db.execute(statement, (exchange_id,))
    _add_sightings(db, exchange_id, sighted)


def _add_sightings(db: sqlite3.Connection, exchange_id: int, sighted: Sighted) -> None:
    values: list[object]
    if issued := sighted.issued:
        values = []
        for at, one in enumerate(issued):
            values += (
                exchange_id, at, one.dialect, one.param, *astuple(one.seen), one.usage,
                one.priority, one.channel, one.problem, one.length, one.alphabet,
            )  # fmt: skip
        db.execute(_add_many("issued", len(issued)), values)
    if presented := sighted.presented:
        values = []
        for at, shown in enumerate(presented):
            values += (
                exchange_id, at, shown.dialect, shown.param, *astuple(shown.seen), shown.channel,
                shown.kind,
            )  # fmt: skip
        db.execute(_add_many("presented", len(presented)), values)
    if traces := sighted.traces:
        values = []
        for at, trace in enumerate(traces):
            values += (exchange_id, at, trace.place, trace.fingerprint)
        db.execute(_add_many("traces", len(traces)), values)
