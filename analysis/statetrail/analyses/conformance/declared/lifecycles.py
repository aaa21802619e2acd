"""The lives of values: what is declared of them, as running maxima that any moment can ask.

Enters: a bucket and its `Declarations`. Leaves: `Lifecycles`.

A value *may* be known once a response that issued it has begun, and *must* be known once one has
ended and the grace period has passed (R1 and R2 of `statetrail.analyses.conformance.verdicts`). The
same holds of what ends it:

superseded
    By `client`, another value of the parameter was issued to the same client. By `lineage`, only in
    the response to a request that presented it. A cookie only by one of the same identity (RFC
    6265bis, section 5.7, step 23).
deleted
    A void issue, or a success that a request to end the value met with (`Param.ends`).
expired
    The lifetime that its last issue declares is over, by a second and the grace period.
refused
    The response to a request that presented it refuses the parameter, and none that began later
    took it.
used
    As many requests as may present it have done so, and were answered.

No such end counts that began before the last issue of the value, which may be known, had ended.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    among,
    ordered,
    run_begins,
)
from statetrail.analyses.columnar.bucket import ENDS, MALFORMED, VALUE, Bucket
from statetrail.analyses.columnar.dialect_masks import of_params
from statetrail.analyses.conformance.declared.declarations import SECOND_US, Declarations
from statetrail.analyses.conformance.verdict import DELETED, EXPIRED, REFUSED, SUPERSEDED, USED
from statetrail.analyses.conformance.visibility import FOREVER

CAUSES = (DELETED, SUPERSEDED, EXPIRED, USED, REFUSED)
"""How values end; of several at one moment the first counts."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Responses that ended the values of a group, and how much longer servers took these.

    `of_value` is the group of each value; -1 where none of these ends is one of its.
    """

    group: Ints
    response: Ints
    delay_us: Ints
    of_value: Ints


class Lifecycles:
    """The issues of a bucket's values, and what ended them."""

    def __init__(self, bucket: Bucket, declared: Declarations, grace_us: int) -> None:
        self._bucket, self._declared, self._grace_us = bucket, declared, grace_us
        exchanges, issued = bucket.exchanges, bucket.issued
        readable = issued.usage != MALFORMED
        stored = (readable | declared.void) & ~declared.refused_cookie
        self.issue = np.flatnonzero(stored & ~declared.void)
        self._void = np.flatnonzero(stored & declared.void)
        of_cookie = declared.cookie != NOTHING
        status = exchanges.status[issued.exchange]
        # What a browser stores of an error counts, too; an informational response, nor what the
        # operator of the proxy sent, binds nobody.
        self.binding = stored & (of_cookie | (status < 400)) & ~issued.hidden
        self.binding &= (status == 0) | (status >= 200)
        self.binding &= ~exchanges.operated[issued.exchange]
        self.binding &= exchanges.clock[exchanges.response_end[issued.exchange]] < FOREVER
        self._use = np.flatnonzero(bucket.presented.kind == VALUE)
        self._taken = self._is_taken()
        self._ends = {
            SUPERSEDED: [self._superseded()],
            DELETED: [self._deleted(), self._untied(), self._revoked()],
            USED: [self._used()],
            REFUSED: [self._refused()],
        }

    def issued(self, value: Ints, moment: Ints) -> Ints:
        """The latest end of the responses that issued each value and had begun; -1 for none."""
        return self._latest_end(self.issue, value, moment)

    def must_be_known(self, value: Ints, moment: Ints) -> Bools:
        """Whether an issue of the value must be known."""
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        rows = self.issue[self.binding[self.issue]]
        visible = exchanges.visible_from[issued.exchange[rows]]
        index = AsOfIndex(issued.value[rows], visible, exchanges.span)
        known: Bools = index.at(value, moment, inclusive=False) != NOTHING
        return known

    def dead(self, value: Ints, moment: Ints, *, surely: bool) -> Ints:
        """What ended each value by that moment, as a place in `CAUSES`; -1 for none.

        `surely`: that must be known; else: that may be.
        """
        held = self.issued(value, moment)
        cause = np.full(len(value), NOTHING, dtype=np.int64)
        for place in reversed(range(len(CAUSES))):
            name = CAUSES[place]
            if name == EXPIRED:
                ended = self._expired(value, moment, surely=surely)
            else:
                ended = np.zeros(len(value), dtype=np.bool_)
                for ends in self._ends[name]:
                    group = ends.of_value[value]
                    latest = self._latest(ends, group, moment, surely=surely)
                    ended |= (latest > held) & (group != NOTHING)
            cause[ended & (held != NOTHING)] = place
        return cause

    def _latest_end(self, issue: Ints, value: Ints, moment: Ints) -> Ints:
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        of = issued.exchange[issue]
        index = AsOfIndex(issued.value[issue], exchanges.response_start[of], exchanges.span)
        return index.maxima(exchanges.response_end[of])[index.at(value, moment)]

    def _latest(self, ends: Ends, group: Ints, moment: Ints, *, surely: bool) -> Ints:
        """The latest start of the responses that ended each group and are known; -1 for none."""
        exchanges = self._bucket.exchanges
        start = exchanges.response_start[ends.response]
        if surely:
            known = exchanges.visible_from[ends.response]
            if ends.delay_us.any():
                later = exchanges.clock[np.minimum(known, exchanges.span - 1)] + ends.delay_us
                known = np.searchsorted(exchanges.clock, later).astype(np.int64)
                known = np.minimum(known, exchanges.span - 1)
            index = AsOfIndex(ends.group, known, exchanges.span)
            return index.maxima(start)[index.at(group, moment, inclusive=False)]
        index = AsOfIndex(ends.group, start, exchanges.span)
        return index.maxima(start)[index.at(group, moment)]

    def _expired(self, value: Ints, moment: Ints, *, surely: bool) -> Bools:
        """Whether the declared lifetime is over of all issues that may be known."""
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        of = issued.exchange[self.issue]
        lifetime, unclear = (
            self._declared.lifetime_us[self.issue],
            self._declared.unclear[self.issue],
        )
        base = exchanges.response_end[of] if surely else exchanges.response_start[of]
        whole = exchanges.clock[exchanges.response_end[of]] < FOREVER
        margin = SECOND_US + self._grace_us if surely else -SECOND_US
        ends = np.full(len(of), FOREVER)
        known = (lifetime >= 0) & whole
        ends[known] = exchanges.clock[base[known]] + lifetime[known] + margin
        if surely:
            ends[unclear] = FOREVER
        else:
            ends[unclear] = 0
        ranks, place = np.unique(ends, return_inverse=True)
        span = max(exchanges.span, len(ranks))
        index = AsOfIndex(issued.value[self.issue], exchanges.response_start[of], span)
        latest = index.maxima(place.astype(np.int64))[index.at(value, moment)]
        end = np.append(ranks, FOREVER)[latest]
        late: Bools = exchanges.clock[moment] > end
        return late

    def _is_taken(self) -> Bools:
        """Whether the server took what each row of `Bucket.presented` presents."""
        bucket, presented = self._bucket, self._bucket.presented
        status = bucket.exchanges.status[presented.exchange]
        param = bucket.series_param[presented.series]
        refused = self._declared.refused[presented.exchange, param]
        taken: Bools = (status >= 200) & (status < 400) & ~refused
        return taken

    def taken(self, row: Ints) -> Bools:
        """Whether the server took what these rows of `Bucket.presented` present."""
        return self._taken[row]

    def _superseded(self) -> Ends:
        bucket, issued, count = self._bucket, self._bucket.issued, len(self._bucket.values)
        dialects = {dialect.name: dialect for dialect in bucket.dialects}
        mode = np.array([dialects[d].supersedes(param) for d, param in bucket.params])
        # The request's own cookie says which value is due: none of them is old.
        mode[of_params(bucket, lambda param: param is not None and param.follows is not None)] = ""
        of_param = bucket.series_param[issued.series[self.issue]]
        # By client: a response ends every value of the series but its own, which it holds.
        rows = self.issue[(mode == "client")[of_param]]
        value, response = self._answers(self.issue[(mode == "lineage")[of_param]])
        of_value = np.arange(count, dtype=np.int64)
        param = bucket.series_param[bucket.values.series]
        of_value[(mode == "client")[param]] = (
            count + bucket.values.series[(mode == "client")[param]]
        )
        return self._ending(
            np.append(value, issued.series[rows] + count),
            np.append(response, issued.exchange[rows]),
            of_value,
            np.append(bucket.values.series[value], issued.series[rows]),
        )

    def _answers(self, rows: Ints) -> tuple[Ints, Ints]:
        """Each value with each response to a request with it that issued another one."""
        bucket, issued, presented = self._bucket, self._bucket.issued, self._bucket.presented
        count = max(len(bucket.series_client), 1)
        use = self._use
        key = presented.exchange[use] * count + presented.series[use]
        firsts = np.flatnonzero(run_begins(key))
        several = np.diff(firsts, append=len(key))
        run = among(key[firsts], issued.exchange[rows] * count + issued.series[rows])
        rows, run = rows[run >= 0], run[run >= 0]
        values, responses = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        nth = 0
        known = self._identities()
        while len(rows):
            at = use[firsts[run] + nth]
            differs = presented.value[at] != issued.value[rows]
            differs &= self._same_cookie(known, presented.value[at], rows)
            values.append(presented.value[at[differs]])
            responses.append(issued.exchange[rows[differs]])
            nth += 1
            more = several[run] > nth
            rows, run = rows[more], run[more]
        value, response = np.concatenate(values), np.concatenate(responses)
        # A response that issues the value again replaces nothing.
        again = np.sort(issued.exchange[self.issue] * len(bucket.values) + issued.value[self.issue])
        kept = among(again, response * len(bucket.values) + value) == NOTHING
        return value[kept], response[kept]

    def _identities(self) -> Ints:
        """The values with the identities of the cookies that issued them, sorted keys."""
        issued, declared = self._bucket.issued, self._declared
        width = int(declared.identity.max(initial=0)) + 1
        return np.unique(issued.value[self.issue] * width + declared.identity[self.issue])

    def _same_cookie(self, known: Ints, value: Ints, issue: Ints) -> Bools:
        """Whether each value was issued as a cookie of the identity of each issue, or never."""
        identity = self._declared.identity
        width = int(identity.max(initial=0)) + 1
        same: Bools = among(known, value * width + identity[issue]) != NOTHING
        return same

    def _deleted(self) -> Ends:
        """By parameter and identity; a value of several cookies outlives the end of one."""
        bucket, issued, identity = self._bucket, self._bucket.issued, self._declared.identity
        width = int(identity.max(initial=0)) + 1
        known = self._identities()
        known = known[known % width > 0]
        value, first, times = np.unique(known // width, return_index=True, return_counts=True)
        of_value = np.full(len(bucket.values), NOTHING, dtype=np.int64)
        one = value[times == 1]
        of_value[one] = bucket.values.series[one] * width + known[first[times == 1]] % width
        void = self._void[identity[self._void] > 0]
        series = issued.series[void]
        group = series * width + identity[void]
        return self._ending(group, issued.exchange[void], of_value, series)

    def _untied(self) -> Ends:
        """Every value of a parameter, by a void issue that is no cookie's."""
        issued = self._bucket.issued
        void = self._void[self._declared.identity[self._void] == 0]
        series = issued.series[void]
        return self._ending(series, issued.exchange[void], self._bucket.values.series, series)

    def _revoked(self) -> Ends:
        """Each value with each success that a request to end it met with (RFC 7009)."""
        presented, status = self._bucket.presented, self._bucket.exchanges.status
        rows = np.flatnonzero(presented.kind == ENDS)
        status = status[presented.exchange[rows]]
        rows = rows[(status >= 200) & (status < 300)]
        return self._of_values(presented.value[rows], presented.exchange[rows])

    def _used(self) -> Ends:
        """Each value with the response to the last request that may present it."""
        bucket, presented = self._bucket, self._bucket.presented
        limits = [self._param(d, p, "uses") or 0 for d, p in bucket.params]
        limit = np.array(limits, dtype=np.int64)
        param = bucket.series_param[presented.series[self._use]]
        rows = self._use[(limit[param] > 0) & self._taken[self._use]]
        visible = bucket.exchanges.visible_from[presented.exchange[rows]]
        order = ordered(presented.value[rows], visible)
        rows = rows[order]
        begins = np.flatnonzero(run_begins(presented.value[rows]))
        nth = np.arange(len(rows)) - np.repeat(begins, np.diff(begins, append=len(rows)))
        last = nth + 1 == limit[bucket.series_param[presented.series[rows]]]
        return self._of_values(presented.value[rows[last]], presented.exchange[rows[last]])

    def _refused(self) -> Ends:
        """Each value with each response that refuses it, unless it was taken later."""
        bucket, presented = self._bucket, self._bucket.presented
        exchanges = bucket.exchanges
        param = bucket.series_param[presented.series[self._use]]
        refused = self._declared.refused[presented.exchange[self._use], param]
        rows = self._use[refused]
        taken = self._use[self._taken[self._use]]
        last = np.full(len(bucket.values), NOTHING, dtype=np.int64)
        np.maximum.at(
            last, presented.value[taken], exchanges.response_start[presented.exchange[taken]]
        )
        start = exchanges.response_start[presented.exchange[rows]]
        rows = rows[last[presented.value[rows]] <= start]
        return self._of_values(presented.value[rows], presented.exchange[rows])

    def _ending(self, group: Ints, response: Ints, of_value: Ints, series: Ints) -> Ends:
        """Ends by responses that arrived; servers may take a value for some time longer."""
        bucket = self._bucket
        whole = bucket.exchanges.clock[bucket.exchanges.response_end[response]] < FOREVER
        graces = [self._param(d, p, "grace_s") or 0 for d, p in bucket.params] or [0]
        grace = np.array(graces, dtype=np.int64)[bucket.series_param[series[whole]]] * SECOND_US
        return Ends(group[whole], response[whole], grace, of_value)

    def _of_values(self, value: Ints, response: Ints) -> Ends:
        every = np.arange(len(self._bucket.values), dtype=np.int64)
        return self._ending(value, response, every, self._bucket.values.series[value])

    def _param(self, dialect: str, name: str, key: str) -> int | None:
        param = next(d for d in self._bucket.dialects if d.name == dialect).param(name)
        return None if param is None else cast("int | None", getattr(param, key))
