"""Outcomes: what became of each token that a request presented.

Enters: a bucket, the history of its values, and the `OriginTraits` of the whole recording. Leaves:
arrays with one entry per use of a token, to which `observations` adds the times.

Which parameters hold tokens is a matter of the dialect and of the traffic: secret, forced, and the
client's to present.

What becomes of a token
    It `survived` where the response issues it again, and where a success carries no value of the
    parameter: silence is acceptance, but for two cases. Where the protocol puts a token on every
    document, its absence says nothing; and where the origin renews tokens, only endpoints that
    were seen to issue one could have told.
    It `ended` where the response issues another and tells (`events.acceptance`: an error may issue
    a token of nobody), or is a 401 to this token alone.
    Anything else is `unknown`.

What is left out, and why (column ``exclusion``)
    `incomplete`: no whole response. `ambiguous`: one request presented several tokens for the
    parameter. `unanswered`: the outcome is unknown. `logged-out`: the use is a logout with the
    token, or overlaps or follows one. `logged-in`: a login was answered with another token, which
    ends the old one whatever its age. `late`: it overlaps or follows the token's replacement, so
    that its fate is no longer a matter of time; if the server had replaced it before, the client
    had to know the newer one, and is answered with one that it had already, the server took the old
    one all the same: `survived`. `clock-step`: it ended, and the clock was set back since the
    server had last accepted it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, distinct, unique
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, may_be_silent, of_params
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.conformance.declared.lifecycles import CAUSES, Lifecycles
from statetrail.analyses.conformance.verdict import EXPIRED
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import tells
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import Lineage
from statetrail.analyses.events.replacements import Replacements
from statetrail.analyses.lifetimes.declared import (
    DeclaredTraits,
    declared_traits,
    holds,
    refused_here,
)
from statetrail.recording.frames import Recording

type Series = tuple[str, str, str]
"""(origin, dialect, param): what one policy of expiry is about."""

TOKEN_SERIES: Final = ("origin", "dialect", "param")
OUTCOMES: Final = ("survived", "ended", "unknown")
EXCLUDED: Final = (
    *("incomplete", "ambiguous", "unanswered", "logged-out", "late", "logged-in", "clock-step"),
)
SURVIVED, ENDED, UNKNOWN = range(3)
_SECOND, _MILLISECOND = 1_000_000, 1_000
INCOMPLETE, AMBIGUOUS, UNANSWERED, LOGGED_OUT, LATE, LOGGED_IN, CLOCK_STEP = range(7)


@dataclass(frozen=True)
class OriginTraits:
    """What the whole recording shows of its origins.

    Attributes
    ----------
    holding
        The parameters that hold tokens.
    renewing
        Those of which a presented token was answered with another.
    issuing
        The endpoints that were seen to issue each: with the endpoint in front.
    tick_us
        The grain of each origin's clock readings.
    declared
        What is shown of parameters that are judged by declarations.
    """

    holding: set[Series] = field(default_factory=set)
    renewing: set[Series] = field(default_factory=set)
    issuing: set[tuple[str, Series]] = field(default_factory=set)
    tick_us: dict[str, int] = field(default_factory=dict)
    declared: DeclaredTraits = field(default_factory=DeclaredTraits)


@artifact(needs=(bucket, history, declarations))
def _traits(bucket: Bucket, history: History, declared: Declarations | None) -> OriginTraits:
    issued, issues, uses = bucket.issued, history.issues, history.uses
    names, count = series_names(bucket), len(bucket.series_client)
    if declared is not None:
        # Any response may set a cookie, a redirect too.
        readable = (issued.usage != MALFORMED) & ~issued.hidden
        held = np.flatnonzero(holds(bucket)[bucket.series_param[issued.series]] & readable)
        holding = {names[series] for series in unique(issued.series[held]).tolist()}
        shown = declared_traits(bucket, history, declared, names)
        return OriginTraits(holding, tick_us=_ticks(bucket), declared=shown)
    secret = of_params(bucket, lambda param: param is not None and param.clear is None)
    forced = (issued.usage >= 0) & ~issued.informational
    forced &= secret[bucket.series_param[issued.series]]
    another = uses.answered & ~uses.again
    holding, renewing = (
        {names[series] for series in distinct(codes, count)[0].tolist()}
        for codes in (issued.series[forced], uses.series[another])
    )
    endpoint = bucket.exchanges.endpoint[issues.exchange]
    keys, _ = distinct(pairs(endpoint, issues.series, count), len(bucket.endpoints) * count)
    issuing = {(bucket.endpoints[key // count][1], names[key % count]) for key in keys.tolist()}
    return OriginTraits(holding, renewing, issuing, _ticks(bucket))


@artifact(needs=(_traits,), scope="whole")
def origin_traits(_: Recording, several: Iterator[OriginTraits]) -> OriginTraits:
    """What the buckets show of their origins together."""
    union = OriginTraits()
    for each in several:
        union.holding.update(each.holding)
        union.renewing.update(each.renewing)
        union.issuing.update(each.issuing)
        union.declared.add(each.declared)
        for origin, tick_us in each.tick_us.items():
            union.tick_us[origin] = min(union.tick_us.get(origin, tick_us), tick_us)
    return union


def _ticks(bucket: Bucket) -> dict[str, int]:
    """The grain of each origin's clock readings, in microseconds: a second, a millisecond or 0."""
    exchanges = bucket.exchanges
    tick_us = {origin: _SECOND for _, origin in bucket.clients}
    # What is finer than a millisecond has no grain, and so on.
    for grain, finer_us in ((_MILLISECOND, 0), (_SECOND, _MILLISECOND)):
        if all(known <= finer_us for known in tick_us.values()):
            continue
        fine = (exchanges.clock % grain > 0) & (exchanges.clock < FOREVER)
        finer = fine[exchanges.request_start] | fine[exchanges.response_end]
        for client in distinct(exchanges.client[finer], len(bucket.clients))[0].tolist():
            origin = bucket.clients[client][1]
            tick_us[origin] = min(tick_us[origin], finer_us)
    return tick_us


def series_names(bucket: Bucket) -> list[Series]:
    """(origin, dialect, param) of each series of a bucket."""
    return [
        (bucket.clients[client][1], *bucket.params[param])
        for client, param in zip(
            bucket.series_client.tolist(), bucket.series_param.tolist(), strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The uses of tokens with what became of them.

    Attributes
    ----------
    holds
        Which series hold tokens.
    use
        Their places in `History.uses`.
    outcome
        A place in `OUTCOMES`.
    exclusion
        A place in `EXCLUDED`, -1 for a use that counts; lateness is among them only where
        declarations say what ended the value.
    nothing_new
        Whether the response issued values, none of them new to the client.
    logout
        Whether the request logged its client out.
    """

    holds: Bools
    use: Ints
    outcome: Ints
    exclusion: Ints
    nothing_new: Bools
    logout: Bools


def outcomes(
    bucket: Bucket,
    history: History,
    replacements: Replacements,
    lineage: Lineage,
    traits: OriginTraits,
    declared: Declarations | None,
) -> Outcomes:
    """What became of the tokens that a bucket's requests presented, by their own responses."""
    exchanges, names, uses = bucket.exchanges, series_names(bucket), history.uses
    held = np.array([name in traits.holding for name in names], dtype=np.bool_)
    use = np.flatnonzero(held[uses.series])
    exchange, series = uses.exchange[use], uses.series[use]
    again, answered = uses.again[use], uses.answered[use]
    param, endpoint = bucket.series_param[series], exchanges.endpoint[exchange]
    count = len(bucket.series_client)
    keys = pairs(exchange, series, count)
    several = _repeated(keys)
    alone = np.bincount(exchange, minlength=len(exchanges))[exchange] == 1
    status = exchanges.status[exchange]
    silent = (status >= 200) & (status < 300) & may_be_silent(bucket)[param] & ~answered
    quiet = np.flatnonzero(silent)
    silent[quiet] = _could_tell(bucket, names, traits, endpoint[quiet], series[quiet])
    incomplete = exchanges.clock[exchanges.response_end[exchange]] == FOREVER
    incomplete |= status == 0
    ends = answered & tells(bucket, exchange, param)
    outcome = np.select(
        [incomplete | several, again, ends | ((status == 401) & alone), silent],
        [np.int64(UNKNOWN), np.int64(SURVIVED), np.int64(ENDED), np.int64(SURVIVED)],
        np.int64(UNKNOWN),
    )
    if declared is not None:
        outcome = _by_declaration(
            bucket, declared, names, traits, (exchange, series, again, answered)
        )
        outcome[incomplete | several] = UNKNOWN
    done = exchanges.open[exchange] & (status >= 200) & (status < 400)
    login = acting(bucket, "login")[endpoint, param] & done & exchanges.writes[exchange]
    exclusion = np.select(
        [incomplete, several, outcome == UNKNOWN, login & (outcome == ENDED)],
        [np.int64(place) for place in (INCOMPLETE, AMBIGUOUS, UNANSWERED, LOGGED_IN)],
        np.int64(NOTHING),
    )
    nothing_new, at = answered.copy(), np.flatnonzero(answered)
    replaced = np.sort(pairs(replacements.exchange, replacements.series, count))
    nothing_new[at] = among(replaced, keys[at]) < 0
    logout = acting(bucket, "logout")[endpoint, param] & done
    if declared is not None:
        gone = _gone(Lifecycles(bucket, declared, lineage, 0), bucket, uses.value[use], exchange)
        exclusion[gone & (exclusion == NOTHING)] = LATE
    return Outcomes(held, use, outcome, exclusion, nothing_new, logout)


def _by_declaration(
    bucket: Bucket,
    declared: Declarations,
    names: list[Series],
    traits: OriginTraits,
    uses: tuple[Ints, Ints, Bools, Bools],
) -> Ints:
    """What became of the values of parameters that are judged by declarations."""
    exchange, series, again, answered = uses
    param, endpoint = bucket.series_param[series], bucket.exchanges.endpoint[exchange]
    ended = refused_here(bucket, declared, exchange, param)
    status = bucket.exchanges.status[exchange]
    success = (status >= 200) & (status < 300)
    rolling = np.array([traits.declared.rolling(name) for name in names], dtype=np.bool_)
    keys, place = distinct(pairs(endpoint, series, len(names)), len(bucket.endpoints) * len(names))
    tells = np.array(
        [
            traits.declared.tells(bucket.endpoints[key // len(names)][1], names[key % len(names)])
            for key in keys.tolist()
        ],
        dtype=np.bool_,
    )[place]
    replaced = answered & ~again & ~rolling[series] & success
    return np.select(
        [ended | replaced, again | (success & tells)],
        [np.int64(ENDED), np.int64(SURVIVED)],
        np.int64(UNKNOWN),
    )


def _gone(lifecycles: Lifecycles, bucket: Bucket, value: Ints, exchange: Ints) -> Bools:
    """Whether something else than time may have ended each value before its request."""
    moment = bucket.exchanges.request_start[exchange]
    cause = lifecycles.dead(value, exchange, moment, surely=False)
    gone: Bools = (cause != NOTHING) & (cause != CAUSES.index(EXPIRED))
    return gone


def _could_tell(
    bucket: Bucket, names: list[Series], traits: OriginTraits, endpoint: Ints, series: Ints
) -> Bools:
    """Whether silence is a sign: the origin does not renew tokens, or not at other endpoints."""
    renews = np.array([name in traits.renewing for name in names], dtype=np.bool_)
    tells = ~renews[series]
    rest = np.flatnonzero(~tells)
    places = pairs(endpoint[rest], series[rest], len(names))
    keys, place = distinct(places, len(bucket.endpoints) * len(names))
    tells[rest] = np.array(
        [
            (bucket.endpoints[key // len(names)][1], names[key % len(names)]) in traits.issuing
            for key in keys.tolist()
        ],
        dtype=np.bool_,
    )[place]
    return tells


def _repeated(keys: Ints) -> Bools:
    """The entries of sorted keys that are there more than once."""
    repeated = np.zeros(len(keys), dtype=np.bool_)
    same = keys[1:] == keys[:-1]
    repeated[1:] |= same
    repeated[:-1] |= same
    return repeated
