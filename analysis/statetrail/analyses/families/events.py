"""The events of refresh tokens: each request that presented one, and each answer that issued one.

Enters: a recording. Leaves: `Grant`s in order of time. These are few: a session has one every some
minutes or hours.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

import narwhals as nw

from statetrail.recording.engines import Lazy, is_among
from statetrail.recording.frames import Recording

_NAME: Final = "refresh"
"""What the names of refresh tokens hold (RFC 6749, section 1.5), in any letter case."""
_TIMES: Final = ("request_start_us", "response_start_us", "response_end_us")


class Grant(NamedTuple):
    """An exchange that presented or issued refresh tokens of one parameter.

    Times are microseconds; `ended_us` is `None` where the answer did not arrive in whole. `taken`:
    the answer took what was presented; `None`: there was no answer.
    """

    exchange_id: int
    client: str
    origin: str
    dialect: str
    param: str
    start_us: int
    answered_us: int | None
    ended_us: int | None
    taken: bool | None
    presented: tuple[int, ...]
    issued: tuple[int, ...]


def grants(rec: Recording) -> list[Grant]:
    """The exchanges with refresh tokens, in order of the requests."""
    shown = _rows(rec, rec.presented.lazy.filter(nw.col("kind") == "value"))
    given = _rows(
        rec, rec.issued.lazy.filter(nw.col("problem").is_null() & nw.col("kind").is_null())
    )
    ids = sorted({row["exchange_id"] for row in (*shown, *given)})
    if not ids:
        return []
    tokens: dict[tuple[int, str, str], tuple[list[int], list[int]]] = {}
    for side, rows in enumerate((shown, given)):
        for row in rows:
            key = row["exchange_id"], row["dialect"], row["param"]
            known = tokens.setdefault(key, ([], []))[side]
            if row["fingerprint"] not in known:
                known.append(row["fingerprint"])
    exchanges = {row["exchange_id"]: row for row in _exchanges(rec, ids)}
    found = [_grant(exchanges[key[0]], key, *each) for key, each in tokens.items()]
    return sorted(found, key=lambda grant: (grant.start_us, grant.exchange_id))


def first_presented(rec: Recording, exchanges: Collection[int]) -> dict[int, int]:
    """When a client first presented a value that one of these exchanges issued to it.

    Returns
    -------
    dict
        By exchange the start of that request in microseconds; none where there was no such request.
    """
    if not exchanges:
        return {}
    subject = ("dialect", "param", "fingerprint")
    clients = rec.exchanges_with_client().select("exchange_id", "client", "request_start_us")
    issued = rec.issued.lazy.filter(is_among("exchange_id", sorted(exchanges)))
    given = issued.select("exchange_id", *subject).join(clients, on="exchange_id")
    given = given.select(*subject, "client", issue_id=nw.col("exchange_id"))
    values = given.select("fingerprint").unique().collect("pyarrow")["fingerprint"].to_list()
    shown = rec.presented.lazy.filter(is_among("fingerprint", values))
    shown = shown.select("exchange_id", *subject).join(clients, on="exchange_id")
    uses = shown.join(given, on=[*subject, "client"])
    uses = uses.filter(nw.col("exchange_id") != nw.col("issue_id"))
    first = uses.group_by("issue_id").agg(nw.col("request_start_us").min())
    return {
        row["issue_id"]: row["request_start_us"]
        for row in first.collect("pyarrow").iter_rows(named=True)
    }


def _rows(rec: Recording, lazy: Lazy) -> list[dict[str, Any]]:
    names = nw.col("param").str.to_lowercase().str.contains(_NAME, literal=True)
    spoken = [dialect.name for dialect in rec.dialects if dialect.by_declaration]
    rows = lazy.filter(is_among("dialect", spoken) & names)
    chosen = rows.select("exchange_id", "dialect", "param", "fingerprint").collect("pyarrow")
    return list(chosen.sort("exchange_id", "dialect", "param", "fingerprint").iter_rows(named=True))


def _exchanges(rec: Recording, ids: list[int]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    wanted = rec.place(pa.table({"exchange_id": pa.array(ids, pa.int64())}))
    columns = ("exchange_id", "client", "origin", *_TIMES, "status", "error", "refused")
    rows = rec.exchanges_with_client().join(wanted, on="exchange_id").select(*columns)
    yield from rows.collect("pyarrow").iter_rows(named=True)


def _grant(
    exchange: dict[str, Any], key: tuple[int, str, str], shown: list[int], given: list[int]
) -> Grant:
    _, dialect, param = key
    status = exchange["status"]
    refused = f"{dialect}:{param}" in (exchange["refused"] or "").split(",")
    taken = None if status is None else status < 400 and not refused
    if taken is False and not refused and status >= 500:
        taken = None  # the server's own trouble refuses nothing
    ended = exchange["response_end_us"] if exchange["error"] is None else None
    return Grant(
        key[0],
        exchange["client"],
        exchange["origin"],
        dialect,
        param,
        exchange["request_start_us"],
        exchange["response_start_us"] or ended,
        ended,
        taken,
        tuple(shown),
        tuple(given),
    )
