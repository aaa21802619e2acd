"""Verdicts: what each request did with each state parameter that had been issued before.

Enters: the facts of a recording. Leaves: one row per request and parameter (table `verdicts`).

Whose session
-------------
Requests that present a session key belong to the session of that key
(`statetrail.analyses.events.lineage`). They are judged by what was issued to that session. Other
requests are judged by all that was issued to their sender, and are excused where the sender may
hold more than one session (`statetrail.analyses.conformance.by_session.excuses`). A value that is
old or unknown in its session, and yet the newest that its sender was given, is excused, too. Of a
session that other senders hold, too, only the key values are judged
(`statetrail.analyses.conformance.by_session.other_senders`).

L1  A value of a session key is superseded only by the issue of another value in a response to a
    request of its session that presented it
    (`statetrail.analyses.conformance.by_session.key_values`). A request that presents a value of a
    key is judged by its values of that key alone.
L8  What came with an error, a redirect or from a cache binds nobody: it is treated like a malformed
    issue.

The race rule
-------------
A verdict against a client holds under every order of events that fits what the proxy saw. For a
request that starts at ``s``:

R1  An issue *may* be known once its response has begun: ``response start <= s``.
R2  It *must* be known once its response has ended and the grace period has passed:
    ``response end + grace < s``. A response that never ended (cut short) never has to be known.
R3  Issue *j* supersedes *i* only if j's response began after i's had ended. Else they are
    concurrent, and either value may be presented.

So, with ``M`` the latest start of the responses whose issues must be known, an issue is *current*
while its response ended at ``M`` or later; and the value p is stale exactly when ``M`` lies after
the latest end of the issues of p that may be known. These are running maxima over events sorted by
time. A tie always counts for the client.

R4  The times of some captures are not exact: a browser composes a request before it waits in its
    queue and for a connection (`Exchanges.doubt`), and some writers leave out fractions of seconds.
    A fault has to hold at the times that leave the client the least to know, too; else the verdict
    is ``in-flight``.

From this and the table `statetrail.analyses.conformance.verdict.DECISIONS` come the verdicts.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, chosen, within
from statetrail.analyses.columnar.bucket import (
    VALUE,
    Bucket,
    bucket,
)
from statetrail.analyses.columnar.coding import Words
from statetrail.analyses.columnar.dialect_masks import (
    SpokenAt,
    allowed,
    bound,
    server_issued,
    spoken_at,
)
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, table, words
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.analyses.conformance import race, tables, verdict
from statetrail.analyses.conformance.by_session.excuses import Rows, excused
from statetrail.analyses.conformance.by_session.key_values import key_uses, key_verdicts
from statetrail.analyses.conformance.by_session.other_senders import is_held_by_others, shared_codes
from statetrail.analyses.conformance.by_session.other_sessions import as_senders, without_session
from statetrail.analyses.conformance.by_session.owners import (
    absent,
    first_issues,
    owners_of,
    rows_to_judge,
    sender_series,
)
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.conformance.declared.judging import judged
from statetrail.analyses.conformance.verdict import DEATHS, FAULTS, REASONS, VERDICTS
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage, dialect_places, key_ranks, lineage
from statetrail.schema.clients import DECLARED

_REASONS = tuple(REASONS)
_STRANGE = tuple(
    VERDICTS.index(name)
    for name in (verdict.STALE, verdict.DEFIED, verdict.OVERRIDDEN, verdict.FOREIGN)
)
_OVERRIDDEN = VERDICTS.index(verdict.OVERRIDDEN)
_FAULTS = tuple(VERDICTS.index(name) for name in FAULTS)
_DEATHS = tuple(_REASONS.index(name) for name in DEATHS)


@dataclass(frozen=True, slots=True)
class Judgements:
    """The verdicts on the requests of a bucket, one row per request and series.

    `exchange`, `series` and `value` are places in the bucket (`value` -1: none was presented),
    `channel` one in `Bucket.channels`, `verdict` one in `VERDICTS`, `reason` one in `REASONS` or
    -1, `session` one in `Bucket.values` or -1.
    """

    exchange: Ints
    series: Ints
    value: Ints
    channel: Words
    verdict: Ints
    reason: Ints
    session: Ints

    @property
    def fault(self) -> Bools:
        """The rows that count against a client's compliance."""
        alone = (self.reason == NOTHING) | np.isin(self.reason, _DEATHS)
        faults: Bools = np.isin(self.verdict, _FAULTS) & alone
        return faults


@artifact(needs=(bucket, lineage, settings, spoken_at, shared_codes, declarations), stored=True)
def judgements(
    bucket: Bucket,
    lineage: Lineage,
    options: Settings,
    spoken_at: SpokenAt,
    shared: Ints,
    declared: Declarations | None,
) -> Judgements:
    """The verdicts on the requests of a bucket."""

    def judge(of: Bucket) -> Judgements:
        if declared is not None:
            return _by_declaration(of, lineage, options, declared, shared)
        return _by_session(of, lineage, options, spoken_at, shared)

    given = judge(bucket)
    if bucket.exchanges.doubt is None or not given.fault.any():
        return given
    return _unless_in_doubt(bucket, given, judge(replace(bucket, exchanges=bucket.exchanges.least)))


def _unless_in_doubt(bucket: Bucket, given: Judgements, least: Judgements) -> Judgements:
    """The verdicts, with ``in-flight`` for faults that are none at the times that leave clients the
    `least` to know."""
    width = max(len(bucket.series_client), 1)
    held = least.fault
    keys = np.sort(
        (least.exchange[held] * width + least.series[held]) * len(VERDICTS) + least.verdict[held]
    )
    own = (given.exchange * width + given.series) * len(VERDICTS) + given.verdict
    unsure = given.fault & (among(keys, own) == NOTHING)
    return replace(
        given,
        verdict=np.where(unsure, VERDICTS.index(verdict.IN_FLIGHT), given.verdict),
        reason=np.where(unsure, NOTHING, given.reason),
    )


def _by_declaration(
    bucket: Bucket, lineage: Lineage, options: Settings, declared: Declarations, shared: Ints
) -> Judgements:
    one_jar = any(name in DECLARED for name in options.client_by)
    rows = judged(bucket, declared, lineage, allowed(bucket), options.grace_us, one_jar=one_jar)
    dialect = dialect_places(bucket)[bucket.series_param[rows.series]]
    session = lineage.of_request[dialect, rows.exchange]
    # What another sender was given may have renewed or deleted it.
    moved = (rows.verdict == VERDICTS.index(verdict.OMITTED)) & (rows.reason == NOTHING)
    moved |= rows.reason == _REASONS.index(verdict.EXPIRED)
    moved &= is_held_by_others(bucket, lineage, shared, rows.exchange, dialect)
    rank = np.where(moved, VERDICTS.index(verdict.NOT_APPLICABLE), rows.verdict)
    reason = np.where(moved, _REASONS.index(verdict.OTHER_SENDERS), rows.reason)
    return Judgements(
        *(rows.exchange, rows.series, rows.value, rows.channel, rank, reason, session)
    )


def _by_session(
    bucket: Bucket,
    lineage: Lineage,
    options: Settings,
    spoken_at: SpokenAt,
    shared: Ints,
) -> Judgements:
    exchanges, presented = bucket.exchanges, bucket.presented
    is_key, dialect = key_ranks(bucket) >= 0, dialect_places(bucket)
    param = bucket.series_param[presented.series]
    session = lineage.of_request[dialect[param], presented.exchange]
    of_key = is_key[param] & (presented.kind == VALUE)
    owners = owners_of(bucket, lineage, session)
    first = first_issues(bucket, owners)
    known = np.append(first, FOREVER)[owners.series] <= exchanges.request_start[presented.exchange]
    # Tokens that no issue before them explains.
    known |= (presented.kind == VALUE) & server_issued(bucket)[param]
    # A value of a key decides alone.
    known &= of_key | ~_beside(bucket, is_key[param], of_key)
    shown = np.flatnonzero(known)
    missing = absent(bucket, owners, first, dialect)
    rows = rows_to_judge(bucket, owners, shown, missing, bound(bucket, spoken_at))
    exchange, params = rows.exchange, np.append(param[shown], owners.series_param[missing.series])
    keyed = np.flatnonzero(of_key[shown])
    row = np.flatnonzero(of_key)
    mixed = lineage.of_value[presented.value[row]] != session[row]
    uses, replaced = key_uses(bucket, row, is_key, mixed)
    rank, reason = np.empty((2, len(rows)), dtype=np.int64)
    rank[keyed], reason[keyed] = key_verdicts(
        bucket, lineage, uses, replaced, mixed, rows.bound[keyed]
    )
    others = np.ones(len(rows), dtype=np.bool_)
    others[keyed] = False
    rank[others], reason[others] = race.judged(bucket, owners.issues, chosen(rows, others))
    in_session = (session[shown] >= 0) & ~of_key[shown]
    unplaced = np.flatnonzero(in_session)
    unplaced = unplaced[np.isin(rank[unplaced], _STRANGE)]
    unplaced = unplaced[
        without_session(bucket, lineage, dialect)[presented.value[shown[unplaced]]]
        <= exchanges.request_start[presented.exchange[shown[unplaced]]]
    ]
    rank[unplaced] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[unplaced] = _REASONS.index(verdict.NO_SESSION)
    as_senders(
        bucket, owners.issues, rows, shown, rank, reason, (session[shown] >= 0) & ~of_key[shown]
    )
    kept = np.append(
        race.mildest(exchange[: len(shown)], presented.series[shown], rank[: len(shown)]),
        np.arange(len(shown), len(exchange)),
    )
    # The series of the sender, whoever owned those that judged.
    series = sender_series(bucket, exchange, params)
    series[: len(shown)] = presented.series[shown]
    value = np.append(presented.value[shown], np.full(len(missing.exchange), NOTHING))
    exchange, dialect = exchange[kept], dialect[params[kept]]
    rank, reason, of = excused(
        *(bucket, lineage, options, uses, is_key),
        Rows(exchange, series[kept], dialect, rank[kept], reason[kept]),
    )
    alone = (np.isin(rank, _FAULTS) & (reason == NOTHING)) | (rank == _OVERRIDDEN)
    moved = others[kept] & alone
    moved &= is_held_by_others(bucket, lineage, shared, exchange, dialect)
    rank[moved] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[moved] = _REASONS.index(verdict.OTHER_SENDERS)
    unsure = exchanges.backwards[exchange] & np.isin(rank, _FAULTS) & (reason == NOTHING)
    rank[unsure] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[unsure] = _REASONS.index(verdict.CLOCK_SET_BACK)
    return Judgements(exchange, series[kept], value[kept], rows.channel[kept], rank, reason, of)


@analysis(tables.VERDICTS, needs=(bucket, judgements))
def verdicts(bucket: Bucket, judged: Judgements) -> pa.Table:
    """The verdict on what each request did with each parameter that had been issued before.

    Returns
    -------
    Frame
        `statetrail.analyses.conformance.tables.VERDICTS`.
    """
    exchanges, exchange, value = bucket.exchanges, judged.exchange, judged.value
    present = value != NOTHING
    return table(
        tables.VERDICTS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, judged.series),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "verdict": words(judged.verdict, VERDICTS),
            "reason": words(judged.reason, _REASONS),
            "fault": judged.fault,
            "session": numbers(
                bucket.values.fingerprint[judged.session], judged.session != NOTHING
            ),
            "fingerprint": numbers(bucket.values.fingerprint[value], present),
            "channel": words(judged.channel, bucket.channels, present=present),
        },
    )


def _beside(bucket: Bucket, is_key: Bools, of_key: Bools) -> Bools:
    """Rows of session keys beside which their request presents a value of the key."""
    presented, count = bucket.presented, len(bucket.series_client)
    others = np.flatnonzero(is_key & ~of_key)
    beside = np.zeros(len(presented), dtype=np.bool_)
    if len(others):
        keys = presented.exchange * max(count, 1) + presented.series
        beside[others] = within(keys[others], keys[of_key])
    return beside
