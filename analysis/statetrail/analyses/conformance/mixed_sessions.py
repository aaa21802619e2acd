"""Requests that present keys of two sessions, both of which go on (L12).

Enters: a bucket and its verdicts. Leaves: a table with a row for each such request and key.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, within
from statetrail.analyses.columnar.bucket import VALUE, Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import of_params
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.conformance.verdict import (
    NOT_APPLICABLE,
    REASONS,
    SESSIONS_MIXED,
    VERDICTS,
)
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import Lineage, dialect_places, key_ranks, lineage
from statetrail.analyses.exposure.shared import is_credential
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

MIXED_SESSIONS: Final = Table(
    "mixed_sessions",
    "one key of another session than the request's, which is in use on its own, too, or stands in "
    "place of one that the request's session was given",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("answered", "bool", "Whether an answer of success issued state of the dialect"),
    ),
    ("exchange_id", "dialect", "param"),
)
_MIXED: Final = tuple(REASONS).index(SESSIONS_MIXED)
_NOT_APPLICABLE: Final = VERDICTS.index(NOT_APPLICABLE)


@analysis(MIXED_SESSIONS, needs=(bucket, lineage, history, judgements), audited=True)
def mixed_sessions(
    bucket: Bucket, lineage: Lineage, history: History, judged: Judgements
) -> pa.Table:
    """The keys of other sessions.

    What a session is known by before a login goes on with it, but not on its own: the other key
    has to be presented without the request's session after that session had begun. Or the
    request's session had been given a credential of that name, and another one's was presented.
    """
    exchanges, presented, count = bucket.exchanges, bucket.presented, len(bucket.values)
    dialect, width = dialect_places(bucket)[bucket.series_param], len(bucket.dialects)
    named = (key_ranks(bucket) >= 0)[bucket.series_param[presented.series]]
    key = np.flatnonzero(named & (presented.kind == VALUE) & (not bucket.declared))
    value, exchange, series = presented.value[key], presented.exchange[key], presented.series[key]
    session, start = (
        lineage.of_request[dialect[series], exchange],
        exchanges.request_start[exchange],
    )
    began, _ = extremes(session, start, count)
    mixed = lineage.of_value[value] != session
    _, alone = extremes(value[~mixed], start[~mixed], count)
    own = _had_own(bucket, lineage, history, session, series, start)
    both = np.flatnonzero(mixed & ((alone[value] > began[session]) | own))
    exchange, series = exchange[both], series[both]
    # A request that presents a key twice has one verdict on both values.
    judged_on = (judged.verdict != _NOT_APPLICABLE) | (judged.reason == _MIXED)
    on = pairs(judged.exchange[judged_on], judged.series[judged_on], len(bucket.series_client))
    binding = within(pairs(exchange, series, len(bucket.series_client)), on)
    exchange, series = exchange[binding], series[binding]
    success = (exchanges.status >= 200) & (exchanges.status < 300)
    answers = pairs(history.issues.exchange, dialect[history.issues.series], width)
    answered = within(pairs(exchange, dialect[series], width), answers) & success[exchange]
    return table(
        MIXED_SESSIONS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, series),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "answered": answered,
        },
    )


def _had_own(
    bucket: Bucket, lineage: Lineage, history: History, session: Ints, series: Ints, start: Ints
) -> Bools:
    """Whether each session had been given a credential of these series before that moment."""
    issues, width = history.issues, len(bucket.series_client)
    owner = lineage.of_value[issues.value]
    known = (owner != NOTHING) & bucket.exchanges.binding[issues.exchange]
    given = np.where(known, pairs(owner, issues.series, width), NOTHING)
    codes, place = np.unique(given, return_inverse=True)
    first, _ = extremes(place, bucket.exchanges.visible_from[issues.exchange], len(codes))
    at = among(codes, pairs(session, series, width))
    secret = of_params(bucket, lambda param: param is not None and is_credential(param))
    had: Bools = (at != NOTHING) & (np.append(first, FOREVER)[at] <= start)
    return had & secret[bucket.series_param[series]]
