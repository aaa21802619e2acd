"""What recorders left that did not close their store, told of by whoever reads it.

Enters: the tables of a store. Leaves: the same, with the exchanges that are in spill files, and
with a note in the row of each capture that was not ended. Nothing is changed on disk.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import astuple

from statetrail.extract import ExchangeFacts
from statetrail.schema import CAPTURES, EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES, Table
from statetrail.store.file_header import read_only
from statetrail.store.live.gap import unclean_end
from statetrail.store.live.spill import read_spill
from statetrail.store.running import is_recorded, marked, spill_path


def with_leftovers(path: Path, key_id: str, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables with what is only in spill files, and with what may be missing."""
    with read_only(path) as db:
        left = [capture for capture in marked(db) if not is_recorded(path, capture)]
    for capture in left:
        file = spill_path(path, capture)
        spilled = read_spill(file)
        if spilled is None or spilled.header.key_id != key_id:
            notes = [unclean_end(_last_us(tables[EXCHANGES.name], capture))]
        else:
            new = _new(tables[EXCHANGES.name], [f for id_, f in spilled.waiting if id_ is None])
            tables = _with_exchanges(tables, capture, new)
            notes = [*spilled.header.gaps]
            if spilled.missing.exchanges:
                notes.append(spilled.missing.sentence())
            if new:
                notes.append(f"{len(new)} exchanges are in {file.name} until the next recording")
        if notes:
            tables = tables | {
                CAPTURES.name: _with_note(tables[CAPTURES.name], capture, "; ".join(notes))
            }
    return tables


def _last_us(exchanges: pa.Table, capture: int) -> int | None:
    mine = exchanges.filter(pc.equal(exchanges["capture_id"], capture))
    ends = pc.coalesce(mine["response_end_us"], mine["request_start_us"])
    last: int | None = pc.max(ends.cast(pa.int64())).as_py()
    return last


def _new(exchanges: pa.Table, spilled: Sequence[ExchangeFacts]) -> list[ExchangeFacts]:
    """Those that are not stored, as may be if the recorder was slow rather than stuck."""
    flows = pa.array([facts.exchange.flow_id for facts in spilled], pa.string())
    stored = exchanges.filter(pc.is_in(exchanges["flow_id"].cast(pa.string()), flows))
    known = set(
        zip(
            stored["request_start_us"].cast(pa.int64()).to_pylist(),
            stored["flow_id"].to_pylist(),
            strict=True,
        )
    )
    keys = [(facts.exchange.request_start_us, facts.exchange.flow_id) for facts in spilled]
    return [facts for key, facts in zip(keys, spilled, strict=True) if key not in known]


def _with_exchanges(
    tables: dict[str, pa.Table], capture: int, new: Sequence[ExchangeFacts]
) -> dict[str, pa.Table]:
    first = (pc.max(tables[EXCHANGES.name]["exchange_id"]).as_py() or 0) + 1
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

    added = {
        EXCHANGES.name: _rows(EXCHANGES, [(i, capture, *astuple(f.exchange)) for i, f in numbered]),
        ISSUED.name: values(ISSUED, "issued"),
        PRESENTED.name: values(PRESENTED, "presented"),
        TOKEN_CANDIDATES.name: values(TOKEN_CANDIDATES, "token_candidates"),
    }
    return tables | {name: pa.concat_tables([tables[name], rows]) for name, rows in added.items()}


def _rows(table: Table, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(table.names)
    return pa.table(
        {name: list(column) for name, column in zip(table.names, columns, strict=True)},
        schema=table.arrow,
    )


def _with_note(captures: pa.Table, capture: int, note: str) -> pa.Table:
    rows = captures.to_pylist()
    for row in rows:
        if row["capture_id"] == capture:
            row["problem"] = f"{row['problem']}; {note}" if row["problem"] else note
    return pa.Table.from_pylist(rows, captures.schema)
