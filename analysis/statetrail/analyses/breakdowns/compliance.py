"""Compliance by time, endpoint and program: the verdicts that count, counted in the buckets.

Enters: the verdicts of a bucket. Leaves: small tables, which the report sums up.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, chosen, numbered
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.coding import coded
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.conformance.verdict import HONOURED, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.details import Details, aligned
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT, DIALECT, ORIGIN, Column, Table

MAX_PERIODS: Final = 24
_SECOND_US: Final = 1_000_000
_WIDTHS_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000),
)
"""Lengths of a period, in seconds; a longer recording has periods of a multiple of the last."""

_JUDGED: Final = Column("judged", "int", "Verdicts that count")
_FAULTS: Final = Column("faults", "int", "Those of them that are faults")

COMPLIANCE: Final = Table(
    "compliance",
    "one endpoint as one program asked for it",
    (
        ORIGIN,
        Column("endpoint", "text", "Where the requests went"),
        Column("user_agent", "text", "What the program calls itself; empty: nothing"),
        _JUDGED,
        _FAULTS,
        Column("first_us", "timestamp", "Start of the first of the requests"),
        Column("last_us", "timestamp", "Start of the last"),
    ),
    ("origin", "endpoint", "user_agent"),
)
COMPLIANCE_BY_TIME: Final = Table(
    "compliance_by_time",
    "one period of the recording",
    (Column("period", "int", "Which one, from 1970 on"), _JUDGED, _FAULTS),
    ("period",),
)
JUDGED_SESSIONS: Final = Table(
    "judged_sessions",
    "one session of one client",
    (
        *(CLIENT, ORIGIN, DIALECT),
        Column("session", "fingerprint", "Its first key value"),
        Column("count", "int", "Verdicts on its requests"),
        _FAULTS,
    ),
    ("client", "origin", "dialect", "session"),
)


def width(span_s: int) -> int:
    """The length of a period in seconds, so that a span takes at most `MAX_PERIODS` of them.

    >>> width(30), width(86_400), width(400 * 86_400)
    (2, 7200, 2592000)
    """
    most = MAX_PERIODS - 1  # a period begins at a whole multiple of its length: one more is touched
    fitting = (one for one in _WIDTHS_S if span_s <= one * most)
    longest = _WIDTHS_S[-1]
    return next(fitting, longest * -(-span_s // (longest * most)))


@artifact(reads={"exchanges": ("exchange_id", "user_agent")})
def agents(facts: Details) -> Details:
    """What the programs of a bucket call themselves."""
    return facts


@artifact(needs=(bucket, judgements))
def _span(bucket: Bucket, judged: Judgements) -> tuple[int, int] | None:
    at = _start_us(bucket, judged)[_counts(judged)]
    return (int(at.min()), int(at.max())) if len(at) else None


@artifact(needs=(_span,), scope="whole")
def judged_span(_: Recording, spans: Iterator[tuple[int, int] | None]) -> tuple[int, int] | None:
    """When the first and the last request with a verdict that counts began, in microseconds."""
    known = [span for span in spans if span is not None]
    if not known:
        return None
    first, last = zip(*known, strict=True)
    return min(first), max(last)


@analysis(COMPLIANCE_BY_TIME, needs=(bucket, judgements, judged_span), audited=True)
def compliance_by_time(
    bucket: Bucket, judged: Judgements, span: tuple[int, int] | None
) -> pa.Table:
    """The verdicts by the periods of the recording, which are at most `MAX_PERIODS`."""
    rows = chosen(judged, _counts(judged))
    period = _start_us(bucket, rows) // (period_s(span) * _SECOND_US)
    number, place = numbered(period)
    return table(
        COMPLIANCE_BY_TIME, {"period": period[place], **_sums(rows.fault, number, len(place))}
    )


def period_s(span: tuple[int, int] | None) -> int:
    """The length of a period of a recording, in seconds."""
    return width(0 if span is None else (span[1] - span[0]) // _SECOND_US)


@analysis(COMPLIANCE, needs=(bucket, judgements, agents), audited=True)
def compliance(bucket: Bucket, judged: Judgements, details: Details) -> pa.Table:
    """The verdicts by endpoint and program."""
    rows = chosen(judged, _counts(judged))
    origins, paths = dict[str, int](), dict[str, int]()
    origin = [origins.setdefault(name, len(origins)) for _, name in bucket.clients]
    path = [paths.setdefault(name, len(paths)) for _, name in bucket.endpoints]
    agent, names = coded(aligned(bucket, details["exchanges"])["user_agent"])
    columns = (
        np.array(origin, dtype=np.int64)[bucket.series_client[rows.series]],
        np.array(path, dtype=np.int64)[bucket.exchanges.endpoint[rows.exchange]],
        agent[rows.exchange],
    )
    number, place = numbered(*columns)
    at, count = _start_us(bucket, rows), len(place)
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, number, at)
    np.maximum.at(last, number, at)
    texts = (list(origins), list(paths), [name or "" for name in names])
    return table(
        COMPLIANCE,
        {
            name: words(column[place], text)
            for name, column, text in zip(COMPLIANCE.key, columns, texts, strict=True)
        }
        | _sums(rows.fault, number, count)
        | {"first_us": first, "last_us": last},
    )


@analysis(JUDGED_SESSIONS, needs=(bucket, judgements), audited=True)
def judged_sessions(bucket: Bucket, judged: Judgements) -> pa.Table:
    """The verdicts by session."""
    rows = chosen(judged, judged.session != NOTHING)
    dialects = dict[str, int]()
    dialect = [dialects.setdefault(name, len(dialects)) for name, _ in bucket.params]
    columns = (
        bucket.series_client[rows.series],
        np.array(dialect, dtype=np.int64)[bucket.series_param[rows.series]],
        bucket.values.fingerprint[rows.session],
    )
    number, place = numbered(*columns)
    client, dialects_, session = (column[place] for column in columns)
    sums = _sums(rows.fault, number, len(place))
    return table(
        JUDGED_SESSIONS,
        {
            "client": words(client, [name for name, _ in bucket.clients]),
            "origin": words(client, [name for _, name in bucket.clients]),
            "dialect": words(dialects_, list(dialects)),
            "session": session,
            "count": sums["judged"],
            "faults": sums["faults"],
        },
    )


def _counts(judged: Judgements) -> Bools:
    counting: Bools = judged.fault | (judged.verdict == VERDICTS.index(HONOURED))
    return counting


def _start_us(bucket: Bucket, rows: Judgements) -> Ints:
    return bucket.exchanges.clock[bucket.exchanges.request_start[rows.exchange]]


def _sums(fault: Bools, number: Ints, count: int) -> dict[str, Ints]:
    return {
        "judged": np.bincount(number, minlength=count),
        "faults": np.bincount(number[fault], minlength=count),
    }
