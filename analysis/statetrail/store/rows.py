"""Exchanges as rows: the statements that add them to a store and replace them.

Enters: `ExchangeFacts`. Leaves: rows of the fact tables, within the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple, NewType

import apsw
from msgspec.structs import astuple

from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.records import PLACEHOLDER
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES, Table

ExchangeId = NewType("ExchangeId", int)

MAX_ROWS: Final = 16
"""Rows a statement: one statement for each row takes 1.5 times as long."""

_SINCE: Final = (
    "SELECT exchange_id, request_start_us, flow_id FROM exchanges WHERE exchange_id >= ?"
)
_CHANGE_EXCHANGE: Final = (
    f"UPDATE OR IGNORE exchanges SET {', '.join(f'{name} = ?' for name in EXCHANGES.names[2:])} "  # noqa: S608
    "WHERE exchange_id = ?"
)
_FOUND: Final = (
    "SELECT exchange_id, capture_id, request_start_us, status, error, response_start_us, "
    "response_end_us, source, has_cookies, notes, user_agent FROM exchanges "
    "WHERE request_start_us BETWEEN ? AND ? AND flow_id = ? ORDER BY request_start_us LIMIT 1"
)
_VALUES: Final = (
    "SELECT 'issued', dialect, param, fingerprint FROM issued WHERE exchange_id = ?1 UNION "
    "SELECT 'presented', dialect, param, fingerprint FROM presented "
    "WHERE exchange_id = ?1 AND kind <> ?2"
)
_REMOVE: Final = tuple(
    f"DELETE FROM {table} WHERE exchange_id = ?"  # noqa: S608
    for table in ("issued", "presented", "token_candidates")
)


type _Value = int | str | None
type Fingerprints = dict[tuple[str, str, str], set[int]]
"""By table (``issued`` or ``presented``), dialect and parameter."""


def add(
    cursor: apsw.Cursor, batch: Sequence[ExchangeFacts], capture: int | None
) -> list[ExchangeId | None]:
    """Add exchanges of a capture. Returns their new ids, `None` for one that is already stored."""
    before = cursor.connection.total_changes()
    exchanges: list[_Value] = []
    for facts in batch:
        exchanges += (None, capture)  # SQLite assigns the next id
        exchanges += astuple(facts.exchange)
    _insert(cursor, EXCHANGES, exchanges)
    new = cursor.connection.total_changes() - before
    if not new:
        return [None] * len(batch)
    end = cursor.connection.last_insert_rowid() + 1
    ids: list[ExchangeId | None] = list(map(ExchangeId, range(end - new, end)))
    if new < len(batch):
        added = {tuple(key): ExchangeId(id_) for id_, *key in cursor.execute(_SINCE, (end - new,))}
        # Of two equal ones in the batch the first was added.
        ids = [added.pop((f.exchange.request_start_us, f.exchange.flow_id), None) for f in batch]
    _add_values(cursor, ((id_, f) for id_, f in zip(ids, batch, strict=True) if id_ is not None))
    return ids


class StoredExchange(NamedTuple):
    """What tells whether a stored exchange is one that is found again."""

    exchange_id: ExchangeId
    capture_id: int | None
    request_start_us: int
    status: int | None
    error: str | None
    response_start_us: int | None
    response_end_us: int | None
    source: str | None
    has_cookies: int | None
    notes: str
    user_agent: str | None

    @property
    def is_complete(self) -> bool:
        """Whether it has its whole response."""
        return self.status is not None and self.error is None

    @property
    def answer(self) -> tuple[int | None, ...]:
        """How and when it was answered."""
        return self.status, self.response_start_us, self.response_end_us


def find(
    cursor: apsw.Cursor, start_us: int, flow_id: str, reach_us: int = 0
) -> StoredExchange | None:
    """The first exchange of that flow id that started then, or up to so much later."""
    row = cursor.execute(_FOUND, (start_us, start_us + reach_us, flow_id)).fetchone()
    return None if row is None else StoredExchange._make(row)


def values_of(cursor: apsw.Cursor, exchange_id: int) -> Fingerprints:
    """The fingerprints of the values of a stored exchange."""
    found: Fingerprints = {}
    for table, dialect, param, fingerprint in cursor.execute(_VALUES, (exchange_id, PLACEHOLDER)):
        found.setdefault((table, dialect, param), set()).add(fingerprint)
    return found


def replace(cursor: apsw.Cursor, exchange_id: ExchangeId, facts: ExchangeFacts) -> None:
    """Replace the facts of a stored exchange; nothing happens if it was removed.

    Other values come with another row of the exchange: exports compare only that
    (`statetrail.store.dataset.changes`).
    """
    cursor.execute(_CHANGE_EXCHANGE, (*astuple(facts.exchange), exchange_id))
    if cursor.connection.changes() == 0:
        return
    for statement in _REMOVE:
        cursor.execute(statement, (exchange_id,))
    _add_values(cursor, [(exchange_id, facts)])


def _add_values(cursor: apsw.Cursor, batch: Iterable[tuple[int, ExchangeFacts]]) -> None:
    """Add the values of exchanges whose facts the caller holds."""
    issued: list[_Value] = []
    presented: list[_Value] = []
    candidates: list[_Value] = []
    # Exchanges with the same state share its records, which stay alive as long as their facts.
    known: dict[int, list[tuple[_Value, ...]]] = {}
    for exchange_id, facts in batch:
        for values, records in (
            (issued, facts.issued),
            (presented, facts.presented),
            (candidates, facts.token_candidates),
        ):
            if not records:
                continue
            if (rows := known.get(id(records))) is None:
                rows = known[id(records)] = list(map(astuple, records))
            for ordinal, row in enumerate(rows):
                values += (exchange_id, ordinal, *row)
    for table, values in ((ISSUED, issued), (PRESENTED, presented), (TOKEN_CANDIDATES, candidates)):
        if values:
            _insert(cursor, table, values)


def _insert(cursor: apsw.Cursor, table: Table, values: list[_Value]) -> None:
    """Add rows, whose values are given one after the other."""
    width = len(table.columns)
    for at in range(0, len(values), MAX_ROWS * width):
        part = values[at : at + MAX_ROWS * width]
        cursor.execute(_statement(table.name, len(part) // width), part)


@cache
def _statement(table: str, rows: int) -> str:
    """The statement that adds so many rows to a table."""
    names = next(
        t.names for t in (EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES) if t.name == table
    )
    row = f"({', '.join('?' * len(names))})"
    # An exchange that is already stored is kept, and is no error.
    suffix = " ON CONFLICT DO NOTHING" if table == EXCHANGES.name else ""
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * rows)}{suffix}"  # noqa: S608
