"""Pauses after which a sender may be a new process (rules L6 and L7).

Enters: a bucket and its sessions. Leaves: the requests that come after a logout, or long after the
last request of any session.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among
from statetrail.analyses.columnar.bucket import IMPLICIT, Bucket
from statetrail.analyses.columnar.dialect_masks import acting
from statetrail.analyses.conformance.visibility import FOREVER, PAUSE_US
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.lineage import Lineage, dialect_places


def key_issues(bucket: Bucket, is_key: Bools) -> Ints:
    """The issues of session keys that have to be known at some time."""
    issued, exchanges = bucket.issued, bucket.exchanges
    whole = exchanges.clock[exchanges.response_end[issued.exchange]] < FOREVER
    named = issued.sound & (issued.usage != IMPLICIT) & is_key[bucket.series_param[issued.series]]
    return np.flatnonzero(named & whole)


def pauses(bucket: Bucket, lineage: Lineage, is_key: Bools) -> Bools:
    """Whether the last request that presented a key, or was given one that arrived, lies `PAUSE_US`
    before, or was a logout; shape (dialects, exchanges)."""
    exchanges, paused = bucket.exchanges, np.zeros(lineage.of_request.shape, dtype=np.bool_)
    contacts, issued = lineage.of_request != NOTHING, bucket.issued
    issue = key_issues(bucket, is_key)
    contacts[
        dialect_places(bucket)[bucket.series_param[issued.series[issue]]], issued.exchange[issue]
    ] = True
    for dialect, contacting in enumerate(contacts):
        contact = np.flatnonzero(contacting)
        start = exchanges.request_start[contact]
        index = AsOfIndex(exchanges.client[contact], start, exchanges.span)
        place = index.at(exchanges.client, exchanges.request_start, inclusive=False)
        last = index.maxima(start)[place]
        since_us = exchanges.clock[exchanges.request_start] - exchanges.clock[last]
        paused[dialect] = (last != NOTHING) & (since_us >= PAUSE_US)
        paused[dialect] |= (last != NOTHING) & (_logouts(bucket, lineage, dialect) == last)
    return paused


def _logouts(bucket: Bucket, lineage: Lineage, dialect: int) -> Ints:
    """The start of the sender's last logout that was answered before each request; else -1."""
    exchanges, own = bucket.exchanges, np.flatnonzero(dialect_places(bucket) == dialect)
    if not len(own):
        return np.full(len(exchanges), NOTHING)
    done = exchanges.open & (exchanges.status >= 200) & (exchanges.status < 400)
    done &= lineage.of_request[dialect] != NOTHING
    row = np.flatnonzero(done & acting(bucket, "logout")[exchanges.endpoint, own[0]])
    client, start, span = exchanges.client[row], exchanges.request_start[row], exchanges.span
    index = AsOfIndex(client, start, span)
    last = index.maxima(start)[index.at(exchanges.client, exchanges.request_start, inclusive=False)]
    # Of several at one moment, the one that was answered first.
    moments, place = np.unique(client * span + start, return_inverse=True)
    answered, _ = extremes(place, exchanges.response_start[row], len(moments))
    own = among(moments, exchanges.client * span + last)
    known = (last != NOTHING) & (np.append(answered, FOREVER)[own] <= exchanges.request_start)
    return np.where(known, last, NOTHING)
