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
    tokens of `MIN_SESSIONS` sessions ended so within `PROMPT_S` of the last sign of life, which no
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

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import Bools, Ints, distinct, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, of_params
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table, words
from statetrail.analyses.events.replacements import (
    REISSUED,
    RESET,
    SHOWN,
    Replacements,
    replacements,
)
from statetrail.analyses.events.values import PRIORITIES
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.outcomes import Series
from statetrail.analyses.lifetimes.summaries import SeriesSummary, summaries
from statetrail.analyses.tokens.tables import ROTATIONS
from statetrail.expiry import MIN_ENDS, MIN_SESSIONS, POLICIES
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
_SPANS: Final = ("idle_low", "idle_high", "age_low", "age_high")


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


@artifact(needs=(expiry, summaries), scope="whole")
def policies(
    _: Recording, limits: Frame, uses: Mapping[Series, SeriesSummary]
) -> dict[Series, TokenLimits]:
    """What is known of the tokens of each parameter."""
    rows = {(row["origin"], row["dialect"], row["param"]): row for row in limits.rows()}
    return {series: _policy(rows[series], summary) for series, summary in uses.items()}


@analysis(ROTATIONS, needs=(bucket, replacements, policies), audited=True)
def rotations(
    bucket: Bucket, replacements: Replacements, policies: Mapping[Series, TokenLimits]
) -> pa.Table:
    """Every issue of a value that is new to its client, with what led to it.

    Returns
    -------
    Frame
        `statetrail.analyses.tokens.tables.ROTATIONS`; ``cause`` is one of `CAUSES`.
    """
    exchanges, fingerprint = bucket.exchanges, bucket.values.fingerprint
    exchange, before = replacements.exchange, replacements.before
    spans = {name: getattr(replacements, f"{name}_us") for name in _SPANS}
    return table(
        ROTATIONS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, replacements.series),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "issued_at_us": exchanges.clock[exchanges.response_start[exchange]],
            "from_fingerprint": numbers(fingerprint[before], before >= 0),
            "to_fingerprint": fingerprint[replacements.to],
            "priority": words(replacements.free.astype(np.int64), PRIORITIES),
            "cause": words(_cause(bucket, replacements, policies), _CAUSES),
            **{f"{name}_s": seconds(span, span >= 0) for name, span in spans.items()},
        },
    )


def _cause(
    bucket: Bucket, replacements: Replacements, policies: Mapping[Series, TokenLimits]
) -> Ints:
    """The cause of each rotation, as a place in `CAUSES`."""
    param = bucket.series_param[replacements.series]
    client = bucket.series_client[replacements.series]
    width = max(len(bucket.params), 1)
    keys, place = distinct(client * width + param, len(bucket.clients) * width)
    of_key = [
        policies.get((bucket.clients[key // width][1], *bucket.params[key % width]), TokenLimits())
        for key in keys.tolist()
    ]

    def of_policy(holds: Callable[[TokenLimits], bool]) -> Bools:
        return np.array([holds(policy) for policy in of_key], dtype=np.bool_)[place]

    reset = replacements.cause == RESET
    replaced = reset | (replacements.cause == REISSUED)
    idle_us, age_us = (
        np.array([getattr(p, name) * 1e6 for p in of_key], dtype=np.float64)[place]
        for name in ("idle_s", "age_s")
    )
    signed, wrote = _actions(bucket, replacements.exchange, param)
    aged = reset & (replacements.age_high_us > age_us)
    causes = {
        "idle": reset & (replacements.idle_high_us > idle_us),
        "periodic": aged & of_policy(lambda p: p.overlaps),
        "age": aged,
        "login": replaced & signed,
        "per-request": reset & of_policy(lambda p: p.single_use),
        "basket": replaced & wrote,
    }
    shown = np.array([_CAUSES.index(name) for name in SHOWN], dtype=np.int64)
    named = [np.int64(_CAUSES.index(name)) for name in causes]
    return np.select(list(causes.values()), named, shown[replacements.cause])


def _actions(bucket: Bucket, exchange: Ints, param: Ints) -> tuple[Bools, Bools]:
    """The requests that logged in or out, and those that wrote a basket whose context is this."""
    exchanges = bucket.exchanges
    endpoint, status = exchanges.endpoint[exchange], exchanges.status[exchange]
    writes, succeeded = exchanges.writes[exchange], (status >= 200) & (status < 300)

    def at(action: str) -> Bools:
        grid: Bools = acting(bucket, action)[endpoint, param]
        return grid

    context = of_params(bucket, lambda p: p is not None and p.clear is not None)[param]
    signed = (at("login") & writes) | (at("logout") & exchanges.open[exchange])
    return signed & (status >= 200) & (status < 400), at("cart") & writes & succeeded & context


def _policy(row: Mapping[str, Any], summary: SeriesSummary) -> TokenLimits:
    policy = POLICIES[row["policy"]]
    return TokenLimits(
        idle_s=(row["idle_low_s"] or 0.0) if policy.limits_idle else inf,
        age_s=(row["age_low_s"] or 0.0) if policy.limits_age else inf,
        single_use=policy.single_use or _single_use(summary),
        overlaps=policy.overlaps or summary.overlapping >= MIN_ENDS,
    )


def _single_use(summary: SeriesSummary) -> bool:
    """Whether no token survived a use, however soon after it was issued."""
    tokens = summary.tokens
    high = tokens.ended_idle_us
    prompt = (tokens.ended > 0) & (high >= 0) & (high <= PROMPT_S * 1e6)
    enough = np.count_nonzero(prompt) >= MIN_ENDS
    sessions = unique(tokens.session[prompt])
    return not tokens.survived.any() and bool(enough) and len(sessions) >= MIN_SESSIONS
