"""Uses: every presented use of a token as one trial of how long tokens live.

Enters: a recording. Leaves: the table `USES`, one row per request and token presented, with what
became of the token and, in brackets, how long it had lain unused and how old it was; and the same
as arrays by parameter, for the inference.

The brackets: `statetrail.analyses.trials`. What became of the token, and which uses are left out:
`statetrail.analyses.outcomes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from statetrail.analyses.bucketwise import Lived, in_turn, lived, parts
from statetrail.analyses.lookback import Ints
from statetrail.analyses.outcomes import EXCLUDED, OUTCOMES, Habits, Series, outcomes
from statetrail.analyses.parts import Part
from statetrail.analyses.rows import seconds, table, words
from statetrail.analyses.rules import secret
from statetrail.analyses.tested import Gathering, Tested
from statetrail.analyses.trials import Seen, Trials, joined, seen, split, trials
from statetrail.frames import Frame, Recording
from statetrail.schema import USES


@dataclass(frozen=True, slots=True)
class Tried:
    """Some tokens with their trials."""

    tokens: Seen
    trials: Trials


def uses(rec: Recording) -> Frame:
    """The trials: each use of a token, whether it survived, its gap and its age in brackets.

    Returns
    -------
    Frame
        `statetrail.schema.USES`. For thresholds take ``gap_low_s`` of the survived and
        ``gap_high_s`` of the ended ones, and the same for the age.
    """
    return rec.gathered(USES, lambda: (_table(tried) for tried in tried_tokens(rec)))


def tested(rec: Recording) -> dict[Series, Tested]:
    """What the uses say of each parameter that holds tokens, by (origin, dialect, param)."""
    return rec.once("tested", lambda: _tested(rec))


def habits(rec: Recording) -> Habits:
    """What the recording shows of its origins, learned once."""
    return rec.once("habits", lambda: _habits(rec))


def tried_tokens(rec: Recording) -> Iterator[Tried]:
    """The trials of all tokens, part by part; those that clients of several parts share, last."""
    each_part, rules = parts(rec)
    known = habits(rec)
    apart = rec.once("apart", lambda: _apart(rec))

    def of_part(pair: tuple[Part, Lived]) -> tuple[Tried, Seen | None]:
        part, each = pair
        read = outcomes(part, rules, each.lives, each.trail, known)
        what, shared = seen(part, each.lives, read, each.trail), None
        if len(apart):
            what, shared = split(what, apart)
        return Tried(what, trials(what, known.tick_us)), shared

    rest: list[Seen] = []
    for tried, shared in in_turn(of_part, zip(each_part, lived(rec), strict=True)):
        yield tried
        if shared is not None:
            rest.append(shared)
    if rest:
        what = joined(rest)
        yield Tried(what, trials(what, known.tick_us))


def _tested(rec: Recording) -> dict[Series, Tested]:
    gathering = Gathering(habits(rec).holding)
    clients: dict[tuple[str, str], int] = {}
    for tried in tried_tokens(rec):
        what = tried.tokens
        who = np.array([clients.setdefault(c, len(clients)) for c in what.clients], dtype=np.int64)
        told = replace(tried.trials, who=who[tried.trials.who])
        gathering.add(told, what)
    return gathering.done()


def _habits(rec: Recording) -> Habits:
    each_part, rules = parts(rec)
    known = Habits()
    for part, each in zip(each_part, lived(rec), strict=True):
        known.learn(part, rules, each.lives)
    return known


def _apart(rec: Recording) -> Ints:
    """The fingerprints of secrets that are in several parts."""
    each_part, rules = parts(rec)
    found = [
        np.unique(
            part.values.fingerprint[secret(part, rules)[part.series_param[part.values.series]]]
        )
        for part in each_part
    ]
    every = np.sort(np.concatenate(found))
    return np.unique(every[1:][every[1:] == every[:-1]])


def _table(tried: Tried) -> pa.Table:
    what, told = tried.tokens, tried.trials
    series, of = what.kinds, what.kind[told.token]
    spans = {
        name: (getattr(told, f"{name}_us"), getattr(told, f"{name}_us") >= 0)
        for name in ("gap_low", "gap_high", "age_low", "age_high")
    }
    return table(
        USES,
        {
            "exchange_id": told.id,
            "client": words(told.who, [client for client, _ in what.clients]),
            "origin": words(of, [origin for origin, _, _ in series]),
            "dialect": words(of, [dialect for _, dialect, _ in series]),
            "param": words(of, [param for _, _, param in series]),
            "fingerprint": what.fingerprint[told.token],
            "at_us": told.at_us,
            "outcome": words(told.outcome, OUTCOMES),
            "excluded": words(told.excluded, EXCLUDED),
            **{f"{name}_s": seconds(span, known) for name, (span, known) in spans.items()},
        },
    )
