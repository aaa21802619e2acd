"""Joined sessions: what several clients hold of one session, as one row.

Enters: the sessions of each client, and those of them that other clients hold, too. Leaves: the
sessions, joined by the fingerprints of their tokens. A phone that changes its network is two
clients, and one session.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording


@dataclass(frozen=True, slots=True)
class HeldSession:
    """A session that other clients hold, too.

    `subject` is its client, origin, dialect and parameter; `name` its first token; `tokens` are the
    fingerprints of all of them, `starts_us` those of its requests, in microseconds.
    """

    subject: tuple[str, ...]
    name: int
    tokens: frozenset[int]
    starts_us: tuple[int, ...]


def joined(rec: Recording, costs: Lazy, held: Sequence[HeldSession]) -> Lazy:
    """The sessions, those that share a token in one row.

    The row has the name and client of the session that began first, and the end of the one that was
    seen last.
    """
    groups = [group for group in _groups(held) if len(group) > 1]
    if not groups:
        return costs
    several = [session for group in groups for session in group]
    keys = [dict(zip(SESSIONS.key, (*s.subject, s.name), strict=True)) for s in several]
    columns = SESSIONS.arrow
    named = rec.place(
        pa.Table.from_pylist(keys, pa.schema([columns.field(name) for name in SESSIONS.key]))
    )
    rows = costs.select(*SESSIONS.names).join(named, on=list(SESSIONS.key)).collect("pyarrow")
    known = {tuple(row[name] for name in SESSIONS.key): row for row in rows.rows(named=True)}
    made = [_row(group, [known[*each.subject, each.name] for each in group]) for group in groups]
    others = costs.select(*SESSIONS.names).join(named, on=list(SESSIONS.key), how="anti")
    return nw.concat([others, rec.place(pa.Table.from_pylist(made, columns))], how="vertical")


def renamed(rec: Recording, requests: Lazy, held: Sequence[HeldSession]) -> Lazy:
    """The requests of sessions, those of joined sessions with the row's name that `joined` made."""
    rows = [
        dict(zip(SESSIONS.key, (*each.subject, each.name), strict=True))
        | {"joined_client": first.subject[0], "joined_fingerprint": first.name}
        for group in _groups(held)
        if len(group) > 1
        for first in [min(group, key=lambda one: (min(one.starts_us), one.subject[0], one.name))]
        for each in group
    ]
    if not rows:
        return requests
    layout = [*(SESSIONS.arrow.field(name) for name in SESSIONS.key)]
    layout += [pa.field("joined_client", pa.string()), pa.field("joined_fingerprint", pa.int64())]
    named = rec.place(pa.Table.from_pylist(rows, pa.schema(layout)))
    return requests.join(named, on=list(SESSIONS.key), how="left").with_columns(
        session_client=nw.coalesce("joined_client", "session_client"),
        session_fingerprint=nw.coalesce("joined_fingerprint", "session_fingerprint"),
    )


def _groups(held: Sequence[HeldSession]) -> list[list[HeldSession]]:
    """The sessions that share tokens, directly or by others."""
    parent = list(range(len(held)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    holder: dict[tuple[tuple[str, ...], int], int] = {}
    for number, session in enumerate(held):
        for token in session.tokens:
            parent[root(number)] = root(holder.setdefault((session.subject[1:], token), number))
    groups = defaultdict[int, list[HeldSession]](list)
    for number, session in enumerate(held):
        groups[root(number)].append(session)
    return list(groups.values())


def _row(group: Sequence[HeldSession], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = min(rows, key=lambda row: (row["first_us"], row["client"], row["session_fingerprint"]))
    last = max(rows, key=lambda row: (row["last_us"], row["client"], row["session_fingerprint"]))
    starts_us = sorted(start for session in group for start in session.starts_us)
    idle_us = max((later - at for at, later in pairwise(starts_us)), default=0)
    sums = ("requests", "cart_writes", "logins")
    ends = ("end", "ended_at_us", "cart_writes_lost", "login_lost", "last_us")
    return (
        first
        | {name: last[name] for name in ends}
        | {name: sum(row[name] for row in rows) for name in sums}
        | {
            "duration_s": (last["last_us"] - first["first_us"]) / 1_000_000,
            "longest_idle_s": idle_us / 1_000_000,
            "clients": len({row["client"] for row in rows}),
            "contexts": max(row["contexts"] for row in rows),
            "tokens": len(frozenset().union(*(session.tokens for session in group))),
        }
    )
