"""Rotations: each time a server moved a client to another value, and why.

Enters: a recording. Leaves: the table `ROTATIONS`, one row per issue of a new value. What counts
as one, and which value was before: `statetrail.analyses.trail`.

What the exchange itself shows is only that the answer to a presented token was another (`reset`),
or that a new value came to a request that presented none (`reissue`). Why takes more, and each
name is given only where the evidence holds for the whole origin and parameter; the first that
fits:

1.  `idle`: the expiry inference names an idle timeout, and the token may have lain unused for
    longer than any that survived.
2.  `age`, `periodic`: it names a limit on the age, and the token may have been older than any
    that survived. It is `periodic` where replaced tokens still worked, `MIN_ENDS` times or more,
    for clients that must have known the newer one: then the server renews by the clock.
3.  `login`: the request logged in or out, with success.
4.  `every-request`: no use of any token survived; at least `MIN_ENDS` tokens of `MIN_CLIENTS`
    clients ended so within `PROMPT_S` of the last sign of life, which no idle timeout explains.
5.  `basket`: the request wrote a basket, and the parameter is context, not a token.

Else the honest coarse word stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.bucketwise import Lived, by_lives
from statetrail.analyses.expiry import MIN_CLIENTS, MIN_ENDS, expiry
from statetrail.analyses.lookback import Bools, Ints
from statetrail.analyses.outcomes import Series, series_names
from statetrail.analyses.parts import Part
from statetrail.analyses.rows import numbers, of_series, seconds, table, words
from statetrail.analyses.rules import Rules, done, of_params
from statetrail.analyses.tested import Tested
from statetrail.analyses.trail import REISSUED, RESET, SHOWN, Trail
from statetrail.analyses.uses import tested
from statetrail.frames import Frame, Recording
from statetrail.schema import ROTATIONS

CAUSES: Final[dict[str, str]] = {
    "establish": "The client's first value: none had been issued before, or the request asked for "
    "one while the client had none yet",
    "restart": "The request asked for a new value although the client had one",
    "idle": "The request presented a token that had lain unused for too long, and the answer was "
    "another",
    "age": "The request presented a token that had become too old, and the answer was another",
    "periodic": "The server renews tokens by the clock, and still takes the old one for a while",
    "every-request": "The server answers every use of a token with another",
    "login": "The request logged in or out, and the answer was another value",
    "basket": "The request changed a basket, and the answer was another context",
    "reset": "The request presented the value before, and the answer was another; the traffic does "
    "not settle why",
    "reissue": "The response issued another value to a request that did not present the one "
    "before; the traffic does not settle why",
    "override": "The request presented a value of the client's choice, and the server took it over",
}
"""What led to a rotation."""
LOSSES: Final = ("reset", "idle", "age")
"""Causes by which the server ended what hung on the token."""
PROMPT_S: Final = 5.0
"""No server lets a session time out within so many seconds of its use."""

_CAUSES: Final = tuple(CAUSES)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is known of one parameter's tokens: of `expiry` the policy and what its limit exceeds;
    that no token survives a use; that replaced tokens still work."""

    name: str = ""
    low_s: float = 0.0
    single_use: bool = False
    overlaps: bool = False


def rotations(rec: Recording) -> Frame:
    """Every issue of a value that is new to its client, with what led to it.

    Returns
    -------
    Frame
        `statetrail.schema.ROTATIONS`; ``cause`` is one of `CAUSES`.
    """
    known = rec.once("policies", lambda: _policies(rec))

    def of_part(part: Part, rules: Rules, lived: Lived) -> pa.Table:
        return _rotations(part, rules, lived.trail, known)

    return by_lives(rec, ROTATIONS, of_part)


def _rotations(part: Part, rules: Rules, moved: Trail, known: Mapping[Series, Policy]) -> pa.Table:
    exchanges = part.exchanges
    ex, values = moved.ex, part.values
    spans = {
        name: (span, span >= 0)
        for name, span in (
            ("idle_s", moved.idle_us),
            ("idle_high_s", moved.idle_high_us),
            ("age_s", moved.age_us),
            ("age_high_s", moved.age_high_us),
        )
    }
    return table(
        ROTATIONS,
        {
            "exchange_id": exchanges.id[ex],
            **of_series(part, moved.series),
            "at_us": exchanges.begun_us[ex],
            "from_fingerprint": numbers(values.fingerprint[moved.before], moved.before >= 0),
            "to_fingerprint": values.fingerprint[moved.to],
            "cause": words(_cause(part, rules, moved, known), _CAUSES),
            **{name: seconds(span, present) for name, (span, present) in spans.items()},
        },
    )


def _cause(part: Part, rules: Rules, moved: Trail, known: Mapping[Series, Policy]) -> Ints:
    """The cause of each rotation, as a place in `CAUSES`."""
    policies = [known.get(name, Policy()) for name in series_names(part)]

    def of_policy(ask: Callable[[Policy], bool]) -> Bools:
        return np.array([ask(policy) for policy in policies], dtype=np.bool_)[moved.series]

    low_us = np.array([policy.low_s * 1e6 for policy in policies])[moved.series]
    param, where = part.series_param[moved.series], part.exchanges.where[moved.ex]
    reset = moved.cause == RESET
    replaced = reset | (moved.cause == REISSUED)
    rested = reset & of_policy(lambda p: p.name == "idle") & (moved.idle_high_us > low_us)
    aged = reset & of_policy(lambda p: p.name == "age") & (moved.age_high_us > low_us)
    method, status = part.exchanges.writes[moved.ex], part.exchanges.status[moved.ex]
    moved_on, succeeded = (status >= 200) & (status < 400), (status >= 200) & (status < 300)
    logged = done(part, rules, "login")[where, param] & method & moved_on
    logged |= done(part, rules, "logout")[where, param] & part.exchanges.open[moved.ex] & moved_on
    cart = done(part, rules, "cart")[where, param] & method & succeeded
    context = of_params(part, rules, lambda p: p is not None and p.clear is not None)[param]
    told = {
        "idle": rested,
        "periodic": aged & of_policy(lambda p: p.overlaps),
        "age": aged,
        "login": replaced & logged,
        "every-request": reset & of_policy(lambda p: p.single_use),
        "basket": replaced & context & cart,
    }
    shown = np.array([_CAUSES.index(name) for name in SHOWN], dtype=np.int64)
    named = [np.int64(_CAUSES.index(name)) for name in told]
    return np.select(list(told.values()), named, shown[moved.cause])


def _policies(rec: Recording) -> dict[Series, Policy]:
    """What is known of the tokens of each parameter."""
    named = {
        (row["origin"], row["dialect"], row["param"]): (row["policy"], row["low_s"] or 0.0)
        for row in expiry(rec).rows()
    }
    return {
        series: Policy(
            *named.get(series, ("", 0.0)), _single_use(told), told.overlapping >= MIN_ENDS
        )
        for series, told in tested(rec).items()
    }


def _single_use(told: Tested) -> bool:
    """Whether no token survived a use, however soon after it was issued."""
    votes = told.votes
    high = votes.ended_gap_us
    prompt = (votes.ended > 0) & (high >= 0) & (high <= PROMPT_S * 1e6)
    enough = np.count_nonzero(prompt) >= MIN_ENDS
    clients = np.unique(votes.ended_by[prompt])
    return not votes.survived.any() and bool(enough) and len(clients) >= MIN_CLIENTS
