"""Clients: how far each client obeys the state that it was given.

Enters: a recording. Leaves: the table `CLIENTS`, one row per client, origin and dialect: every
client with a request in the dialect's scope to an origin that issues state of the dialect. A client
of which nothing can be judged (it came once, or never took up a session) has no compliance.

Compliance is honoured / (honoured + faults), where the faults are the rows of `verdicts` whose
`fault` is set. Other rows are in neither number.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import Bools, Ints, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import SpokenAt, spoken_at
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.conformance import verdict
from statetrail.analyses.conformance.tables import CLIENTS
from statetrail.analyses.conformance.verdict import VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.lineage import Lineage, lineage
from statetrail.recording.frames import Recording


@artifact(needs=(bucket,))
def _issuing_origins(bucket: Bucket) -> set[tuple[str, str]]:
    series = unique(bucket.issued.series)
    client, param = bucket.series_client[series].tolist(), bucket.series_param[series].tolist()
    return {(bucket.clients[c][1], bucket.params[p][0]) for c, p in zip(client, param, strict=True)}


@artifact(needs=(_issuing_origins,), scope="whole")
def issuing_origins(
    _: Recording, found: Iterator[set[tuple[str, str]]]
) -> frozenset[tuple[str, str]]:
    """The (origin, dialect) whose state was issued, in whatever form, anywhere in the recording."""
    return frozenset().union(*found)


@analysis(CLIENTS, needs=(bucket, lineage, judgements, spoken_at, issuing_origins), audited=True)
def clients(
    bucket: Bucket,
    lineage: Lineage,
    judgements: Judgements,
    spoken_at: SpokenAt,
    origins: frozenset[tuple[str, str]],
) -> pa.Table:
    """The compliance of every client, with the denominator beside it.

    Returns
    -------
    Frame
        `statetrail.analyses.conformance.tables.CLIENTS`.
    """
    exchanges = bucket.exchanges
    dialects = [dialect.name for dialect in bucket.dialects]
    width = len(dialects)
    total = len(bucket.clients) * width
    speaks = np.array(
        [[(realm, name) in origins for name in dialects] for _, realm in bucket.clients],
        dtype=np.bool_,
    ).reshape(len(bucket.clients), width)
    here = spoken_at.grid[exchanges.endpoint] & speaks[exchanges.client] & exchanges.open[:, None]
    exchange, dialect = np.nonzero(here)
    conversation = exchanges.client[exchange] * width + dialect
    first, last = extremes(conversation, exchanges.request_start[exchange], total)
    requests = np.bincount(conversation, minlength=total)
    of_param = np.array([dialects.index(name) for name, _ in bucket.params], dtype=np.int64)
    of_series = bucket.series_client * width + of_param[bucket.series_param]

    def counted(which: Bools) -> Ints:
        return np.bincount(of_series[judgements.series[which]], minlength=total)

    honoured = counted(judgements.verdict == VERDICTS.index(verdict.HONOURED))
    faults = counted(judgements.fault)
    judged = honoured + faults
    sessions, at_once = _sessions(bucket, lineage)
    rows = np.flatnonzero(requests)
    share = honoured / np.maximum(judged, 1)
    return table(
        CLIENTS,
        {
            "client": words(rows // width, [client for client, _ in bucket.clients]),
            "origin": words(rows // width, [origin for _, origin in bucket.clients]),
            "dialect": words(rows % width, dialects),
            "requests": requests[rows],
            "sessions": sessions[rows],
            "sessions_at_once": at_once[rows],
            "judged": judged[rows],
            "honoured": honoured[rows],
            "faults": faults[rows],
            "compliance": pa.array(share[rows], mask=judged[rows] == 0),
            "first_us": exchanges.clock[first[rows]],
            "last_us": exchanges.clock[last[rows]],
        },
    )


def _sessions(bucket: Bucket, lineage: Lineage) -> tuple[Ints, Ints]:
    """How many sessions each client held under each dialect, and how many at the same time."""
    width, exchanges = len(bucket.dialects), bucket.exchanges
    total = len(bucket.clients) * width
    dialect, exchange = np.nonzero(lineage.of_response >= 0)
    session = lineage.of_response[dialect, exchange]
    first, last = extremes(session, exchanges.request_start[exchange], len(bucket.values))
    place, at = np.unique(session, return_index=True)
    group = exchanges.client[exchange[at]] * width + dialect[at]
    count = np.bincount(group, minlength=total)
    # Sessions that begin count before those that end at the same time.
    groups = np.concatenate([group, group])
    moment = np.concatenate([2 * first[place], 2 * last[place] + 1])
    change = np.repeat(np.array([1, -1], dtype=np.int64), len(group))
    order = np.lexsort((moment, groups))
    # Each session ends in its own group, so that the sum is zero between groups.
    at_once = np.zeros(total, dtype=np.int64)
    np.maximum.at(at_once, groups[order], np.cumsum(change[order]))
    return count, at_once
