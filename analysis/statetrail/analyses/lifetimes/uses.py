"""Uses: every presented use of a token as one trial of how long tokens live.

Enters: a recording. Leaves: the table `USES`, one row per request and token presented, with what
became of the token and, in brackets, how long it had lain unused and how old it was; and the same
as arrays by parameter, for the inference.

The brackets: `statetrail.analyses.lifetimes.observations`. What became of the token, and which uses
are left out: `statetrail.analyses.lifetimes.outcomes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.executor import Lived, in_turn, lived, parts, with_lives
from statetrail.analyses.columnar.result_rows import seconds, table, words
from statetrail.analyses.lifetimes.observations import Seen, Trials, joined, seen, split, trials
from statetrail.analyses.lifetimes.outcomes import EXCLUDED, OUTCOMES, Series, outcomes
from statetrail.analyses.lifetimes.summaries import Gathering, Tested
from statetrail.analyses.lifetimes.tables import USES
from statetrail.recording.frames import Frame, Recording


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
        `statetrail.analyses.lifetimes.tables.USES`. For thresholds take ``idle_low_s`` of the
        survived and ``idle_high_s`` of the ended ones, and the same for the age.
    """
    return rec.gathered(USES, lambda: (_table(tried) for tried in tried_tokens(rec)))


def tested(rec: Recording) -> dict[Series, Tested]:
    """What the uses say of each parameter that holds tokens, by (origin, dialect, param)."""
    return rec.once("tested", lambda: _tested(rec))


def tried_tokens(rec: Recording) -> Iterator[Tried]:
    """The trials of all tokens, part by part; those that clients of several parts share, last."""
    judged, known = parts(rec), lived(rec).habits

    def of_part(pair: tuple[Part, Lived]) -> tuple[Tried, Seen | None]:
        part, each = pair
        read = outcomes(part, judged.rules, each.lives, each.trail, known)
        what, shared = seen(part, each.lives, read, each.trail), None
        if len(judged.apart):
            what, shared = split(what, judged.apart)
        return Tried(what, trials(what, known.tick_us)), shared

    rest: list[Seen] = []
    for tried, shared in in_turn(of_part, with_lives(rec)):
        yield tried
        if shared is not None:
            rest.append(shared)
    if rest:
        what = joined(rest)
        yield Tried(what, trials(what, known.tick_us))


def _tested(rec: Recording) -> dict[Series, Tested]:
    gathering = Gathering(lived(rec).habits.holding)
    clients: dict[tuple[str, str], int] = {}
    for tried in tried_tokens(rec):
        what = tried.tokens
        who = np.array([clients.setdefault(c, len(clients)) for c in what.clients], dtype=np.int64)
        told = replace(tried.trials, who=who[tried.trials.who])
        gathering.add(told, what)
    return gathering.done()


def _table(tried: Tried) -> pa.Table:
    what, told = tried.tokens, tried.trials
    series, of = what.kinds, what.kind[told.token]
    spans = {
        name: (getattr(told, f"{name}_us"), getattr(told, f"{name}_us") >= 0)
        for name in ("idle_low", "idle_high", "age_low", "age_high")
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
            "request_start_us": told.request_start_us,
            "outcome": words(told.outcome, OUTCOMES),
            "exclusion": words(told.excluded, EXCLUDED),
            **{f"{name}_s": seconds(span, known) for name, (span, known) in spans.items()},
        },
    )
