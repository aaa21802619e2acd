"""Rotations: each time a server moved a client to another value, and why.

Enters: a recording. Leaves: the table `ROTATIONS`, one row per issue of a new value. What counts
as one, and which value was before: `statetrail.analyses.events.replacements`.

What the exchange itself shows is only that the answer to a presented token was another (`reset`),
or that a new value came to a request that presented none (`reissue`). Why takes more, and each
name is given only where the evidence holds for the whole origin and parameter; the first that
fits:

1.  `idle`: the expiry inference names an idle timeout, and the token may have lain unused for
    longer than any that survived.
2.  `age`, `periodic`: it names a limit on the age, and the token may have been older than any
    that survived. It is `periodic` where the inference says so, or replaced tokens still worked,
    `MIN_ENDS` times or more, for clients that must have known the newer one: then the server
    renews by the clock.
3.  `login`: the request logged in or out, with success.
4.  `per-request`: the inference says so, or no use of any token survived; at least `MIN_ENDS`
    tokens of `MIN_CLIENTS` clients ended so within `PROMPT_S` of the last sign of life, which no
    idle timeout explains.
5.  `basket`: the request wrote a basket, and the parameter is context, not a token.

Else the honest coarse word stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Bools, Ints, distinct
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.dialect_masks import Rules
from statetrail.analyses.columnar.executor import by_parts, lived
from statetrail.analyses.columnar.result_rows import numbers, seconds, table, words
from statetrail.analyses.events.history import lives
from statetrail.analyses.events.replacements import REISSUED, RESET, SHOWN, trail
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.outcomes import Series
from statetrail.analyses.lifetimes.summaries import Tested
from statetrail.analyses.lifetimes.uses import tested
from statetrail.analyses.tokens.rotation_facts import Turns, turns
from statetrail.analyses.tokens.tables import ROTATIONS
from statetrail.expiry import MIN_CLIENTS, MIN_ENDS, POLICIES
from statetrail.recording.frames import Frame, Recording

CAUSES: Final[dict[str, str]] = {
    "establish": "The client's first value: none had been issued before, or the request asked for "
    "one while the client had none yet",
    "restart": "The request asked for a new value although the client had one",
    "idle": "The request presented a token that had been unused for too long, and the server "
    "issued another",
    "age": "The request presented a token that was too old, and the server issued another",
    "periodic": "The server renews tokens periodically, and accepts the old one for some time",
    "per-request": "The server answers every use of a token with another token",
    "login": "The request logged in or out, and the server issued another value",
    "basket": "The request changed a basket, and the server issued another context",
    "reset": "The request presented the previous value, and the server issued another; the traffic "
    "does not show why",
    "reissue": "The response issued another value to a request that did not present the previous "
    "one; the traffic does not show why",
    "override": "The request presented a value of the client's choice, and the server adopted it",
}
"""What led to a rotation."""
LOSSES: Final = ("reset", "idle", "age")
"""Causes by which the server ended what hung on the token."""
PROMPT_S: Final = 5.0
"""No server lets a session time out within so many seconds of its use."""

_CAUSES: Final = tuple(CAUSES)


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What is known of one parameter's tokens.

    `idle_s` and `age_s` are what the limits of its policy exceed, infinite where it has none of the
    kind; `single_use`: no token survives a use; `overlaps`: replaced tokens still work.
    """

    idle_s: float = inf
    age_s: float = inf
    single_use: bool = False
    overlaps: bool = False


def rotations(rec: Recording) -> Frame:
    """Every issue of a value that is new to its client, with what led to it.

    Returns
    -------
    Frame
        `statetrail.analyses.tokens.tables.ROTATIONS`; ``cause`` is one of `CAUSES`.
    """
    known = rec.once("policies", lambda: _policies(rec))
    if rec.engine == "pyspark":

        def of_part(part: Part, rules: Rules) -> pa.Table:
            return _rotations(turns(part, rules, trail(part, lives(part))), known)

        return by_parts(rec, ROTATIONS, of_part)
    return rec.gathered(ROTATIONS, lambda: (_rotations(each, known) for each in lived(rec).turns))


def _rotations(moves: Turns, known: Mapping[Series, TokenLimits]) -> pa.Table:
    moved = moves.trail
    spans = {
        name: (span, span >= 0)
        for name, span in (
            ("idle_low_s", moved.idle_us),
            ("idle_high_s", moved.idle_high_us),
            ("age_low_s", moved.age_us),
            ("age_high_s", moved.age_high_us),
        )
    }
    return table(
        ROTATIONS,
        {
            "exchange_id": moves.id,
            "client": words(moves.who, [client for client, _ in moves.clients]),
            "origin": words(moves.who, [origin for _, origin in moves.clients]),
            "dialect": words(moves.param, [dialect for dialect, _ in moves.params]),
            "param": words(moves.param, [param for _, param in moves.params]),
            "issued_at_us": moves.issued_at_us,
            "from_fingerprint": numbers(moves.before, moved.before >= 0),
            "to_fingerprint": moves.to,
            "cause": words(_cause(moves, known), _CAUSES),
            **{name: seconds(span, present) for name, (span, present) in spans.items()},
        },
    )


def _cause(moves: Turns, known: Mapping[Series, TokenLimits]) -> Ints:
    """The cause of each rotation, as a place in `CAUSES`."""
    moved = moves.trail
    width = max(len(moves.params), 1)
    keys, place = distinct(moves.who * width + moves.param, len(moves.clients) * width)
    policies = [
        known.get((moves.clients[key // width][1], *moves.params[key % width]), TokenLimits())
        for key in keys.tolist()
    ]

    def of_policy(ask: Callable[[TokenLimits], bool]) -> Bools:
        return np.array([ask(policy) for policy in policies], dtype=np.bool_)[place]

    reset = moved.cause == RESET
    replaced = reset | (moved.cause == REISSUED)
    idle_us, age_us = (
        np.array([getattr(p, name) * 1e6 for p in policies], dtype=np.float64)[place]
        for name in ("idle_s", "age_s")
    )
    rested = reset & (moved.idle_high_us > idle_us)
    aged = reset & (moved.age_high_us > age_us)
    told = {
        "idle": rested,
        "periodic": aged & of_policy(lambda p: p.overlaps),
        "age": aged,
        "login": replaced & moves.logged,
        "per-request": reset & of_policy(lambda p: p.single_use),
        "basket": replaced & moves.wrote,
    }
    shown = np.array([_CAUSES.index(name) for name in SHOWN], dtype=np.int64)
    named = [np.int64(_CAUSES.index(name)) for name in told]
    return np.select(list(told.values()), named, shown[moved.cause])


def _policies(rec: Recording) -> dict[Series, TokenLimits]:
    """What is known of the tokens of each parameter."""
    known = {(row["origin"], row["dialect"], row["param"]): row for row in expiry(rec).rows()}
    return {series: _policy(known[series], told) for series, told in tested(rec).items()}


def _policy(row: Mapping[str, Any], told: Tested) -> TokenLimits:
    policy = POLICIES[row["policy"]]
    return TokenLimits(
        idle_s=(row["idle_low_s"] or 0.0) if policy.limits_idle else inf,
        age_s=(row["age_low_s"] or 0.0) if policy.limits_age else inf,
        single_use=policy.single_use or _single_use(told),
        overlaps=policy.overlaps or told.overlapping >= MIN_ENDS,
    )


def _single_use(told: Tested) -> bool:
    """Whether no token survived a use, however soon after it was issued."""
    votes = told.votes
    high = votes.ended_gap_us
    prompt = (votes.ended > 0) & (high >= 0) & (high <= PROMPT_S * 1e6)
    enough = np.count_nonzero(prompt) >= MIN_ENDS
    clients = np.unique(votes.ended_by[prompt])
    return not votes.survived.any() and bool(enough) and len(clients) >= MIN_CLIENTS
