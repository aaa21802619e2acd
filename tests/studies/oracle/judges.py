"""Every judge of verdicts on the same histories, and the rows in which they differ.

The slow judge, the tracker, and `verdicts` on each engine and bucket by bucket.
"""

import dataclasses
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from statetrail.analyses.conformance.tracker import (
    Event,
    Exchange,
    Presented,
    Tracker,
    Verdict,
)
from statetrail.analyses.conformance.tracker import Issue as Issued
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.dialects import builtin
from statetrail.recording.engines import Engine
from statetrail.recording.frames import open_recording
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts
from studies.oracle.verdict_oracle import held_by_several, judge
from support.histories import Ex, facts, fingerprint, recording

type Row = tuple[
    *tuple[int, str, str, str, str, int, str, str | None, bool],
    *tuple[int | None, int | None, str | None],
]
"""A row of table `verdicts`, in the order of its columns."""

IN_PROCESS: tuple[Engine, ...] = ("duckdb", "pandas", "polars", "pyarrow")


def apart(histories: Sequence[Sequence[Ex]]) -> list[Ex]:
    """Several histories side by side, each at origins of its own: one run judges them all."""
    return [
        dataclasses.replace(ex, host=f"{n}.{ex.host}", extra=_moved(ex, n))
        for n, history in enumerate(histories)
        for ex in history
    ]


def _moved(ex: Ex, number: int) -> dict[str, Any]:
    """The rest of an exchange, whose page of the same origin moves with it."""
    if ex.extra.get("request_origin") != f"http://{ex.host}":
        return ex.extra
    return ex.extra | {"request_origin": f"http://{number}.{ex.host}"}


def by_engine(world: Sequence[Ex], engine: Engine, grace_ms: float) -> set[Row]:
    """The verdicts of an engine."""
    rows = verdicts(recording(world, engine=engine, grace_ms=grace_ms)).rows()
    found = {tuple(row.values()) for row in rows}
    assert len(found) == len(rows), "a verdict is there twice"
    return found


def by_buckets(world: Sequence[Ex], grace_ms: float) -> set[Row]:
    """The verdicts on a dataset that is read bucket by bucket."""
    by = ("user-agent",)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(reader, "LARGE", 0):
        whole = Facts(Path(folder), "0" * 16, facts(world))
        dataset = export_parquet(whole, Path(folder) / "dataset", by, buckets=5)
        rec = open_recording(dataset, client_by=by, grace_ms=grace_ms)
        return {tuple(row.values()) for row in verdicts(rec).rows()}


def by_tracker(histories: Sequence[Sequence[Ex]], grace_ms: float, chance: Random) -> set[Row]:
    """The tracker's verdicts, each history's exchanges completing in an order of its own."""
    world = apart(histories)
    tracker = Tracker(
        grace_us=round(grace_ms * 1000), binds=binding(world), shares=sharing(histories)
    )
    ids = itertools.count(1)
    each = iter(world)
    events: list[Event] = []
    for history in histories:
        exchanges = [tracked(next(ids), ex) for ex in itertools.islice(each, len(history))]
        for starts, x in feed(chance, exchanges):
            if starts:
                events += tracker.started(x.exchange_id, x.client, x.origin, x.request_start_us)
            else:
                events += tracker.completed(x)
    events += tracker.flush()
    assert tracker.unjudged == 0
    rows = [row_of(event) for event in events if isinstance(event, Verdict)]
    assert len(set(rows)) == len(rows), "a verdict is there twice"
    return set(rows)


def row_of(event: Verdict) -> Row:
    """A verdict as a row of the table."""
    return dataclasses.astuple(dataclasses.replace(event, settles=None))[:-1]  # type: ignore[return-value]


def by_slow_judge(histories: Sequence[Sequence[Ex]], grace_ms: float) -> set[tuple]:
    """The slow judge's rows, as `short` has them."""
    found, before = set(), 0
    for history in histories:
        for (number, dialect, param), (verdict, reason, session) in judge(
            history, grace_ms
        ).items():
            name = None if session is None else fingerprint(session.partition("=")[2])
            found.add((number + before, dialect, param, verdict, reason, name))
        before += len(history)
    return found


def short(rows: set[Row]) -> set[tuple]:
    """Rows as the slow judge gives them: exchange, dialect, parameter, verdict, reason, session."""
    return {(row[0], *row[3:5], *row[6:8], row[9]) for row in rows}


def tracked(exchange_id: int, ex: Ex) -> Exchange:
    """The exchange as the tracker takes it."""
    issued = tuple(
        Issued(
            i.dialect,
            i.param,
            fingerprint(i.value),
            None if i.problem else i.usage,
            None if i.problem else i.priority,
            i.problem,
            "body" if i.dialect == "zest" else "header",
        )
        for i in ex.issued
    )
    presented = tuple(
        Presented(p.dialect, p.param, fingerprint(p.value), p.channel, p.kind) for p in ex.presented
    )
    times = [None if at is None else round(at * 1000) for at in (ex.start, ex.begun, ex.ended)]
    start = times[0]
    assert start is not None
    return Exchange(
        exchange_id,
        ex.client,
        f"http://{ex.host}",
        ex.path,
        ex.method,
        start,
        start,
        times[1],
        times[2],
        ex.status if ex.begun is not None else None,
        *(ex.extra.get(name) for name in ("age_s", "fetch_dest", "redirect_endpoint")),
        *(ex.extra.get(name) for name in ("request_origin", "exposed_headers", "has_cookies")),
        ex.extra.get("fetch_mode"),
        issued,
        presented,
    )


def feed(chance: Random, exchanges: Iterable[Exchange]) -> Iterator[tuple[bool, Exchange]]:
    """The order in which a proxy tells of exchanges: (whether it is the start, the exchange).

    They start in order of time, at equal times in any, and complete in any order after that.
    """
    order = list(exchanges)
    chance.shuffle(order)
    order.sort(key=lambda each: each.request_start_us)
    under_way: list[Exchange] = []
    for exchange in order:
        yield True, exchange
        under_way.append(exchange)
        for _ in range(min(chance.choice((0, 0, 1, 1, 2, len(order))), len(under_way))):
            yield False, under_way.pop(chance.randrange(len(under_way)))
    chance.shuffle(under_way)
    for exchange in under_way:
        yield False, exchange


def sharing(histories: Sequence[Sequence[Ex]]) -> Callable[[str, str, str, int], bool]:
    """Which key values several senders hold, as somebody knows it who has seen everything."""
    shared = {
        (f"http://{n}.{host}", dialect, param, fingerprint(value))
        for n, history in enumerate(histories)
        for host, dialect, param, value in held_by_several(history)
    }
    return lambda *key: key in shared


def binding(history: Iterable[Ex]) -> Callable[[str, str, str, str], bool]:
    """V1 as somebody knows it who has seen the whole capture."""
    issuing = {
        (f"http://{ex.host}", ex.path, i.dialect)
        for ex in history
        if ex.method != "OPTIONS"
        for i in ex.issued
        if i.problem is None
    }

    def binds(origin: str, endpoint: str, dialect: str, param: str) -> bool:
        known = builtin()[dialect]
        inside = known.in_scope(endpoint) or (origin, endpoint, dialect) in issuing
        return inside and known.allows(param, endpoint)

    return binds
