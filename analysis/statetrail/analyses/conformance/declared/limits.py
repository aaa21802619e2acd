"""Limits: when the declared lifetimes of values are over.

Enters: the issues of a bucket's values and the lifetimes that they declare. Leaves: `Limits`.
"""

from typing import TYPE_CHECKING

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.declared.declarations import SECOND_US, Declarations
from statetrail.analyses.conformance.visibility import FOREVER

if TYPE_CHECKING:
    from statetrail.analyses.conformance.declared.lifecycles import Lifecycles


class Limits:
    """The lifetimes of the issues of `Lifecycles`."""

    def __init__(
        self, of: "Lifecycles", bucket: Bucket, declared: Declarations, grace_us: int
    ) -> None:
        self._of, self._bucket, self._declared, self._grace_us = of, bucket, declared, grace_us

    def expired(self, value: Ints, moment: Ints, *, surely: bool) -> Bools:
        """Whether the declared lifetime is over of all issues that may be known.

        Of a value of one jar an issue counts until a later one must be known, and where one that
        counts may be over, the value may be.
        """
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        known, of = issued.value[self._of.issue], issued.exchange[self._of.issue]
        lifetime, unclear = (
            self._declared.lifetime_us[self._of.issue],
            self._declared.unclear[self._of.issue],
        )
        base = exchanges.response_end[of] if surely else exchanges.response_start[of]
        whole = exchanges.clock[exchanges.response_end[of]] < FOREVER
        margin = SECOND_US + self._grace_us if surely else -SECOND_US
        ends, limited = np.full(len(of), FOREVER), (lifetime >= 0) & whole
        ends[limited] = exchanges.clock[base[limited]] + lifetime[limited] + margin
        ends[unclear] = FOREVER if surely else 0
        renewed = self._renewed()
        if surely:
            later = renewed < exchanges.span
            ends[later] = np.minimum(ends[later], exchanges.clock[renewed[later]])
        ranks, place = np.unique(ends, return_inverse=True)
        span = max(exchanges.span, len(ranks))
        index = AsOfIndex(known, exchanges.response_start[of], span)
        latest = index.maxima(place.astype(np.int64))[index.at(value, moment)]
        late: Bools = exchanges.clock[moment] > np.append(ranks, FOREVER)[latest]
        if surely:
            return late
        over = np.searchsorted(exchanges.clock, ends, "right").astype(np.int64)
        over = np.maximum(over, exchanges.response_start[of])
        some = np.flatnonzero((over < exchanges.span) & self._renews()[known])
        index = AsOfIndex(known[some], over[some], exchanges.span + 1)
        counted = index.maxima(renewed[some])[index.at(value, moment)]
        return np.where(self._renews()[value], counted >= moment, late)

    def _renews(self) -> Bools:
        """The values whose lifetime each issue sets anew: of one jar, and one cookie or none."""
        value = self._of.identities() // self._of.width
        renews: Bools = np.bincount(value, minlength=len(self._bucket.values)) == 1
        renews &= self._of.jars.names_one
        return renews

    def _renewed(self) -> Ints:
        """From when on a later issue of its value must be known, by issue; the span for never."""
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        value, of = issued.value[self._of.issue], issued.exchange[self._of.issue]
        rows = np.flatnonzero(self._of.binding[self._of.issue] & self._renews()[value])
        last = exchanges.span - 1
        # Looking back in a time that runs backwards: the earliest of what began later.
        index = AsOfIndex(value[rows], last - exchanges.response_start[of[rows]], exchanges.span)
        first = index.maxima(last - exchanges.visible_from[of[rows]])
        place = index.at(value, last - exchanges.response_end[of], inclusive=False)
        renewed: Ints = np.where(first[place] == NOTHING, exchanges.span, last - first[place])
        return renewed
