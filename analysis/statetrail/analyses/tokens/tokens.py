"""Tokens: each value of each parameter of each client, from its first sighting to its last.

Enters: a recording. Leaves: the table `TOKENS`, one row per client, origin, dialect, parameter
and value, whether it was seen issued, presented or both.

A value is superseded when a response issues another one to the same session (or client, where it
belongs to none), and that response began after the last one that issued this value had ended. Of
two responses under way at once neither supersedes the other: the client may go on with either. A
value of a session key is superseded only by a response to a request that presented it.

How a value ended
    These ends are looked for:
    `reset`, a response issued another value to a request that presented this one;
    `rejected`, a status refused it;
    `restarted`, its client asked for a new one;
    `logged-out`, its client logged out with it;
    `rotated`, it was superseded.
    An end counts only if the value was not honoured afterwards, by a response that began then or
    later (a logout's own response does not matter). The first that counts is the value's end; of
    several at one moment, the first in the list above. Else the value is still `open` when the
    capture ends. What honours and refuses a value: `statetrail.analyses.events.acceptance`.

The successors of a value are the edges of the table `ROTATIONS`: parallel requests can each be
given a new value, so a value may have several.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import superseded_by
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table, words
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import Acceptance, acceptance
from statetrail.analyses.events.history import History, history
from statetrail.analyses.events.lineage import Lineage, lineage, owners
from statetrail.analyses.events.replacements import RESTARTED, Replacements, replacements
from statetrail.analyses.tokens.tables import TOKENS

ENDS: Final[dict[str, str]] = {
    "reset": "The server answered a request that presented it with another value",
    "rejected": "The server refused it (401, 403, 419, 440)",
    "restarted": "Its client asked for a new one",
    "logged-out": "Its client logged out",
    "rotated": "The server issued another one",
    "open": "It had not ended when the capture did",
}
"""How values end; of several ends at one moment the first counts."""


@analysis(TOKENS, needs=(bucket, lineage, history, replacements), audited=True)
def tokens(
    bucket: Bucket, lineage: Lineage, history: History, replacements: Replacements
) -> pa.Table:
    """The life of every value: when issued, how often and until when used, how it ended.

    Requests that ask for a value (``kind`` ``establish``) present none; malformed issues bind
    nobody.

    Returns
    -------
    Frame
        `statetrail.analyses.tokens.tables.TOKENS`. ``observed_s`` runs from the first sighting to
        the last, where a sighting is the start of a response that issued the value or of a request
        that presented it: how long it was seen, not how long it lived.
    """
    outcome = acceptance(bucket, history)
    values, clock, count = bucket.values, bucket.exchanges.clock, len(bucket.values)
    issues = _count(count, history.issues.value)
    uses = _count(count, history.uses.value)
    superseded = _superseded(bucket, lineage, history, outcome)
    end, ended_at = _ends(bucket, history, outcome, replacements, superseded)
    seen = np.flatnonzero((issues > 0) | (uses > 0))
    issued, used = issues[seen] > 0, uses[seen] > 0
    first = np.minimum(history.issued, history.used)[seen]
    last = np.maximum(history.reissued, history.reused)[seen]

    def at(moment: Ints, present: Bools) -> pa.Array:
        return numbers(clock[np.where(present, moment[seen], 0)], present)

    def of_uses(which: Bools) -> Ints:
        return _count(count, history.uses.value[which])[seen]

    return table(
        TOKENS,
        {
            **of_series(bucket, values.series[seen]),
            "fingerprint": values.fingerprint[seen],
            "value": words(values.text[seen], bucket.texts),
            "length": numbers(values.length[seen], values.length[seen] >= 0),
            "alphabet": words(values.alphabet[seen], bucket.texts),
            "issues": issues[seen],
            "uses": uses[seen],
            "first_issued_us": at(history.issued, issued),
            "last_issued_us": at(history.reissued, issued),
            "first_presented_us": at(history.used, used),
            "last_presented_us": at(history.reused, used),
            "superseded_us": at(superseded, superseded[seen] >= 0),
            "uses_in_flight": of_uses(history.uses.in_flight),
            "uses_late": of_uses(history.uses.late),
            "late_honoured": of_uses(history.uses.late & outcome.honoured),
            "successors": _successors(replacements, count)[seen],
            "end": words(end[seen], [*ENDS]),
            "ended_at_us": at(ended_at, ended_at[seen] >= 0),
            "left_truncated": history.left_truncated[seen],
            "observed_s": seconds(clock[last] - clock[first], np.ones(len(seen), dtype=np.bool_)),
        },
    )


def _count(count: int, values: Ints) -> Ints:
    return np.bincount(values, minlength=count)


def _successors(replacements: Replacements, count: int) -> Ints:
    """How many values each was rotated to."""
    known = replacements.before >= 0
    edges = unique(replacements.before[known] * max(count, 1) + replacements.to[known])
    return _count(count, edges // max(count, 1))


def _superseded(bucket: Bucket, lineage: Lineage, history: History, outcome: Acceptance) -> Ints:
    """When the first response began that issued another value after the last end of this one.

    -1 where there is none.
    """
    issues, exchanges, count = history.issues, bucket.exchanges, len(bucket.values)
    superseded = np.full(count, NOTHING, dtype=np.int64)
    owner = owners(bucket, lineage, issues.exchange, issues.series)
    of_value = np.full(count, NOTHING, dtype=np.int64)
    ended = np.argsort(exchanges.response_end[issues.exchange], kind="stable")
    of_value[issues.value[ended]] = owner[ended]  # of the issue that ended last
    replaced, uses = np.flatnonzero(outcome.replaced), history.uses
    mode = superseded_by(bucket)[bucket.series_param[bucket.values.series]]
    for group, exchange, of, which in (
        (owner, issues.exchange, of_value, mode == "client"),
        (uses.value[replaced], uses.exchange[replaced], np.arange(count), mode == "lineage"),
    ):
        issued = np.flatnonzero((history.last_complete >= 0) & which & (of >= 0))
        start = exchanges.response_start[exchange]
        index = AsOfIndex(group, start, exchanges.span)
        place = index.after(of[issued], history.last_complete[issued])
        superseded[issued[place >= 0]] = start[place[place >= 0]]
    return superseded


def _ends(
    bucket: Bucket,
    history: History,
    outcome: Acceptance,
    replacements: Replacements,
    superseded: Ints,
) -> tuple[Ints, Ints]:
    """How each value ended, as a place in `ENDS`, and when; -1 where it is open."""
    response_start = bucket.exchanges.response_start
    rank = {name: place for place, name in enumerate(ENDS)}
    uses = history.uses
    used_at = response_start[uses.exchange]
    honoured = history.reissued.copy()
    np.maximum.at(honoured, uses.value[outcome.honoured], used_at[outcome.honoured])
    restarts = (replacements.cause == RESTARTED) & (replacements.before >= 0)
    rotated = np.flatnonzero(superseded >= 0)
    ends = {
        "reset": (uses.value[outcome.replaced], used_at[outcome.replaced]),
        "rejected": (uses.value[outcome.refused], used_at[outcome.refused]),
        "restarted": (
            replacements.before[restarts],
            response_start[replacements.exchange[restarts]],
        ),
        "logged-out": (uses.value[outcome.logout], used_at[outcome.logout]),
        "rotated": (rotated, superseded[rotated]),
    }
    best = np.full(len(bucket.values), FOREVER)
    for name, (value, at) in ends.items():
        # That an old value is still taken does not undo that a newer one replaced it.
        counts = at > honoured[value]
        if name == "logged-out":
            counts |= at == honoured[value]
        if name == "rotated":
            counts |= True
        np.minimum.at(best, value[counts], at[counts] * len(ENDS) + rank[name])
    over = best < FOREVER
    end = np.where(over, best % len(ENDS), rank["open"])
    return end, np.where(over, best // len(ENDS), NOTHING)
