"""Exchanges as rows: the statements that add them to a store, and replace them there.

Enters: `ExchangeFacts`. Leaves: rows of the fact tables, within the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NewType

import apsw
from msgspec.structs import astuple

from statetrail.extract import ExchangeFacts
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES, Table

ExchangeId = NewType("ExchangeId", int)

MAX_ROWS: Final = 16
"""Rows that one statement adds: a statement a row takes half as long again."""

_SINCE: Final = (
    "SELECT exchange_id, request_start_us, flow_id FROM exchanges WHERE exchange_id >= ?"
)
_CHANGE_EXCHANGE: Final = (
    f"UPDATE OR IGNORE exchanges SET {', '.join(f'{name} = ?' for name in EXCHANGES.names[1:])} "  # noqa: S608
    "WHERE exchange_id = ?"
)
_REMOVE: Final = tuple(
    f"DELETE FROM {table} WHERE exchange_id = ?"  # noqa: S608
    for table in ("issued", "presented", "token_candidates")
)


type _Value = int | str | None


def add(cursor: apsw.Cursor, batch: Sequence[ExchangeFacts]) -> list[ExchangeId | None]:
    """Add exchanges; the ids that they have got, `None` for one that is there already."""
    before = cursor.connection.total_changes()
    exchanges: list[_Value] = []
    for facts in batch:
        exchanges.append(None)  # SQLite gives each the id after the last
        exchanges += astuple(facts.exchange)
    _insert(cursor, EXCHANGES, exchanges)
    new = cursor.connection.total_changes() - before
    if not new:
        return [None] * len(batch)
    end = cursor.connection.last_insert_rowid() + 1
    ids: list[ExchangeId | None] = list(map(ExchangeId, range(end - new, end)))
    if new < len(batch):
        found = {tuple(once): ExchangeId(at) for at, *once in cursor.execute(_SINCE, (end - new,))}
        # Of two in the batch the first was added.
        ids = [found.pop((s.exchange.request_start_us, s.exchange.flow_id), None) for s in batch]
    _add_values(cursor, ((at, s) for at, s in zip(ids, batch, strict=True) if at is not None))
    return ids


def replace(cursor: apsw.Cursor, exchange_id: ExchangeId, facts: ExchangeFacts) -> None:
    """Let a stored exchange say what `sighted` says; nothing happens if it is gone."""
    cursor.execute(_CHANGE_EXCHANGE, (*astuple(facts.exchange), exchange_id))
    if cursor.connection.changes() == 0:
        return
    for statement in _REMOVE:
        cursor.execute(statement, (exchange_id,))
    _add_values(cursor, [(exchange_id, facts)])


def _add_values(cursor: apsw.Cursor, batch: Iterable[tuple[int, ExchangeFacts]]) -> None:
    issued: list[_Value] = []
    presented: list[_Value] = []
    candidates: list[_Value] = []
    for exchange_id, facts in batch:
        for values, found in (
            (issued, facts.issued),
            (presented, facts.presented),
            (candidates, facts.token_candidates),
        ):
            for ordinal, one in enumerate(found):
                values += (exchange_id, ordinal)
                values += astuple(one)
    for table, values in ((ISSUED, issued), (PRESENTED, presented), (TOKEN_CANDIDATES, candidates)):
        if values:
            _insert(cursor, table, values)


def _insert(cursor: apsw.Cursor, table: Table, values: list[_Value]) -> None:
    """Add rows of whole columns, given one after the other."""
    width = len(table.columns)
    for at in range(0, len(values), MAX_ROWS * width):
        some = values[at : at + MAX_ROWS * width]
        cursor.execute(_statement(table.name, len(some) // width), some)


@cache
def _statement(table: str, rows: int) -> str:
    """The statement that adds that many rows of whole columns to a table."""
    names = next(
        t.names for t in (EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES) if t.name == table
    )
    one = f"({', '.join('?' * len(names))})"
    # An exchange that is there already stays as it is, and is no error.
    suffix = " ON CONFLICT DO NOTHING" if table == EXCHANGES.name else ""
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([one] * rows)}{suffix}"  # noqa: S608
