"""Held: the sessions of each sender, and which of them lie before a request.

Enters: a bucket, its sessions, and the uses of their keys. Leaves: `Held`, which the excuses of
requests without a key ask (`statetrail.analyses.conformance.by_session.excuses`).
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, ranked
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.by_session.key_values import KeyUses
from statetrail.analyses.conformance.by_session.pauses import key_issues
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.lineage import Lineage, dialect_places, positions


@dataclass(frozen=True, slots=True)
class Held:
    """The sessions of a bucket, by the place of the value that names them; times are positions.

    `group` is a sender and dialect, `many` says by group whether it holds several at once.
    `contact`: a session, and when the sender presented a key of it or had to know one; `learned`:
    the first time. `requested`: the start of the request whose response began it, a rank of time;
    -1 where a request did. `used`: a key was presented, `last_seen` the last time. `accepted` are
    the uses that the server took.
    """

    place: Ints
    group: Ints
    began: Ints
    contact: tuple[Ints, Ints]
    learned: Ints
    requested: Ints
    used: Bools
    last_seen: Ints
    accepted: Ints
    many: Bools

    def begins_beside(
        self, group: Ints, before: Ints, request: Ints, response_start: Ints
    ) -> Bools:
        """Whether another request of the group begins a session beside each request.

        Its response began the session that began last `before`, and the request need not know it
        yet; or it was sent by the start of the response to this request, and began one later.
        """
        if not len(self.place):
            return np.zeros(len(before), dtype=np.bool_)
        nth = np.searchsorted(self.place, before).clip(max=len(self.place) - 1)
        beside: Bools = (before != NOTHING) & (self.requested[nth] != NOTHING)
        beside &= self.learned[nth] > request
        own = np.flatnonzero(self.requested != NOTHING)
        (began, request), times = ranked(self.began[own], request)
        latest = max(int(response_start.max(initial=0)), int(self.requested.max(initial=0)))
        span = max(latest + 1, len(times))
        index = AsOfIndex(self.group[own], self.requested[own], span)
        beside |= index.maxima(began)[index.at(group, response_start)] > request
        return beside

    def presented_later(self, group: Ints, request: Ints) -> Bools:
        """Whether a session of the group that began before each request is presented after it."""
        last = self.last_seen[self.place]
        (began, last, request), times = ranked(self.began, last, request)
        index = AsOfIndex(self.group, began, len(times))
        later: Bools = index.maxima(last)[index.at(group, request, inclusive=False)] > request
        return later

    def before(self, session: Ints, since: Ints, group: Ints, request: Ints) -> Ints:
        """The last session of the group at these moments before each request; -1 for none."""
        (since, request), times = ranked(since, request)
        own = np.searchsorted(self.place, session)
        # The one that began last, where the sender learned of several at once.
        order = np.lexsort((self.began[own], since))
        nth = np.empty(len(order), dtype=np.int64)
        nth[order] = np.arange(len(order), dtype=np.int64)
        index = AsOfIndex(self.group[own], since, len(times) + len(order))
        last = index.maxima(nth)[index.at(group, request, inclusive=False)]
        return np.append(session[order], NOTHING)[last]


def sessions_held(bucket: Bucket, lineage: Lineage, uses: KeyUses, is_key: Bools) -> Held:
    """The sessions of a bucket."""
    presented, exchanges, width = bucket.presented, bucket.exchanges, len(bucket.dialects)
    dialect = dialect_places(bucket)
    place = np.flatnonzero(lineage.of_value == np.arange(len(lineage.of_value), dtype=np.int64))
    series = bucket.values.series[place]
    group = bucket.series_client[series] * width + dialect[bucket.series_param[series]]
    exchange = presented.exchange[uses.row]
    position = positions(bucket, exchange, exchanges.request_start[exchange], request=True)
    session = lineage.of_value[presented.value[uses.row]]
    param = bucket.series_param[presented.series[uses.row]]
    own = session == lineage.of_request[dialect[param], exchange]
    status = exchanges.status[exchange]
    taken = (status >= 200) & (status < 400) & (uses.again | ~uses.answered)
    used = np.zeros(len(bucket.values), dtype=np.bool_)
    used[session] = True
    _, last_seen = extremes(session, position, len(bucket.values))
    accepted = np.flatnonzero(own & taken)
    first, last = extremes(session[accepted], position[accepted], len(bucket.values))
    many = _many(group, lineage.began[place], first[place], last[place])
    groups = np.zeros(len(bucket.clients) * width, dtype=np.bool_)
    groups[group[many]] = True
    issue = key_issues(bucket, is_key)
    # Just after the requests at that moment: they need not know it yet.
    seen = exchanges.visible_from[bucket.issued.exchange[issue]] * 2 + 1
    seen = (seen * len(exchanges) + len(exchanges) - 1) * 2 + 1
    seen = np.append(position, seen)
    contact = np.append(session, lineage.of_value[bucket.issued.value[issue]]), seen
    began, learned = lineage.began[place], extremes(*contact, len(bucket.values))[0][place]
    # The position says which exchange it was, and whether its response (see `lineage`).
    number = began // 2 % max(len(exchanges), 1)
    requested = exchanges.request_start[np.argsort(exchanges.id)[number]]
    requested = np.where(began % 2 == 1, requested, NOTHING)
    return Held(place, group, began, contact, learned, requested, used, last_seen, accepted, groups)


def _many(group: Ints, began: Ints, first: Ints, last: Ints) -> Bools:
    """The sessions during which another one of the group was accepted for the first time."""
    (began, first, last), times = ranked(began, first, last)
    span = len(times) + 1
    firsts = np.sort(group * span + first)
    inside = np.searchsorted(firsts, group * span + last) - np.searchsorted(
        firsts, group * span + began, "right"
    )
    return inside > ((began < first) & (first < last))
