"""Stack distance: how many other values were used since a value was.

Enters: `Evidence`. Leaves: one number a use. A cache that drops the least recently used value (LRU)
ends one when that number reaches its size (Mattson et al. 1970).
"""

from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.numerics import Codes, Reals

_SECOND_US: Final = 1e6


def distances(evidence: Evidence) -> Reals:
    """Per use, how many other values were used with success, or issued, since its value was.

    0 where its value was not seen before.
    """
    issued = np.flatnonzero(np.diff(evidence.value, prepend=-1))
    issued = issued[evidence.idle_low_s[issued] > 0]
    issued_us = evidence.request_start_us[issued] - np.round(
        evidence.idle_low_s[issued] * _SECOND_US
    ).astype(np.int64)
    alive = np.flatnonzero(evidence.survived)
    at = np.concatenate([issued_us, evidence.request_start_us[alive]])
    value = np.concatenate([evidence.value[issued], evidence.value[alive]])
    order = np.lexsort((value, at))
    at, value = at[order], value[order]
    before = _before(value)
    places = np.searchsorted(at, evidence.request_start_us, "left")
    last = _last(value, evidence.value, places)
    count = np.zeros(len(evidence))
    for nth, (since, until) in enumerate(zip(last.tolist(), places.tolist(), strict=True)):
        # Of another value that was used several times, the first of these uses counts.
        count[nth] = np.count_nonzero(before[since + 1 : until] <= since)
    return np.where(last >= 0, count, 0.0)


def _before(value: Codes) -> Codes:
    """Per place, the one before of the same value; -1: none."""
    order = np.argsort(value, kind="stable")
    same = value[order][1:] == value[order][:-1]
    before = np.full(len(value), -1)
    before[order[1:][same]] = order[:-1][same]
    return before


def _last(value: Codes, wanted: Codes, places: Codes) -> Codes:
    """The last place before some place that has the wanted value; -1: none."""
    stride = len(value) + 1
    keys = np.sort(value * stride + np.arange(len(value)))
    at = np.searchsorted(keys, wanted * stride + places, "left") - 1
    found = keys[np.maximum(at, 0)] if len(keys) else np.zeros(len(at), dtype=np.int64)
    return np.where((at >= 0) & (found // stride == wanted), found % stride, -1)
