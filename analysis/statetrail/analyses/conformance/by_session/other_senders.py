"""Sessions that several senders hold: what another sender was given, this one may go by.

Enters: the sessions of a bucket, and the key values that several senders of the recording hold.
Leaves: excuses. A phone changes its network, and a backend has several processes: a session moves
from sender to sender, and what its next response issues is seen with the other one. So, from the
first moment at which a sender holds a value of a session key that another sender at the same origin
holds, too, only the key values of that session can be judged by what the sender was given. A
request that names no session may be about any session of its sender.
"""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, distinct, within
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage, dialect_places, lineage, positions
from statetrail.recording.frames import Recording


@artifact(needs=(bucket, lineage))
def key_codes(bucket: Bucket, lineage: Lineage) -> Ints:
    """A code of each key value that a sender presented or was issued."""
    return _codes(bucket, np.flatnonzero(lineage.began < FOREVER))


@artifact(needs=(key_codes,), scope="whole")
def shared_codes(_: Recording, codes: Iterator[Ints]) -> Ints:
    """The codes of the key values that several senders hold, anywhere in the recording; sorted."""
    values, senders = np.unique(
        np.concatenate([np.empty(0, dtype=np.int64), *codes]), return_counts=True
    )
    return values[senders > 1]


def held_by_others(bucket: Bucket, lineage: Lineage, shared: Ints) -> Ints:
    """The key values that another sender holds, too; `shared` is that of `shared_codes`."""
    held = np.flatnonzero(lineage.began < FOREVER)
    return held[within(_codes(bucket, held), shared)] if len(shared) else held[:0]


def is_held_by_others(
    bucket: Bucket, lineage: Lineage, shared: Ints, exchange: Ints, dialect: Ints
) -> Bools:
    """Whether another sender holds the session of each request, or one of its sender's sessions.

    `exchange` and `dialect` are places in the bucket, `shared` is that of `shared_codes`.
    """
    values, held = bucket.values, held_by_others(bucket, lineage, shared)
    if not len(held):
        return np.zeros(len(exchange), dtype=np.bool_)
    since, width = lineage.began[held], len(bucket.dialects)
    of_session = np.full(len(values) + 1, FOREVER)
    np.minimum.at(of_session, lineage.of_value[held], since)
    of_sender = np.full(len(bucket.clients) * width, FOREVER)
    series = values.series[held]
    sender = bucket.series_client[series] * width
    np.minimum.at(of_sender, sender + dialect_places(bucket)[bucket.series_param[series]], since)
    session = lineage.of_request[dialect, exchange]
    sender = bucket.exchanges.client[exchange] * width + dialect
    since = np.where(session == NOTHING, of_sender[sender], of_session[session])
    moment = bucket.exchanges.request_start[exchange]
    others: Bools = since <= positions(bucket, exchange, moment, request=True)
    return others


def _codes(bucket: Bucket, values: Ints) -> Ints:
    """Codes of values by origin, parameter and fingerprint."""
    places: dict[str, int] = {}
    origin = np.array(
        [places.setdefault(origin, len(places)) for _, origin in bucket.clients], dtype=np.int64
    )
    series, width = bucket.values.series[values], max(len(bucket.params), 1)
    subject = origin[bucket.series_client[series]] * width + bucket.series_param[series]
    used, place = distinct(subject, len(places) * width)
    origins = list(places)
    digests = [
        blake2b(repr((origins[n // width], bucket.params[n % width])).encode(), digest_size=8)
        for n in used.tolist()
    ]
    codes = [int.from_bytes(digest.digest(), signed=True) for digest in digests]
    return np.array(codes, dtype=np.int64)[place] ^ bucket.values.fingerprint[values]
