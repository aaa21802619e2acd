"""Near misses: presented values that were issued, but otherwise written, cut short, or elsewhere.

Enters: a bucket and some presented values. Leaves: which of them are near to what. No clear value
is needed: the capture has taken fingerprints of a normal form and of a prefix.

A value of a malformed header counts too: clients may take it, although it binds nobody.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, numbered
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details, extremes

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
        It was issued to the client at another origin.
    """

    variant: Bools
    cut: Bools
    elsewhere: Bools


def near_misses(bucket: Bucket, details: Details, value: Ints, request_start: Ints) -> NearMisses:
    """What these values, presented at these moments, are near to.

    A value that was issued before must not be among them: it would be near to itself.
    """
    values = bucket.values
    normal, prefix, long = _forms(bucket, details)
    response_start = bucket.exchanges.response_start[bucket.issued.exchange]
    first, _ = extremes(bucket.issued.value, response_start, len(values))
    names = pa.array([client for client, _ in bucket.clients], pa.string())
    client = names.dictionary_encode().indices.to_numpy().astype(np.int64)
    client = client[bucket.series_client[values.series]]
    param = bucket.series_param[values.series]
    # A value of just the prefix's length is the prefix.
    beginning, _ = numbered(values.series, np.where(long, prefix, values.fingerprint))
    return NearMisses(
        _earliest(numbered(values.series, normal)[0], first)[value] <= request_start,
        _cut(bucket, beginning, long, first)[value] <= request_start,
        _earliest(numbered(client, param, values.fingerprint)[0], first)[value] <= request_start,
    )


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


def _cut(bucket: Bucket, beginning: Ints, long: Bools, first: Ints) -> Ints:
    """For each value the first issue of the one value that begins as it does, if it is just one.

    Tokens of one kind may all begin alike: then their beginning tells nothing. A malformed value
    counts only where no other begins so: it may be another one with its broken tail.
    """
    sound = np.zeros(len(first), dtype=np.bool_)
    sound[bucket.issued.value[bucket.issued.usage != MALFORMED]] = True
    issued = np.flatnonzero(long & (first < FOREVER))
    best = np.zeros(len(first), dtype=np.bool_)
    best[beginning[issued[sound[issued]]]] = True
    issued = issued[sound[issued] == best[beginning[issued]]]
    only = np.full(len(first), NOTHING, dtype=np.int64)
    only[beginning[issued]] = issued
    several = np.bincount(beginning[issued], minlength=len(first)) > 1
    one = np.where(several, NOTHING, only)[beginning]
    return np.where(one >= 0, first[one], FOREVER)
