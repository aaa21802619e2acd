"""The exchanges that show a finding: those that it points to, and those next to them.

Enters: exchange ids and the fact tables. Leaves: `EvidenceExchange` structs with the values that
each exchange issued and presented, and the ids of neighbouring exchanges.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Ints
from statetrail.analyses.columnar.coding import Coded, coded, combined, integers
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.recording.origins import origin_expression
from statetrail.report.counting import Row, of_row, rows, shown_value
from statetrail.report.section import Time, meaning
from statetrail.schema import CLIENT_BY
from statetrail.store.clients import client_expression

NEAR: Final = 4
"""Neighbouring exchanges before the primary one, and after it."""

# All exchanges are read for these columns: no more than are shown.
_VALUE: Final = ("exchange_id", "ordinal", "param", "value", "fingerprint", "channel")


class StateValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value that an exchange issued or presented."""

    param: str
    value: Annotated[str, meaning("Pseudonym, or the value where it is in clear")]
    channel: str
    note: Annotated[str | None, meaning("usage/priority, kind, or what is wrong")]


class EvidenceExchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange that a finding points to."""

    exchange: int
    at: Time
    answered: Annotated[Time | None, meaning("When the response began")] = None
    ended: Annotated[Time | None, meaning("When the response ended")] = None
    client: str
    origin: str
    method: str
    path: Annotated[str, meaning("Without query; token-like segments are pseudonyms")]
    status: int | None
    error: str | None
    issued: tuple[StateValue, ...]
    presented: tuple[StateValue, ...]


type Event = tuple[datetime, EvidenceExchange, bool]
"""A request or a response: the moment, the exchange, whether it is the response."""


def gather_exchanges(rec: Recording, ids: Iterable[int]) -> tuple[EvidenceExchange, ...]:
    """The exchanges of these ids, with the values that they issued and presented."""
    wanted = pa.array(ids, pa.int64())
    if not len(wanted):
        return ()
    chosen = rec.place(pa.table({"exchange_id": wanted}))
    issued = _by_exchange(rec.issued.lazy.select(*_VALUE, "usage", "priority", "problem"), chosen)
    presented = _by_exchange(rec.presented.lazy.select(*_VALUE, "kind"), chosen)
    # Named after the join: naming all others would cost more than the rest.
    exchanges = (
        rec.exchanges.lazy.join(chosen, on="exchange_id", how="inner")
        .with_columns(client=client_expression(rec.client_by), origin=origin_expression())
        .select(
            *("client", "origin", "method", "path", "status", "error"),
            exchange="exchange_id",
            at_us="request_start_us",
            answered_us="response_start_us",
            ended_us="response_end_us",
        )
    )
    return tuple(
        of_row(
            EvidenceExchange,
            row,
            issued=tuple(
                _value(one, one["problem"] or f"{one['usage']}/{one['priority']}")
                for one in issued[row["exchange"]]
            ),
            presented=tuple(
                _value(one, None if one["kind"] == "value" else one["kind"])
                for one in presented[row["exchange"]]
            ),
        )
        for row in rows(exchanges, "exchange")
    )


def events(exchanges: Iterable[EvidenceExchange]) -> list[Event]:
    """Requests and responses in the order of time.

    `exchanges` are in the order of their requests. At one and the same moment that order counts,
    and a request before its own response.
    """
    found = []
    for order, one in enumerate(exchanges):
        found.append((one.at, order, False, one))
        if one.answered is not None or one.ended is not None or one.error is not None:
            found.append((max(one.answered or one.ended or one.at, one.at), order, True, one))
    found.sort(key=lambda event: event[:3])
    return [(at, one, answers) for at, _, answers, one in found]


def _by_exchange(facts: Lazy, chosen: Lazy) -> defaultdict[int, list[Row]]:
    found = defaultdict[int, list[Row]](list)
    for row in rows(facts.join(chosen, on="exchange_id", how="inner"), "exchange_id", "ordinal"):
        found[row["exchange_id"]].append(row)
    return found


def _value(row: Row, note: str | None) -> StateValue:
    return of_row(StateValue, row, value=shown_value(row["value"], row["fingerprint"]), note=note)


def gather_neighbours(rec: Recording, primary: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The exchanges around each primary one, in the order in which their requests began.

    They are of the client and origin of the primary exchange, and in the scope of a dialect.
    `primary` maps a finding's id to its exchange; so does the result to its neighbours.
    """
    if not primary:
        return {}
    wanted = np.unique(np.array([*primary.values()], dtype=np.int64))
    near: dict[int, tuple[int, ...]] = {}
    # By the attributes that names are made of: naming all exchanges would cost more than the rest.
    sides = [*(CLIENT_BY[name] for name in rec.client_by), "scheme", "host", "port"]
    columns = ("exchange_id", "request_start_us", "dialects", *sides)
    for read in rec.buckets({"exchanges": columns}):
        near |= _near(read()["exchanges"], sides, wanted)
    return {finding: near[exchange] for finding, exchange in primary.items() if exchange in near}


def _near(rows: pa.Table, sides: Sequence[str], wanted: Ints) -> dict[int, tuple[int, ...]]:
    """The neighbours of those of some exchanges that are among the rows."""
    ids = integers(rows["exchange_id"])
    primary = np.isin(ids, wanted)
    if not primary.any():
        return {}
    side, _ = combined([_filled(coded(rows[name])) for name in sides])
    # What is in no dialect's scope is left out, but never a primary exchange itself.
    dialect, names = coded(rows["dialects"])
    recognised = np.array([bool(name) for name in names], dtype=np.bool_)[dialect]
    row = np.flatnonzero(np.isin(side, side[primary]) & (recognised | primary))
    start = integers(rows["request_start_us"])
    row = row[np.lexsort((ids[row], start[row], side[row]))]
    found = {}
    for at in np.flatnonzero(primary[row]).tolist():
        some = row[max(at - NEAR, 0) : at + NEAR + 1]
        found[int(ids[row[at]])] = tuple(ids[some[side[some] == side[row[at]]]].tolist())
    return found


def _filled(column: Coded) -> Coded:
    """A column in which what is missing is a dash, as in the names of clients."""
    code, names = column
    places: dict[object, int] = {}
    place = [places.setdefault("-" if name is None else name, len(places)) for name in names]
    return np.array(place, dtype=np.int64)[code], list(places)
