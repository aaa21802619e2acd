"""What recorders left that did not close their store, told of by whoever reads it.

Enters: a snapshot of a store. Leaves: the exchanges that are only in spill files, and a note for
each capture that was not ended. Nothing is changed on disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
import pyarrow as pa
from msgspec.structs import astuple

from statetrail.schema import CAPTURES, EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES, Table
from statetrail.store.file_header import read_only
from statetrail.store.running import left, spill_path
from statetrail.store.snapshot import Snapshot

if TYPE_CHECKING:
    from statetrail.extract.extractor import ExchangeFacts

_MANY: Final = 10_000
"""Flow ids in a query."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is added to the tables of a store: rows by table, and notes by capture."""

    rows: Mapping[str, pa.Table] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)

    def added(self, rows: pa.Table, table: Table) -> pa.Table:
        """A whole table with what is left, and what is noted."""
        if table is CAPTURES and self.notes:
            return _with_notes(rows, self.notes)
        return pa.concat_tables([rows, self.rows[table.name]]) if table.name in self.rows else rows


def find_leftovers(path: Path, key_id: str, snapshot: Snapshot) -> Leftovers:
    """What is only in spill files of a store, and what may be missing."""
    found: dict[str, pa.Table] = {}
    all_notes = {}
    seen: set[tuple[int, str]] = set()
    with read_only(path) as db:
        captures = left(db, path)
    if not captures:
        return Leftovers()
    # What writes stores is loaded for few of them.
    from statetrail.store.live.gap import unclean_end
    from statetrail.store.live.spill import read_spill

    for capture in captures:
        file = spill_path(path, capture)
        spilled = read_spill(file)
        if spilled is None or spilled.header.key_id != key_id:
            notes = [unclean_end(_last_us(snapshot, capture))]
        else:
            new = _new(snapshot, [f for id_, f in spilled.waiting if id_ is None], seen)
            first = 1 + _highest(snapshot, found.get(EXCHANGES.name))
            for name, rows in _rows_of(new, capture, first).items():
                found[name] = pa.concat_tables([found[name], rows]) if name in found else rows
            notes = [*spilled.header.gaps]
            if spilled.missing.exchanges:
                notes.append(spilled.missing.sentence())
            if new:
                notes.append(f"{len(new)} exchanges are in {file.name} until the next recording")
        if notes:
            all_notes[capture] = "; ".join(notes)
    return Leftovers(found, all_notes)


def _last_us(snapshot: Snapshot, capture: int) -> int | None:
    return snapshot.number(
        "SELECT max(coalesce(response_end_us, request_start_us)) FROM exchanges "  # noqa: S608
        f"WHERE capture_id = {capture}"
    )


def _highest(snapshot: Snapshot, found: pa.Table | None) -> int:
    """The highest id of an exchange, in the store or of what was found for other captures."""
    if found is not None and len(found):
        return int(found["exchange_id"][-1].as_py())
    return snapshot.number("SELECT max(exchange_id) FROM exchanges") or 0


def _new(
    snapshot: Snapshot, spilled: "Sequence[ExchangeFacts]", seen: set[tuple[int, str]]
) -> "list[ExchangeFacts]":
    """Those that are neither stored, as may be if the recorder was slow rather than stuck, nor
    `seen`, to which they are added."""
    seen |= set(_stored(snapshot, [facts.exchange.flow_id for facts in spilled]))
    new = []
    for facts in spilled:
        if (key := (facts.exchange.request_start_us, facts.exchange.flow_id)) not in seen:
            seen.add(key)
            new.append(facts)
    return new


def _stored(snapshot: Snapshot, flows: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The starts and flow ids of the stored exchanges of some flows."""
    for some in batched(flows, _MANY, strict=False):
        listed = ", ".join(map(apsw.format_sql_value, some))
        rows = snapshot.table(EXCHANGES, f"WHERE flow_id IN ({listed})")
        starts = rows["request_start_us"].cast(pa.int64()).to_pylist()
        yield from zip(starts, rows["flow_id"].to_pylist(), strict=True)


def _rows_of(new: "Sequence[ExchangeFacts]", capture: int, first: int) -> dict[str, pa.Table]:
    numbered = list(enumerate(new, first))

    def values(table: Table, of: str) -> pa.Table:
        return _rows(
            table,
            [
                (id_, ordinal, *astuple(record))
                for id_, facts in numbered
                for ordinal, record in enumerate(getattr(facts, of))
            ],
        )

    return {
        EXCHANGES.name: _rows(EXCHANGES, [(i, capture, *astuple(f.exchange)) for i, f in numbered]),
        ISSUED.name: values(ISSUED, "issued"),
        PRESENTED.name: values(PRESENTED, "presented"),
        TOKEN_CANDIDATES.name: values(TOKEN_CANDIDATES, "token_candidates"),
    }


def _rows(table: Table, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(table.names)
    return pa.table(
        {name: list(column) for name, column in zip(table.names, columns, strict=True)},
        schema=table.arrow,
    )


def _with_notes(captures: pa.Table, notes: Mapping[int, str]) -> pa.Table:
    rows = captures.to_pylist()
    for row in rows:
        if note := notes.get(row["capture_id"]):
            row["problem"] = f"{row['problem']}; {note}" if row["problem"] else note
    return pa.Table.from_pylist(rows, captures.schema)
