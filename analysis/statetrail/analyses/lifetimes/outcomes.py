"""Outcomes: what became of each token that a request presented.

Enters: a part, the lives of its values, and the `Habits` of the origins in the whole recording.
Leaves: arrays with one entry per use of a token, that `uses` puts times to.

Which parameters hold tokens is a matter of the dialect and of the traffic: secret, forced, and the
client's to present.

What becomes of a token
    It `survived` where the response issues it again, and where a success carries no value of the
    parameter: silence is acceptance, but for two cases. Where the protocol puts a token on every
    document, its absence says nothing; and where the origin renews tokens, only endpoints that
    were seen to issue one could have told.
    It `ended` where the response issues another, or is a 401 to this token alone.
    Anything else is `unknown`.

What is left out, and why (column ``excluded``)
    `incomplete`: no whole response. `ambiguous`: one request presented several tokens for the
    parameter. `unanswered`: the outcome is unknown. `logged-out`: the use is a logout with the
    token, or overlaps or follows one. `late`: it overlaps or follows the token's replacement, so
    that its fate is no longer a matter of time; if the server had replaced it before, the client
    had to know the newer one, and is answered with one that it had already, the server took the old
    one all the same: `survived`.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import Bools, Ints, among, distinct
from statetrail.analyses.columnar.bucket import IMPLICIT, MALFORMED, Part
from statetrail.analyses.columnar.dialect_masks import Rules, done, mute, of_params
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import Lives, pairs
from statetrail.analyses.events.replacements import Trail

type Series = tuple[str, str, str]
"""(origin, dialect, param): what one policy of expiry is about."""

TOKEN_SERIES: Final = ("origin", "dialect", "param")
OUTCOMES: Final = ("survived", "ended", "unknown")
EXCLUDED: Final = ("incomplete", "ambiguous", "unanswered", "logged-out", "late")
SURVIVED, ENDED, UNKNOWN = range(3)
_SECOND, _MILLISECOND = 1_000_000, 1_000
INCOMPLETE, AMBIGUOUS, UNANSWERED, LOGGED_OUT, LATE = range(5)


@dataclass(frozen=True)
class Habits:
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
    """

    holding: set[Series] = field(default_factory=set)
    renewing: set[Series] = field(default_factory=set)
    issuing: set[tuple[str, Series]] = field(default_factory=set)
    tick_us: dict[str, int] = field(default_factory=dict)

    def learn(self, part: Part, rules: Rules, told: Lives) -> None:
        """Add what a part shows."""
        issued, answers, uses = part.issued, told.answers, told.uses
        names = series_names(part)
        secret = of_params(part, rules, lambda param: param is not None and param.clear is None)
        bound = (issued.usage != MALFORMED) & (issued.usage != IMPLICIT) & ~issued.informational
        bound &= secret[part.series_param[issued.series]]
        self.holding.update(
            names[s] for s in distinct(issued.series[bound], len(names))[0].tolist()
        )
        another = uses.answered & ~uses.again
        self.renewing.update(
            names[s] for s in distinct(uses.series[another], len(names))[0].tolist()
        )
        count = len(part.series_who)
        where, span = part.exchanges.where[answers.ex], len(part.endpoints) * count
        for pair in distinct(pairs(where, answers.series, count), span)[0].tolist():
            self.issuing.add((part.endpoints[pair // count][1], names[pair % count]))
        self._ticks(part)

    def _ticks(self, part: Part) -> None:
        exchanges = part.exchanges
        origins = {origin for _, origin in part.clients}
        for origin in origins:
            self.tick_us.setdefault(origin, _SECOND)
        # What is finer than a second has a grain of a millisecond at most, and so on.
        for grain, finest in ((_SECOND, _MILLISECOND), (_MILLISECOND, 0)):
            if all(self.tick_us[origin] <= finest for origin in origins):
                continue
            fine = (exchanges.clock % grain > 0) & (exchanges.clock < FOREVER)
            finer = fine[exchanges.asked] | fine[exchanges.ended]
            for who in distinct(exchanges.who[finer], len(part.clients))[0].tolist():
                origin = part.clients[who][1]
                self.tick_us[origin] = min(self.tick_us[origin], finest)


def series_names(part: Part) -> list[Series]:
    """(origin, dialect, param) of each series of a part."""
    return [
        (part.clients[who][1], *part.params[param])
        for who, param in zip(part.series_who.tolist(), part.series_param.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The uses of tokens with what became of them.

    Attributes
    ----------
    holds
        Which series hold tokens.
    use
        Their places in `Lives.uses`.
    outcome
        A place in `OUTCOMES`.
    excluded
        A place in `EXCLUDED`, -1 for a use that counts; lateness is not yet among them.
    met
        Whether the response issued values, none of them new to the client.
    logout
        Whether the request logged its client out.
    """

    holds: Bools
    use: Ints
    outcome: Ints
    excluded: Ints
    met: Bools
    logout: Bools


def outcomes(part: Part, rules: Rules, told: Lives, moved: Trail, habits: Habits) -> Outcomes:
    """What became of the tokens that a part's requests presented, read off their own responses."""
    exchanges, names, uses = part.exchanges, series_names(part), told.uses
    holds = np.array([name in habits.holding for name in names], dtype=np.bool_)
    use = np.flatnonzero(holds[uses.series])
    ex, series = uses.ex[use], uses.series[use]
    again, answered = uses.again[use], uses.answered[use]
    param, where = part.series_param[series], exchanges.where[ex]
    count = len(part.series_who)
    keys = pairs(ex, series, count)
    several = _repeated(keys)
    alone = np.bincount(ex, minlength=len(exchanges))[ex] == 1
    status = exchanges.status[ex]
    silent = (status >= 200) & (status < 300) & mute(part, rules)[param] & ~answered
    quiet = np.flatnonzero(silent)
    silent[quiet] = _could_tell(part, names, habits, where[quiet], series[quiet])
    incomplete = (exchanges.clock[exchanges.ended[ex]] == FOREVER) | (status == 0)
    outcome = np.select(
        [incomplete | several, again, answered | ((status == 401) & alone), silent],
        [np.int64(UNKNOWN), np.int64(SURVIVED), np.int64(ENDED), np.int64(SURVIVED)],
        np.int64(UNKNOWN),
    )
    excluded = np.select(
        [incomplete, several, outcome == UNKNOWN],
        [np.int64(INCOMPLETE), np.int64(AMBIGUOUS), np.int64(UNANSWERED)],
        np.int64(-1),
    )
    met, told_of = answered.copy(), np.flatnonzero(answered)
    met[told_of] = among(np.sort(pairs(moved.ex, moved.series, count)), keys[told_of]) < 0
    out = done(part, rules, "logout")[where, param] & exchanges.open[ex]
    return Outcomes(
        holds,
        use,
        outcome,
        excluded,
        met,
        out & (status >= 200) & (status < 400),
    )


def _could_tell(
    part: Part, names: list[Series], habits: Habits, where: Ints, series: Ints
) -> Bools:
    """Whether silence is a sign: the origin does not renew tokens, or not at other endpoints."""
    renews = np.array([name in habits.renewing for name in names], dtype=np.bool_)
    told = ~renews[series]
    asked = np.flatnonzero(~told)
    asked_at = pairs(where[asked], series[asked], len(names))
    keys, place = distinct(asked_at, len(part.endpoints) * len(names))
    told[asked] = np.array(
        [
            (part.endpoints[key // len(names)][1], names[key % len(names)]) in habits.issuing
            for key in keys.tolist()
        ],
        dtype=np.bool_,
    )[place]
    return told


def _repeated(keys: Ints) -> Bools:
    """The entries of sorted keys that are there more than once."""
    repeated = np.zeros(len(keys), dtype=np.bool_)
    same = keys[1:] == keys[:-1]
    repeated[1:] |= same
    repeated[:-1] |= same
    return repeated
