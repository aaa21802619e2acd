"""The lives of values: what is declared of them, as running maxima that any moment can ask.

Enters: a bucket and its `Declarations`. Leaves: `Lifecycles`.

A value *may* be known once a response that issued it has begun, and *must* be known once one has
ended and the grace period has passed (R1 and R2 of `statetrail.analyses.conformance.verdicts`). The
same holds of what ends it:

superseded
    By `client`, another value of the parameter was issued to the same client. By `lineage`, only in
    the response to a request that presented it. A cookie only by one of the same identity (RFC
    6265bis, section 5.7, step 23), and if it has no other one.
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

A sender may be many browsers, each with a jar of its own (`Jars`). What a response replaces by
`lineage`, or deletes, surely ends what is presented from the jar that its request came from: the
two requests are of one session, or the value that both present names one jar. It may have ended for
the jars that are not known, and is alive in the others. What a response gives that binds nobody
(rule L8; RFC 6265bis, section 3.1, of informational ones) may end a value and never surely does.
"""

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
    unique,
)
from statetrail.analyses.columnar.bucket import ENDS, MALFORMED, VALUE, Bucket
from statetrail.analyses.columnar.dialect_masks import of_params
from statetrail.analyses.conformance.declared.declarations import SECOND_US, Declarations
from statetrail.analyses.conformance.declared.ends import Ends, Reach
from statetrail.analyses.conformance.declared.jars import jars_of
from statetrail.analyses.conformance.declared.limits import Limits
from statetrail.analyses.conformance.verdict import DELETED, EXPIRED, REFUSED, SUPERSEDED, USED
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage
from statetrail.dialects import Param

CAUSES = (DELETED, SUPERSEDED, EXPIRED, USED, REFUSED)
"""How values end; of several at one moment the first counts."""


class Lifecycles:
    """The issues of a bucket's values, and what ended them."""

    def __init__(
        self,
        bucket: Bucket,
        declared: Declarations,
        lineage: Lineage,
        grace_us: int,
        *,
        one_jar: bool = False,
    ) -> None:
        self._bucket, self._declared, self._grace_us = bucket, declared, grace_us
        exchanges, issued = bucket.exchanges, bucket.issued
        readable = issued.usage != MALFORMED
        stored = (readable | declared.void) & ~declared.refused_cookie
        self.width = int(declared.identity.max(initial=0)) + 1
        stored[self._overwritten(np.flatnonzero(stored & (declared.identity > 0)))] = False
        self.issue = np.flatnonzero(stored & ~declared.void)
        self._void = np.flatnonzero(stored & declared.void)
        of_cookie = declared.cookie != NOTHING
        status = exchanges.status[issued.exchange]
        # What a browser stores of an error or a redirect counts, and an error that says a value
        # has ended. Of a redirect its target counts, which the client's library opens.
        followed = of_params(bucket, _is_in_location)[bucket.series_param[issued.series]]
        followed &= (status >= 300) & (status < 400)
        arrives = of_cookie | declared.void | followed | exchanges.binding[issued.exchange]
        # Neither an informational response nor the operator of the proxy binds anybody.
        self.binding = stored & arrives & ~issued.hidden & ((status == 0) | (status >= 200))
        self.binding &= exchanges.open[issued.exchange] & ~exchanges.operated[issued.exchange]
        self.binding &= exchanges.clock[exchanges.response_end[issued.exchange]] < FOREVER
        self._use = np.flatnonzero(bucket.presented.kind == VALUE)
        self._taken = self._is_taken()
        self.jars = jars_of(bucket, lineage, self.issue, one_jar=one_jar)
        self._limits = Limits(self, bucket, declared, grace_us)
        self._ends = {
            SUPERSEDED: self._superseded(),
            DELETED: [self._deleted(), self._untied(), self._revoked()],
            USED: [self._used()],
            REFUSED: [self._refused()],
        }

    def _overwritten(self, rows: Ints) -> Ints:
        """The fields of cookies after which another one of the response sets the same cookie."""
        issued = self._bucket.issued
        cookie = issued.series[rows] * self.width + self._declared.identity[rows]
        order = np.lexsort((rows, cookie, issued.exchange[rows]))
        cookie, response = cookie[order], issued.exchange[rows[order]]
        again = (cookie[1:] == cookie[:-1]) & (response[1:] == response[:-1])
        overwritten: Ints = rows[order[:-1][again]]
        return overwritten

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

    def dead(
        self, value: Ints, exchange: Ints, moment: Ints, *, surely: bool, jar: Ints | None = None
    ) -> Ints:
        """What ended each value for its request by that moment, as a place in `CAUSES`; -1: none.

        `surely`: that must be known; else: that may be. `jar`: not that of the request.
        """
        exchanges = self._bucket.exchanges
        uses = value, self._bucket.values.series[value], exchange, moment
        held = self.issued(value, moment)
        cause = np.full(len(value), NOTHING, dtype=np.int64)
        for place in reversed(range(len(CAUSES))):
            name = CAUSES[place]
            if name == EXPIRED:
                ended = self._limits.expired(value, moment, surely=surely)
            else:
                ended = np.zeros(len(value), dtype=np.bool_)
                for ends in self._ends[name]:
                    latest = ends.latest(exchanges, self.jars, uses, surely=surely, own_jar=jar)
                    ended |= latest > held
            cause[ended & (held != NOTHING)] = place
        return cause

    def may_have_ended(self, issue: Ints, exchange: Ints, moment: Ints) -> Bools:
        """Whether anything may have ended what each issue gave, or may do so in another order.

        Of two responses at once the one that ends a value may have been read after the other. One
        browser may hold several sessions, each at a path: what ended in any jar counts.
        """
        issued, exchanges, declared = self._bucket.issued, self._bucket.exchanges, self._declared
        of, value, series = issued.exchange[issue], issued.value[issue], issued.series[issue]
        lifetime, uses = declared.lifetime_us[issue], (value, series, exchange, moment)
        jar = np.full(len(issue), NOTHING, dtype=np.int64)
        end_us = exchanges.clock[exchanges.response_start[of]] + lifetime - SECOND_US
        over = (lifetime >= 0) & (exchanges.clock[moment] > end_us)
        over |= declared.unclear[issue]
        over |= self.dead(value, exchange, moment, surely=False, jar=jar) != NOTHING
        cookie = series * self.width + declared.identity[issue]
        group = np.where(declared.identity[issue] > 0, cookie, NOTHING)
        deleted = self._ends[DELETED][0]
        for ends in (*self._ends[SUPERSEDED], *self._ends[DELETED]):
            if ends.reach == "jar":
                own = group if ends is deleted else None
                read_last = ends.latest(
                    *(exchanges, self.jars, uses), surely=False, group=own, own_jar=jar, by_end=True
                )
                over |= read_last > exchanges.response_start[of]
        return over

    def _latest_end(self, issue: Ints, value: Ints, moment: Ints) -> Ints:
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        of = issued.exchange[issue]
        index = AsOfIndex(issued.value[issue], exchanges.response_start[of], exchanges.span)
        return index.maxima(exchanges.response_end[of])[index.at(value, moment)]

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

    def _superseded(self) -> list[Ends]:
        bucket, issued, count = self._bucket, self._bucket.issued, len(self._bucket.values)
        dialects = {dialect.name: dialect for dialect in bucket.dialects}
        mode = np.array([dialects[d].supersedes(param) for d, param in bucket.params])
        # The request's own cookie says which value is due: none of them is old.
        mode[of_params(bucket, lambda param: param is not None and param.follows is not None)] = ""
        of_param = bucket.series_param[issued.series[self.issue]]
        of_value = np.arange(count, dtype=np.int64)
        # By client: a response ends every value of the series but its own, which it holds.
        rows = self.issue[(mode == "client")[of_param]]
        series = bucket.values.series
        by_client = np.where((mode == "client")[bucket.series_param[series]], series, NOTHING)
        none = np.full(len(rows), NOTHING, dtype=np.int64)
        issue, use = self._with_uses(self.issue[(mode == "lineage")[of_param]])
        value, response = bucket.presented.value[use], issued.exchange[issue]
        replaced = value != issued.value[issue]
        replaced &= self._same_cookie(value, issue)
        # A response that issues the value again replaces nothing.
        again = np.sort(issued.exchange[self.issue] * count + issued.value[self.issue])
        replaced &= among(again, response * count + value) == NOTHING
        issue, value = issue[replaced], value[replaced]
        return [
            self._ending("client", issued.series[rows], rows, by_client, none),
            self._ending("jar", value, issue, of_value, value),
        ]

    def _with_uses(self, rows: Ints) -> tuple[Ints, Ints]:
        """These issues with the uses of their series that the request of each presents: pairs."""
        issued, presented = self._bucket.issued, self._bucket.presented
        count, use = max(len(self._bucket.series_client), 1), self._use
        key = presented.exchange[use] * count + presented.series[use]
        wanted = issued.exchange[rows] * count + issued.series[rows]
        order = np.argsort(key, kind="stable")
        first = np.searchsorted(key[order], wanted)
        times = np.searchsorted(key[order], wanted, "right") - first
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return np.repeat(rows, times), use[order[np.repeat(first, times) + nth]]

    def identities(self) -> Ints:
        """The values with the identities of the cookies that issued them, sorted keys."""
        issued, declared = self._bucket.issued, self._declared
        identity = declared.identity[self.issue]
        return unique(issued.value[self.issue] * self.width + identity)

    def _only_identity(self) -> Ints:
        """The identity of the cookies that issued each value; -1 for several, or none."""
        known, width = self.identities(), self.width
        known = known[known % width > 0]
        value, first, times = np.unique(known // width, return_index=True, return_counts=True)
        only = np.full(len(self._bucket.values), NOTHING, dtype=np.int64)
        only[value[times == 1]] = known[first[times == 1]] % width
        return only

    def _same_cookie(self, value: Ints, issue: Ints) -> Bools:
        """Whether each value was issued only as the cookie of each issue; or both as none."""
        identity = self._declared.identity[issue]
        bare = among(self.identities(), value * self.width) != NOTHING
        same: Bools = np.where(identity > 0, self._only_identity()[value] == identity, bare)
        return same

    def _deleted(self) -> Ends:
        """By parameter and identity; a value of several cookies outlives the end of one."""
        bucket, identity = self._bucket, self._declared.identity
        width, only = self.width, self._only_identity()
        of_value = np.where(only > 0, bucket.values.series * width + only, NOTHING)
        void = self._void[identity[self._void] > 0]
        cookie = bucket.issued.series * width + identity
        return self._voided(void, cookie[void], of_value)

    def _untied(self) -> Ends:
        """Every value of a parameter, by a void issue that is no cookie's."""
        issued, exchanges = self._bucket.issued, self._bucket.exchanges
        void = self._void[self._declared.identity[self._void] == 0]
        ends = self._voided(void, issued.series[void], self._bucket.values.series)
        # The request presents none where a cookie is deleted with which a token ends. Where its
        # client had been given one token, it is that.
        first = np.full(len(self._bucket.values), FOREVER)
        start = exchanges.response_start[issued.exchange]
        np.minimum.at(first, issued.value[self.issue], start[self.issue])
        given = np.flatnonzero(first < FOREVER)
        given = given[np.lexsort((first[given], self._bucket.values.series[given]))]
        series = self._bucket.values.series[given]
        only = np.where(run_begins(series), given, NOTHING)
        index = AsOfIndex(series, first[given], exchanges.span)
        own = np.append(only, NOTHING)[index.last(issued.series[void], start[void])]
        ends.own[: len(void)] = own
        return ends

    def _voided(self, void: Ints, group: Ints, of_value: Ints) -> Ends:
        """The ends of groups by void issues, and those of the values that the requests present."""
        issue, use = self._with_uses(void)
        own = self._bucket.presented.value[use]
        place = np.empty(len(self._bucket.issued.exchange), dtype=np.int64)
        place[void] = group
        own = np.where(of_value[own] == place[issue], own, NOTHING)
        none = np.full(len(void), NOTHING, dtype=np.int64)
        return self._ending(
            "jar", np.append(group, place[issue]), np.append(void, issue), of_value,
            np.append(none, own),
        )  # fmt: skip

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

    def _ending(self, reach: Reach, group: Ints, issue: Ints, of_value: Ints, own: Ints) -> Ends:
        """Ends by issues; clients have to know them where these bind."""
        issued = self._bucket.issued
        return self._ends_by(
            *(reach, group, issued.exchange[issue], issued.series[issue], of_value),
            binding=self.binding[issue],
            own=own,
        )

    def _of_values(self, value: Ints, response: Ints) -> Ends:
        """Ends of values by responses; clients have to know them where these arrived."""
        bucket = self._bucket
        every = np.arange(len(bucket.values), dtype=np.int64)
        return self._ends_by(
            *("value", value, response, bucket.values.series[value], every),
            binding=bucket.exchanges.clock[bucket.exchanges.response_end[response]] < FOREVER,
            own=value,
        )

    def _ends_by(
        self,
        reach: Reach,
        group: Ints,
        response: Ints,
        series: Ints,
        of_value: Ints,
        *,
        binding: Bools,
        own: Ints,
    ) -> Ends:
        param, jar = self._bucket.series_param[series], self.jars.getting(series, response)
        # Servers may take a value for some time longer.
        graces = [self._param(d, p, "grace_s") or 0 for d, p in self._bucket.params] or [0]
        delay_us = np.array(graces, dtype=np.int64)[param] * SECOND_US
        return Ends(reach, group, response, delay_us, of_value, binding, own, jar)

    def _param(self, dialect: str, name: str, key: str) -> int | None:
        param = next(d for d in self._bucket.dialects if d.name == dialect).param(name)
        return None if param is None else cast("int | None", getattr(param, key))


def _is_in_location(param: Param | None) -> bool:
    """Whether a redirect's target may issue the parameter."""
    return param is not None and any(place.channel == "location" for place in param.issue)
