"""The fact tables of a world, as a recorder would have left them.

Enters: a `World`, and which process of the backend sent each request. Leaves: Arrow tables.
"""

from random import Random
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED
from studies.backends.visits import PROCESSES, World
from studies.simulation.facts import START_US, fill, mix

SENDERS: Final = ("one process", "processes", "roaming", "declared")
"""How shoppers are told apart: by the one process that sends their requests; by several, each of
which serves its own shoppers, or any; by a header that names the shopper."""


def tables(world: World, senders: str) -> dict[str, pa.Table]:
    """The fact tables, for `statetrail.recording.frames.Recording`."""
    values: dict[tuple[str, str], int] = {}
    issued: dict[str, list[Any]] = {name: [] for name in ISSUED.names}
    presented: dict[str, list[Any]] = {name: [] for name in PRESENTED.names}
    for exchange_id, ex in enumerate(world.exchanges, 1):
        for ordinal, i in enumerate(ex.issued):
            issued["exchange_id"].append(exchange_id)
            issued["ordinal"].append(ordinal)
            issued["dialect"].append(i.dialect)
            issued["param"].append(i.param)
            issued["fingerprint"].append(values.setdefault((i.param, i.value), len(values)))
            issued["usage"].append(i.usage)
            issued["priority"].append(i.priority)
            issued["channel"].append("body" if i.dialect == "zest" else "header")
            issued["length"].append(len(i.value))
        for ordinal, p in enumerate(ex.presented):
            presented["exchange_id"].append(exchange_id)
            presented["ordinal"].append(ordinal)
            presented["dialect"].append(p.dialect)
            presented["param"].append(p.param)
            presented["fingerprint"].append(values.setdefault((p.param, p.value), len(values)))
            presented["channel"].append(p.channel)
            presented["kind"].append(p.kind)
    filled = {
        EXCHANGES.name: _exchanges(world, senders),
        ISSUED.name: _values(ISSUED, issued, alphabet="lower+digit"),
        PRESENTED.name: _values(PRESENTED, presented),
    }
    return {t.name: filled.get(t.name, t.arrow.empty_table()) for t in FACTS}


def _exchanges(world: World, senders: str) -> pa.Table:
    exchanges = world.exchanges
    path = [ex.path for ex in exchanges]
    return fill(
        EXCHANGES,
        len(exchanges),
        exchange_id=np.arange(1, len(exchanges) + 1),
        flow_id=pa.array([str(n) for n in range(len(exchanges))]),
        request_start_us=_moments([ex.start for ex in exchanges]),
        request_end_us=_moments([ex.start for ex in exchanges]),
        response_start_us=_moments([ex.begun for ex in exchanges]),
        response_end_us=_moments([ex.ended for ex in exchanges]),
        peer="10.0.0.1",
        user_agent=pa.array(_processes(world, senders)),
        client_header=pa.array([ex.extra["client_header"] for ex in exchanges]),
        method=pa.array([ex.method for ex in exchanges]),
        scheme="https",
        host="shop.example",
        port=443,
        path=pa.array(path),
        endpoint=pa.array(path),
        status=pa.array([ex.status for ex in exchanges]),
        http_version="HTTP/1.1",
        error=pa.array(
            [None if ex.ended is not None else "server-disconnected" for ex in exchanges]
        ),
        dialects="zest" if world.key == "_session_token" else "52eseller",
        notes="",
    )


def _processes(world: World, senders: str) -> list[str]:
    """The process that sends each request."""
    chance = Random(0)
    number = {ex.extra["client_header"]: 0 for ex in world.exchanges}
    if senders == "processes":
        number = {name: chance.randrange(PROCESSES) for name in number}
    if senders in ("roaming", "declared"):
        return [f"backend/{chance.randrange(PROCESSES)}" for _ in world.exchanges]
    return [f"backend/{number[ex.extra['client_header']]}" for ex in world.exchanges]


def _moments(ms: list[float | None]) -> pa.Array:
    return pa.array([None if at is None else START_US + round(at * 1000) for at in ms], pa.int64())


def _values(table: Any, columns: dict[str, list[Any]], **given: Any) -> pa.Table:
    """A table of values; equal fingerprints for equal values."""
    count = len(columns["exchange_id"])
    seen = {name: column for name, column in columns.items() if column}
    fingerprint = mix(np.array(seen.pop("fingerprint"), dtype=np.uint64) + np.uint64(1))
    arrays = {name: pa.array(column) for name, column in seen.items()}
    return fill(
        table,
        count,
        fingerprint=fingerprint,
        normal_fingerprint=fingerprint,
        **arrays,
        **given,
    )
