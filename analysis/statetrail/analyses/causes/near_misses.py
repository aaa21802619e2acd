"""Near misses: presented values that were issued, but otherwise written, cut short, or elsewhere.

Enters: a bucket and some presented values, each with whom it may have been issued to. Leaves: which
of them are near to what. No clear value is needed: the capture has taken fingerprints of a normal
form and of a prefix.

A value of a malformed header counts too: clients may take it, although it binds nobody.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from statetrail.analyses.causes.owned_values import issued_to
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, numbered
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details, extremes
from statetrail.analyses.events.lineage import Lineage

_FORMS = ("fingerprint", "normal_fingerprint", "prefix_fingerprint")


@dataclass(frozen=True, slots=True)
class NearMisses:
    """What each presented value is near to, of the values issued by then.

    Attributes
    ----------
    variant
        It was issued in another writing.
    cut
        Its beginning is that of exactly one issued value.
    elsewhere
        It was issued to the client at another origin, and not at this one.
    """

    variant: Bools
    cut: Bools
    elsewhere: Bools


def near_misses(
    bucket: Bucket,
    lineage: Lineage,
    details: Details,
    holder: Ints,
    value: Ints,
    request_start: Ints,
) -> NearMisses:
    """What these values, presented at these moments, are near to, of those issued to the holders.

    A value that was issued before must not be among them: it would be near to itself.
    """
    values, issued = bucket.values, bucket.issued
    owned = issued_to(bucket, lineage, issued.exchange, issued.value, holder)
    width = max(len(values), 1)
    keys = np.concatenate([owned.owner, holder]) * width
    keys += np.concatenate([owned.value, np.maximum(value, 0)])
    held, place = np.unique(keys, return_inverse=True)
    owner, at = held // width, held % width
    first, _ = extremes(
        place[: len(owned)], bucket.exchanges.response_start[owned.exchange], len(held)
    )
    normal, prefix, long = (each[at] for each in _forms(bucket, details))
    # A value of just the prefix's length is the prefix.
    beginning, _ = numbered(owner, np.where(long, prefix, values.fingerprint[at]))
    shown = place[len(owned) :]
    return NearMisses(
        _earliest(numbered(owner, normal)[0], first)[shown] <= request_start,
        _cut(_readable(bucket)[at], beginning, long, first)[shown] <= request_start,
        _elsewhere(bucket, value, request_start),
    )


def _elsewhere(bucket: Bucket, value: Ints, request_start: Ints) -> Bools:
    """Whether each value was issued to its client by then, and only at other origins."""
    values = bucket.values
    response_start = bucket.exchanges.response_start[bucket.issued.exchange]
    first, _ = extremes(bucket.issued.value, response_start, len(values))
    names = pa.array([client for client, _ in bucket.clients], pa.string())
    client = names.dictionary_encode().indices.to_numpy().astype(np.int64)
    client = client[bucket.series_client[values.series]]
    param = bucket.series_param[values.series]
    anywhere = _earliest(numbered(client, param, values.fingerprint)[0], first)
    elsewhere: Bools = (anywhere[value] <= request_start) & (first[value] > request_start)
    return elsewhere


def _readable(bucket: Bucket) -> Bools:
    """Which values were issued in a form that can be read."""
    readable = np.zeros(len(bucket.values), dtype=np.bool_)
    readable[bucket.issued.value[bucket.issued.usage != MALFORMED]] = True
    return readable


def _forms(bucket: Bucket, details: Details) -> tuple[Ints, Ints, Bools]:
    """Of each value the fingerprint of its normal form and of its prefix, and whether it has one:
    both follow from the value, wherever it was seen."""
    rows = pa.concat_tables([details[name].select(_FORMS) for name in ("issued", "presented")])
    fingerprints, place = np.unique(rows["fingerprint"].to_numpy(), return_index=True)
    row = place[among(fingerprints, bucket.values.fingerprint)]
    normal, prefix = (rows[name].combine_chunks() for name in _FORMS[1:])
    return (
        normal.to_numpy(zero_copy_only=False)[row],
        prefix.fill_null(0).to_numpy(zero_copy_only=False)[row],
        prefix.is_valid().to_numpy(zero_copy_only=False)[row],
    )


def _earliest(group: Ints, first: Ints) -> Ints:
    """For each value the first issue of any value of its group."""
    earliest, _ = extremes(group, first, len(group))
    return earliest[group]


def _cut(sound: Bools, beginning: Ints, long: Bools, first: Ints) -> Ints:
    """For each value the first issue of the one value that begins as it does, if it is just one.

    Tokens of one kind may all begin alike: then their beginning tells nothing. A malformed value
    counts only where no other begins so: it may be another one with its broken tail.
    """
    issued = np.flatnonzero(long & (first < FOREVER))
    best = np.zeros(len(first), dtype=np.bool_)
    best[beginning[issued[sound[issued]]]] = True
    issued = issued[sound[issued] == best[beginning[issued]]]
    only = np.full(len(first), NOTHING, dtype=np.int64)
    only[beginning[issued]] = issued
    several = np.bincount(beginning[issued], minlength=len(first)) > 1
    one = np.where(several, NOTHING, only)[beginning]
    return np.where(one >= 0, first[one], FOREVER)
