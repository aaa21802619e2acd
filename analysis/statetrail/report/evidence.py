"""The exchanges that show a finding: those that it points to, and those next to them.

Enters: exchange ids and the fact tables. Leaves: `EvidenceExchange` structs with the values that
each exchange issued and presented, and the ids of neighbouring exchanges.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec
import narwhals as nw
import pyarrow as pa

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
    ids = rec.place(pa.table({"exchange_id": pa.array(sorted({*primary.values()}), pa.int64())}))
    # By the attributes that names are made of: naming all exchanges would cost more than the rest.
    sides = [*(CLIENT_BY[name] for name in rec.client_by), "scheme", "host", "port"]
    every = rec.exchanges.lazy.select(
        *("exchange_id", "dialects", "request_start_us"),
        *(nw.col(name).cast(nw.String).fill_null("-") for name in sides),
    )
    same_sides = rec.keep(every.join(ids, on="exchange_id").select(*sides)).unique()
    marked = ids.with_columns(is_primary=nw.lit(1, nw.Int64))
    # What is in no dialect's scope is left out, but never a primary exchange itself.
    candidates = (
        every.join(same_sides, on=sides)
        .join(marked, on="exchange_id", how="left")
        .filter((nw.col("dialects") != "") | ~nw.col("is_primary").is_null())
        .with_columns(one=nw.col("exchange_id") * 0 + 1)
    )
    # Those of one side have numbers that follow one another.
    numbered = rec.keep(
        candidates.with_columns(
            nth=nw.col("one").cum_sum().over(order_by=[*sides, "request_start_us", "exchange_id"])
        ).select(*sides, "exchange_id", "is_primary", nth=nw.col("nth").cast(nw.Int64))
    )
    wanted = [
        {name: row[name] for name in sides} | {"anchor": row["exchange_id"], "nth": row["nth"] + n}
        for row in rows(numbered.filter(~nw.col("is_primary").is_null()), "exchange_id")
        for n in range(-NEAR, NEAR + 1)
    ]
    near = numbered.join(rec.place(pa.Table.from_pylist(wanted)), on=[*sides, "nth"])
    found = defaultdict[int, list[int]](list)
    for row in rows(near.select("anchor", "nth", "exchange_id"), "anchor", "nth"):
        found[row["anchor"]].append(row["exchange_id"])
    return {finding: tuple(found[anchor]) for finding, anchor in primary.items()}
