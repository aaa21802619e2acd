"""Excuses: requests without a session key, whose sender may hold more than one session.

Enters: the verdicts of a bucket, and its sessions. Leaves: verdicts with reasons.

A request that presents no key of its dialect's sessions was judged by all that was issued to its
sender. The first line that fits decides what becomes of its rows:

L4  The sender holds several sessions at once: ``not-applicable``, reason `many-sessions`; a request
    for a new session stays ``restarted`` and is no fault. It does so where a session is accepted,
    then another one that began meanwhile, then the first again.
L6  It asks for a new session: a fault only if the session before was never presented. Else
    reason `new-session`; or `many-sessions` where a session that began before is presented
    after it: that one was not thrown away. A request that is given a new session without asking
    is ``not-applicable`` for the reason `new-session`, and so is what is missing of a request
    beside another one without a key that begins a session: it was sent when the sender need not
    know that session yet, or was not answered when the other one was sent. A new process sends
    several requests at once. A login where that begins a session is `new-session` whether or
    not the session before was presented (L1): it may be another user's. The session before is
    the one that began last, the one of which the sender learned last (it presented a key of it,
    or has to know an issue of one: L2, L8) or the one of which it did so latest: of several
    that it was given at once it keeps one. Here and below what excuses for any of them counts:
    a key that did not arrive was not thrown away. After a logout, or `PAUSE_US` after its last
    request of a session (an idle night), the sender may be a new process: the session counts as
    presented here, and as ended below.
L4  Requests with and without the key alternate at its endpoint (two changes or more):
    ``not-applicable``, reason `many-sessions`. Where the protocol allows reads without the key
    alone (`Param.stateless`), a write of the cart is not excused (L7): it needs a session, a
    guest's as well.
L7  The session before had ended, by a logout or because the server refused its key, and was not
    accepted since: what would be a fault is ``not-applicable``, reason `session-ended`. So is what
    is missing, where only other sessions of the sender than the one before had been given it.
L7  The protocol allows requests without the key (`Param.stateless`), the request does not write a
    cart, and a session that began before is presented later: ``not-applicable``, reason
    `stateless`.

Once a session had ended no request need present a key of it (L7) that the server has neither taken
nor issued again: ``not-applicable``, reason `session-ended`; nor, after a logout, other state that
was not issued again. So a visitor who logs out goes on with one key and without what a login gave.
A logout counts from when it was sent, unless it surely failed (4xx): also where no answer came the
client has let the session go. Where a login begins a session, that of a visitor need not present
the keys of the one before: ``not-applicable``, reason `new-session`.

A sender that is told apart by a declared identity (a header, a proxy user) is one user: there
neither line L4 excuses that the key is missing.

Nothing need be presented (L7) by HEAD; by requests that ask whether the API is up; in a header, by
requests to which a page can add none (`Sec-Fetch-Dest`); and in the query, by a request for the
target of a redirect that came just before: the client's library made it of the server's `Location`.
A channel in which no issue to the sender told it to present the value excuses nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    among,
    chosen,
    ranked,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import acting, beginning, of_params, refuses
from statetrail.analyses.columnar.settings import Settings
from statetrail.analyses.conformance import verdict
from statetrail.analyses.conformance.by_session.alternation import alternating_requests
from statetrail.analyses.conformance.by_session.channels import follows, is_wanted_in
from statetrail.analyses.conformance.by_session.held import sessions_held
from statetrail.analyses.conformance.by_session.key_values import KeyUses
from statetrail.analyses.conformance.by_session.pauses import key_issues, pauses
from statetrail.analyses.conformance.verdict import FAULTS, REASONS, VERDICTS
from statetrail.analyses.conformance.visibility import (
    CLIENT_ERROR,
    FOREVER,
    HEADER,
    URIQUERY,
)
from statetrail.analyses.events.lineage import Lineage, dialect_places, positions
from statetrail.schema.clients import DECLARED

_REASONS: Final = tuple(REASONS)
_FAULTS: Final = tuple(VERDICTS.index(name) for name in FAULTS)
_NOT_APPLICABLE: Final = VERDICTS.index(verdict.NOT_APPLICABLE)
_OMITTED: Final = VERDICTS.index(verdict.OMITTED)
_MALFORMED: Final = _REASONS.index(verdict.MALFORMED_ISSUE)
_RESTARTED: Final = VERDICTS.index(verdict.RESTARTED)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of verdicts: places in the bucket, the dialect's place, the verdict and the reason."""

    exchange: Ints
    series: Ints
    dialect: Ints
    verdict: Ints
    reason: Ints


def excused(
    bucket: Bucket, lineage: Lineage, options: Settings, uses: KeyUses, is_key: Bools, rows: Rows
) -> tuple[Ints, Ints, Ints]:
    """The verdicts and reasons with what excuses them, and the session of each row."""
    exchanges, rank, reason = bucket.exchanges, rows.verdict.copy(), rows.reason.copy()
    endpoint, param = exchanges.endpoint[rows.exchange], bucket.series_param[rows.series]
    session = lineage.of_request[rows.dialect, rows.exchange]

    def excuse(which: Bools, why: str, *, keep: Bools | None = None) -> None:
        """Give the rows the reason, and the verdict ``not-applicable`` but where it is kept."""
        open_ = which & (reason == NOTHING) & (rank != _NOT_APPLICABLE)
        reason[open_] = _REASONS.index(why)
        rank[open_ if keep is None else open_ & ~keep] = _NOT_APPLICABLE

    spoilt = reason == _MALFORMED  # what need not be presented is not missed for another reason
    reason[spoilt] = NOTHING
    absent = rank == _OMITTED
    excuse(absent & exchanges.heads[rows.exchange], verdict.METHOD)
    if absent.any():
        excuse(absent & acting(bucket, "health")[endpoint, param], verdict.HEALTH)
        wanted = rows.exchange, rows.series
        headless = exchanges.headless[rows.exchange] & is_wanted_in(bucket, HEADER, *wanted)
        excuse(absent & headless, verdict.CANNOT_CARRY)
        followed = follows(bucket)[rows.exchange] & is_wanted_in(bucket, URIQUERY, *wanted)
        excuse(absent & followed, verdict.REDIRECTED)
    key = is_key[param]
    bare = np.flatnonzero(session == NOTHING)
    others = np.flatnonzero((session != NOTHING) & (rank == _OMITTED))
    if not (lineage.of_value >= 0).any() or not (len(bare) or len(others)):
        return rank, _or_malformed(rank, reason, spoilt), session
    width = len(bucket.dialects)
    known = sessions_held(bucket, lineage, uses, is_key)
    moment = exchanges.request_start[rows.exchange]
    request = positions(bucket, rows.exchange, moment, request=True)
    ended = np.zeros(len(rank), dtype=np.bool_)
    for each, left in ((others[key[others]], False), (others[~key[others]], True)):
        of_key = bucket, lineage, uses, known.accepted, session[each], request[each]
        ended[each] = _ended(*of_key, key=(param[each], moment[each]), left=left)
    excuse(ended, verdict.SESSION_ENDED)
    logs_in = beginning(bucket)[endpoint, param]
    excuse((session != NOTHING) & key & logs_in & (rank == _OMITTED), verdict.NEW_SESSION)
    reason = _or_malformed(rank, reason, spoilt)
    group = exchanges.client[rows.exchange] * width + rows.dialect
    before, learned, kept = np.full((3, len(rank)), NOTHING, dtype=np.int64)
    roots, wanted = known.place, (group[bare], request[bare])
    before[bare] = known.before(roots, known.began, *wanted)
    learned[bare] = known.before(roots, known.learned, *wanted)
    kept[bare] = known.before(*known.contact, *wanted)
    without = session == NOTHING
    declared = any(name in DECLARED for name in options.client_by)
    asks = rank == _RESTARTED
    many = without & known.many[group]
    excuse(many & (asks | ~(declared & key)), verdict.MANY_SESSIONS, keep=asks)
    used = np.append(known.used, False)
    paused = pauses(bucket, lineage, is_key)[rows.dialect, rows.exchange]
    used = used[before] | used[learned] | used[kept] | paused
    excuse(without & asks & used, verdict.NEW_SESSION, keep=asks)
    given = lineage.of_response[rows.dialect, rows.exchange]
    answer_start = exchanges.response_start[rows.exchange]
    response = positions(bucket, rows.exchange, answer_start, request=False)
    begins = (given != NOTHING) & (np.append(lineage.began, NOTHING)[given] == response + 1)
    beside = np.zeros(len(rank), dtype=np.bool_)
    of_bare = group[bare], before[bare], request[bare], answer_start[bare]
    beside[bare] = known.begins_beside(*of_bare)
    begins |= beside & (rank == _OMITTED)
    another = logs_in & (np.maximum(np.maximum(before, learned), kept) != NOTHING)
    excuse(without & ~asks & (another | (begins & used)), verdict.NEW_SESSION)
    later = without & (rank != _NOT_APPLICABLE)
    later[later] = known.presented_later(group[later], request[later])
    excuse(later & asks, verdict.MANY_SESSIONS, keep=asks)
    stateless = of_params(bucket, lambda param: param is not None and param.stateless is not None)
    cart = exchanges.writes[rows.exchange] & acting(bucket, "cart")[endpoint, param]
    if not declared:
        pair = rows.dialect * len(exchanges) + rows.exchange
        missing = without & key & (rank == _OMITTED) & (reason == NOTHING)
        alternating = alternating_requests(bucket, lineage, pair[missing])
        guests = within(pair, alternating) & ~(stateless[param] & cart)
        excuse(without & guests, verdict.MANY_SESSIONS)
    own = np.flatnonzero(without & key & (rank == _OMITTED))
    for each in (before, learned, kept):
        ended |= _ended(bucket, lineage, uses, known.accepted, each, request)
        of_key = bucket, lineage, uses, known.accepted, each[own], request[own]
        ended[own] |= _ended(*of_key, key=(param[own], moment[own]))
    over = (ended | paused) & np.isin(rank, _FAULTS)
    rest = without & (rank == _OMITTED) & (np.maximum(before, learned) != NOTHING)
    over[rest] |= ~_given(bucket, lineage, chosen(rows, rest), (before[rest], learned[rest]))
    excuse(without & over, verdict.SESSION_ENDED)
    excuse(later & stateless[param] & (rank == _OMITTED) & ~cart, verdict.STATELESS)
    named = without & (reason != _REASONS.index(verdict.MANY_SESSIONS))
    return rank, reason, np.where(named, before, session)


def _or_malformed(rank: Ints, reason: Ints, spoilt: Bools) -> Ints:
    """The reasons, and `malformed-issue` where nothing else excuses the row."""
    return np.where(spoilt & (rank != _NOT_APPLICABLE), _MALFORMED, reason)


def _given(bucket: Bucket, lineage: Lineage, rows: Rows, sessions: tuple[Ints, ...]) -> Bools:
    """Whether one of the sessions, or the sender outside of any, had been given the parameter."""
    exchanges, issued = bucket.exchanges, bucket.issued
    width, params, count = len(bucket.dialects), len(bucket.params), len(bucket.values)
    param, dialect = bucket.series_param[issued.series], dialect_places(bucket)

    def sender(exchange: Ints, dialect: Ints) -> Ints:
        return count + exchanges.client[exchange] * width + dialect

    session = lineage.of_response[dialect[param], issued.exchange]
    owner = np.where(session == NOTHING, sender(issued.exchange, dialect[param]), session)
    sound = np.flatnonzero(issued.sound)
    keys, place = np.unique(owner[sound] * params + param[sound], return_inverse=True)
    first = np.full(len(keys) + 1, FOREVER)
    np.minimum.at(first, place, exchanges.response_start[issued.exchange[sound]])
    moment, own = exchanges.request_start[rows.exchange], bucket.series_param[rows.series]
    given = np.zeros(len(moment), dtype=np.bool_)
    for each in (*sessions, sender(rows.exchange, rows.dialect)):
        known = np.where(each == NOTHING, NOTHING, among(keys, each * params + own))
        given |= first[known] <= moment
    return given


def _ended(
    bucket: Bucket,
    lineage: Lineage,
    uses: KeyUses,
    accepted: Ints,
    sessions: Ints,
    request: Ints,
    *,
    key: tuple[Ints, Ints] | None = None,
    left: bool = False,
) -> Bools:
    """Whether these sessions had ended before these requests, and were not accepted since.

    With a `key` (its parameter and the start of each request): whether they had ended, and this key
    was not accepted since, nor issued so that the request had to know it. `left`: by a logout.
    """
    exchanges, presented, issued = bucket.exchanges, bucket.presented, bucket.issued
    exchange = presented.exchange[uses.row]
    param = bucket.series_param[presented.series[uses.row]]
    dialect, params = dialect_places(bucket), max(len(bucket.params), 1)
    session = lineage.of_request[dialect[param], exchange]
    status = exchanges.status[exchange]
    logout = acting(bucket, "logout")[exchanges.endpoint[exchange], param]
    logout &= exchanges.open[exchange] & (status // 100 != CLIENT_ERROR)
    refused = refuses(bucket, param, status) & ~uses.answered
    end = np.flatnonzero(logout if left else logout | refused)
    ended_by = exchange[end]
    ends = positions(bucket, ended_by, exchanges.response_start[ended_by], request=False)
    # A logout counts from when it was sent: the client has let the session go. What is accepted
    # until its answer does not undo it, itself neither.
    sent = positions(bucket, ended_by, exchanges.request_start[ended_by], request=True)
    since = np.where(logout[end], sent, ends)
    ends = np.where(logout[end], np.maximum(ends, sent + 1), ends)
    taken = exchange[accepted]
    uses_at = positions(bucket, taken, exchanges.request_start[taken], request=True)
    issue = np.empty(0, dtype=np.int64)
    if key is not None:
        issue = key_issues(bucket, np.isin(np.arange(len(bucket.params)), key[0]))
    giving, given = issued.exchange[issue], bucket.series_param[issued.series[issue]]
    issued_at = positions(bucket, giving, exchanges.response_start[giving], request=False) + 1
    moments = ranked(ends, since, uses_at, issued_at, request)
    (ends, since, uses_at, issued_at, request), times = moments
    span = max(len(times), exchanges.span)
    wanted = np.where(sessions == NOTHING, len(bucket.values), sessions)
    index = AsOfIndex(session[end], since, span)
    ended = index.maxima(ends)[index.at(wanted, request, inclusive=False)]
    used_by = session[accepted]
    if key is not None:
        used_by, wanted = used_by * params + param[accepted], wanted * params + key[0]
    index = AsOfIndex(used_by, uses_at, span)
    used = index.maxima(uses_at)[index.at(wanted, request, inclusive=False)]
    if key is not None:
        given_to = lineage.of_response[dialect[given], giving] * params + given
        index = AsOfIndex(given_to, exchanges.visible_from[giving], span)
        known = index.maxima(issued_at)[index.at(wanted, key[1], inclusive=False)]
        used = np.maximum(used, known)
    over: Bools = ended > used
    return over
