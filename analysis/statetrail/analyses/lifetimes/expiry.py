"""Expiry: after what idle time, or at what age, a server stops accepting its tokens.

Enters: a recording. Leaves: the table `EXPIRY`, one row per origin and parameter that holds tokens.
The trials are those of `statetrail.analyses.lifetimes.summaries`; the policy and the intervals are
those of `statetrail.expiry`, which sees nothing but arrays of spans and outcomes.

Confidence
    `none`: no policy with a limit is named and the interval is open on a side, or there is none,
    since more than one token in ten contradicts it. `low`: fewer ends or clients than a policy's
    name needs. `high`: the policy is named, by `HIGH_ENDS` ends or more from more than
    `MIN_CLIENTS` clients, and the interval is no wider than a quarter of its lower end. `medium`:
    the rest.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import narwhals as nw
import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Ints
from statetrail.analyses.lifetimes.observations import Trials
from statetrail.analyses.lifetimes.outcomes import ENDED, LATE, SURVIVED, TOKEN_SERIES, Series
from statetrail.analyses.lifetimes.summaries import Tested, Votes
from statetrail.analyses.lifetimes.tables import EXPIRY
from statetrail.analyses.lifetimes.uses import tested
from statetrail.expiry import (
    MIN_CLIENTS,
    MIN_ENDS,
    POLICIES,
    Evidence,
    Inference,
    Interval,
    ValueSummaries,
    infer,
)
from statetrail.expiry.advice import advice, plan
from statetrail.expiry.numerics import Reals
from statetrail.recording.frames import Frame, Recording, origin_expression

CONFIDENCES: Final = ("none", "low", "medium", "high")
HIGH_ENDS: Final = 10

_WIDE: Final = 0.25
_ODD: Final = 0.1


def expiry(rec: Recording) -> Frame:
    """How long tokens live, per origin and parameter, as intervals.

    Returns
    -------
    Frame
        `statetrail.analyses.lifetimes.tables.EXPIRY`. ``low_s`` and ``high_s`` bound the limit that
        ``policy`` names, and the idle timeout where it names none or both, unless too many tokens
        contradict it; both limits are bounded in columns of their own, whatever the policy.
    """
    return rec.result(EXPIRY, lambda: rec.place(_expiry(rec)))


def evidence(trials: Trials) -> Evidence:
    """The trials as the inference reads them."""
    counts = trials.excluded == NOTHING
    late = trials.excluded == LATE
    taken = late & trials.replaced & (trials.outcome == SURVIVED)
    refused = late & trials.replaced & (trials.outcome == ENDED)
    return Evidence.of(
        value=trials.token,
        client=trials.who,
        request_start_us=trials.request_start_us,
        survived=counts & (trials.outcome == SURVIVED),
        ended=counts & (trials.outcome == ENDED),
        late=taken.astype(np.int8) - refused.astype(np.int8),
        idle_low_s=_seconds(trials.idle_low_us, np.nan),
        idle_high_s=_seconds(trials.idle_high_us, np.nan),
        age_low_s=_seconds(trials.age_low_us, np.nan),
        age_high_s=_seconds(trials.age_high_us, np.nan),
    )


def summaries(votes: Votes) -> ValueSummaries:
    """The votes as the inference reads them."""
    return ValueSummaries(
        outlived={
            "idle": _seconds(votes.outlived_gap_us, 0.0),
            "age": _seconds(votes.outlived_age_us, 0.0),
        },
        ended={
            "idle": _seconds(votes.ended_gap_us, np.inf),
            "age": _seconds(votes.ended_age_us, np.inf),
        },
        ended_at_us=votes.ended_at_us,
        ended_client=votes.ended_by,
    )


def _seconds(spans_us: Ints, missing: float) -> Reals:
    return np.where(spans_us >= 0, spans_us / 1e6, missing)


@dataclass(frozen=True, slots=True)
class Inferred:
    """What was inferred of one parameter's tokens, and from what.

    Attributes
    ----------
    told, votes, sample
        The uses, what each token says, and the uses of a sample of them.
    found
        The policy and its limits.
    """

    told: Tested
    votes: ValueSummaries
    sample: Evidence
    found: Inference


def inferred(rec: Recording) -> dict[Series, Inferred]:
    """What was inferred of each parameter that holds tokens, by (origin, dialect, param)."""
    return rec.once("inferred", lambda: {s: _inferred(told) for s, told in tested(rec).items()})


def _inferred(told: Tested) -> Inferred:
    votes, sample = summaries(told.votes), evidence(told.trials)
    return Inferred(told, votes, sample, infer(sample, votes, told.late))


def _expiry(rec: Recording) -> pa.Table:
    declared = _declared(rec)
    rows = [
        dict(zip(TOKEN_SERIES, series, strict=True)) | _row(one) | declared.get(series, {})
        for series, one in inferred(rec).items()
    ]
    return pa.Table.from_pylist(rows, schema=EXPIRY.arrow)


def _declared(rec: Recording) -> dict[Series, dict[str, float]]:
    """The shortest and the longest lifetime that the values of each parameter state."""
    columns = ("exchange_id", "dialect", "param", "declared_s")
    stating = rec.issued.lazy.filter(~nw.col("declared_s").is_null()).select(*columns)
    where = rec.exchanges.lazy.select("exchange_id", origin=origin_expression())
    told = (
        stating.join(where, on="exchange_id")
        .group_by(*TOKEN_SERIES)
        .agg(low=nw.col("declared_s").min(), high=nw.col("declared_s").max())
        .collect("pyarrow")
    )
    return {
        (row["origin"], row["dialect"], row["param"]): {
            "declared_low_s": float(row["low"]),
            "declared_high_s": float(row["high"]),
        }
        for row in told.rows(named=True)
    }


def _row(one: Inferred) -> dict[str, Any]:
    """The row of one parameter without its key and without what its values state."""
    told, votes, found = one.told, one.votes, one.found
    policy = POLICIES[found.policy]
    limit = found.age if policy.span == "age" else found.idle
    # An interval that the tokens themselves contradict is no answer: it would only look narrow.
    odd = limit.sharp.contradictions > _ODD * limit.sharp.values
    holds = bool(policy.limits) or not odd
    ends, clients = votes.ends, votes.clients
    return {
        "policy": found.policy,
        "posterior": found.selection.posterior,
        "low_s": limit.low_s if holds else None,
        "high_s": limit.high_s if holds else None,
        "confidence": _confidence(found, limit, ends, clients) if holds else "none",
        "survived": int(told.votes.survived.sum()),
        "ended": ends,
        "censored": len(votes) - ends,
        "excluded": int(told.votes.excluded.sum()),
        "contradictions": limit.sharp.contradictions,
        "lost": found.unexplained_ends,
        **_bounds("idle", found.idle),
        **_bounds("age", found.age),
        "touch_interval_s": found.touch_interval_s,
        "late_accepted": found.accepted,
        "late_refused": found.refused,
        "restarts": ", ".join(_moment(at) for at in found.mass_expiry.restarts_us),
        "calendar_s": found.mass_expiry.calendar_s,
        "advice": advice(found, ends, clients),
        "plan": ", ".join(f"{pause:g}" for pause in plan(limit if holds else found.idle)),
    }


def _bounds(name: str, interval: Interval) -> dict[str, float | None]:
    return {
        f"{name}_low_s": interval.low_s,
        f"{name}_high_s": interval.high_s,
        f"{name}_sharp_low_s": interval.sharp.low_s,
        f"{name}_sharp_high_s": interval.sharp.high_s,
    }


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds")


def _confidence(found: Inference, limit: Interval, ends: int, clients: int) -> str:
    if limit.low_s is None or limit.high_s is None:
        return "none"
    if ends < MIN_ENDS or clients < MIN_CLIENTS:
        return "low"
    narrow = limit.high_s - limit.low_s <= _WIDE * limit.low_s
    limited = bool(POLICIES[found.policy].limits)
    if limited and ends >= HIGH_ENDS and clients > MIN_CLIENTS and narrow:
        return "high"
    return "medium"
