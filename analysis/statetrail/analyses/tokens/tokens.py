"""Tokens: each value of each parameter of each client, from its first sighting to its last.

Enters: a recording. Leaves: the table `TOKENS`, one row per client, origin, dialect, parameter
and value, whether it was seen issued, presented or both.

A value is superseded when a response issues another one, and that response began after the last
one that issued this value had ended. Of two responses under way at once neither supersedes the
other: the client may go on with either.

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

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, Past
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.dialect_masks import Rules
from statetrail.analyses.columnar.executor import Lived, by_lives
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table, words
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import Fates, fates
from statetrail.analyses.events.history import Lives, birth_seen
from statetrail.analyses.events.replacements import RESTARTED, Trail
from statetrail.analyses.tokens.tables import TOKENS
from statetrail.recording.frames import Frame, Recording

ENDS: Final[dict[str, str]] = {
    "reset": "The server answered a request that presented it with another value",
    "rejected": "The server refused it (401, 403, 419, 440)",
    "restarted": "Its client asked for a new one",
    "logged-out": "Its client logged out",
    "rotated": "The server issued another one",
    "open": "It had not ended when the capture did",
}
"""How values end; of several ends at one moment the first counts."""


def tokens(rec: Recording) -> Frame:
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
    return by_lives(rec, TOKENS, _tokens)


def _tokens(part: Part, rules: Rules, lived: Lived) -> pa.Table:
    told, moved = lived.lives, lived.trail
    met = fates(part, rules, told)
    values, clock, count = part.values, part.exchanges.clock, len(part.values)
    issues, uses = _count(count, told.answers.value), _count(count, told.uses.value)
    superseded = _superseded(part, told)
    ended, ended_at = _ends(part, told, met, moved, superseded)
    seen = np.flatnonzero((issues > 0) | (uses > 0))
    issued, used = issues[seen] > 0, uses[seen] > 0
    first = np.minimum(told.issued, told.used)[seen]
    last = np.maximum(told.reissued, told.reused)[seen]

    def at(moment: Ints, present: Bools) -> pa.Array:
        return numbers(clock[np.where(present, moment[seen], 0)], present)

    def of_uses(which: Bools) -> Ints:
        return _count(count, told.uses.value[which])[seen]

    return table(
        TOKENS,
        {
            **of_series(part, values.series[seen]),
            "fingerprint": values.fingerprint[seen],
            "value": words(values.text[seen], part.texts),
            "length": numbers(values.length[seen], values.length[seen] >= 0),
            "alphabet": words(values.alphabet[seen], part.texts),
            "issues": issues[seen],
            "uses": uses[seen],
            "first_issued_us": at(told.issued, issued),
            "last_issued_us": at(told.reissued, issued),
            "first_presented_us": at(told.used, used),
            "last_presented_us": at(told.reused, used),
            "superseded_us": at(superseded, superseded[seen] >= 0),
            "uses_in_flight": of_uses(told.uses.in_flight),
            "uses_late": of_uses(told.uses.late),
            "late_honoured": of_uses(told.uses.late & met.honoured),
            "successors": _successors(moved, count)[seen],
            "end": words(ended[seen], [*ENDS]),
            "ended_at_us": at(ended_at, ended_at[seen] >= 0),
            "left_truncated": ~birth_seen(told)[seen],
            "observed_s": seconds(clock[last] - clock[first], np.ones(len(seen), dtype=np.bool_)),
        },
    )


def _count(count: int, values: Ints) -> Ints:
    return np.bincount(values, minlength=count)


def _successors(moved: Trail, count: int) -> Ints:
    """How many values each was rotated to."""
    known = moved.before >= 0
    edges = np.unique(moved.before[known] * max(count, 1) + moved.to[known])
    return _count(count, edges // max(count, 1))


def _superseded(part: Part, told: Lives) -> Ints:
    """When the first response began that issued another value after the last end of this one.

    -1 where there is none.
    """
    answers, exchanges = told.answers, part.exchanges
    begun = exchanges.begun[answers.ex]
    issued = np.flatnonzero(told.last_whole >= 0)
    past = Past(answers.series, begun, exchanges.span)
    place = past.after(part.values.series[issued], told.last_whole[issued])
    superseded = np.full(len(part.values), NOTHING, dtype=np.int64)
    superseded[issued[place >= 0]] = begun[place[place >= 0]]
    return superseded


def _ends(part: Part, told: Lives, met: Fates, moved: Trail, superseded: Ints) -> tuple[Ints, Ints]:
    """How each value ended, as a place in `ENDS`, and when; -1 where it is open."""
    begun, rank = part.exchanges.begun, {name: place for place, name in enumerate(ENDS)}
    uses = told.uses
    honoured = told.reissued.copy()
    np.maximum.at(honoured, uses.value[met.honoured], begun[uses.ex[met.honoured]])
    restarts = (moved.cause == RESTARTED) & (moved.before >= 0)
    replaced = np.flatnonzero(superseded >= 0)
    found = {
        "reset": (uses.value[met.replaced], begun[uses.ex[met.replaced]]),
        "rejected": (uses.value[met.refused], begun[uses.ex[met.refused]]),
        "restarted": (moved.before[restarts], begun[moved.ex[restarts]]),
        "logged-out": (uses.value[met.logout], begun[uses.ex[met.logout]]),
        "rotated": (replaced, superseded[replaced]),
    }
    best = np.full(len(part.values), FOREVER)
    for name, (value, at) in found.items():
        # That an old value is still taken does not undo that a newer one replaced it.
        counts = at > honoured[value]
        if name == "logged-out":
            counts |= at == honoured[value]
        if name == "rotated":
            counts |= True
        np.minimum.at(best, value[counts], at[counts] * len(ENDS) + rank[name])
    over = best < FOREVER
    ended = np.where(over, best % len(ENDS), rank["open"])
    return ended, np.where(over, best // len(ENDS), NOTHING)
