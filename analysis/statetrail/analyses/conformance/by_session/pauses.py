"""Pauses after which a sender may be a new process (rules L6 and L7).

Enters: a bucket and its sessions. Leaves: the requests that come after a logout, or long after the
last request of any session.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints
from statetrail.analyses.columnar.bucket import IMPLICIT, Bucket
from statetrail.analyses.columnar.dialect_masks import acting
from statetrail.analyses.conformance.visibility import CLIENT_ERROR, FOREVER, PAUSE_US
from statetrail.analyses.events.lineage import Lineage, dialect_places


def key_issues(bucket: Bucket, is_key: Bools) -> Ints:
    """The issues of session keys that have to be known at some time."""
    issued, exchanges = bucket.issued, bucket.exchanges
    whole = exchanges.clock[exchanges.response_end[issued.exchange]] < FOREVER
    named = issued.sound & (issued.usage != IMPLICIT) & is_key[bucket.series_param[issued.series]]
    return np.flatnonzero(named & whole)


def pauses(bucket: Bucket, lineage: Lineage, is_key: Bools) -> Bools:
    """Whether the last request that presented a key, or was given one that has to be known, lies
    `PAUSE_US` before, or was a logout; shape (dialects, exchanges)."""
    exchanges, paused = bucket.exchanges, np.zeros(lineage.of_request.shape, dtype=np.bool_)
    keyed, issued = lineage.of_request != NOTHING, bucket.issued
    given, issue = np.zeros_like(keyed), key_issues(bucket, is_key)
    given[
        dialect_places(bucket)[bucket.series_param[issued.series[issue]]], issued.exchange[issue]
    ] = True
    for dialect, contacting in enumerate(keyed | given):
        contact = np.flatnonzero(contacting)
        start = exchanges.request_start[contact]
        known = np.where(keyed[dialect, contact], start, exchanges.visible_from[contact])
        index = AsOfIndex(exchanges.client[contact], known, exchanges.span)
        place = index.at(exchanges.client, exchanges.request_start, inclusive=False)
        last = index.maxima(start)[place]
        since_us = exchanges.clock[exchanges.request_start] - exchanges.clock[last]
        paused[dialect] = (last != NOTHING) & (since_us >= PAUSE_US)
        paused[dialect] |= (last != NOTHING) & (_logouts(bucket, lineage, dialect) == last)
    return paused


def _logouts(bucket: Bucket, lineage: Lineage, dialect: int) -> Ints:
    """The start of the sender's last logout before each request; -1 for none."""
    exchanges, own = bucket.exchanges, np.flatnonzero(dialect_places(bucket) == dialect)
    if not len(own):
        return np.full(len(exchanges), NOTHING)
    done = exchanges.open & (exchanges.status // 100 != CLIENT_ERROR)
    done &= lineage.of_request[dialect] != NOTHING
    row = np.flatnonzero(done & acting(bucket, "logout")[exchanges.endpoint, own[0]])
    start = exchanges.request_start[row]
    index = AsOfIndex(exchanges.client[row], start, exchanges.span)
    place = index.at(exchanges.client, exchanges.request_start, inclusive=False)
    last: Ints = index.maxima(start)[place]
    return last
