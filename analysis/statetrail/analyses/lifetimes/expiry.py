"""Expiry: after what idle time, or at what age, a server stops accepting its tokens.

Enters: a recording. Leaves: the table `EXPIRY`, one row per origin and parameter that holds tokens.
The observations are those of `statetrail.analyses.lifetimes.summaries`; the policy and the
intervals are those of `statetrail.expiry`, which sees nothing but arrays of spans and outcomes.

Confidence
    `none`: no policy with a limit is named and the interval is open on a side, or there is none,
    since more than one token in ten contradicts it. `low`: fewer ends or sessions than a policy's
    name needs. `high`: the policy is named, by `HIGH_ENDS` ends or more from more than
    `MIN_SESSIONS` sessions, no more than one token in twenty contradicts it, and the interval is no
    wider than a quarter of its lower end. `medium`: the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Ints
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.lifetimes.declared_lifetimes import (
    DeclaredLifetimes,
    declared_lifetimes,
)
from statetrail.analyses.lifetimes.observations import Observations
from statetrail.analyses.lifetimes.outcomes import ENDED, LATE, SURVIVED, TOKEN_SERIES, Series
from statetrail.analyses.lifetimes.summaries import SeriesSummary, TokenSummary, summaries
from statetrail.analyses.lifetimes.tables import EXPIRY
from statetrail.expiry import (
    MIN_ENDS,
    MIN_SESSIONS,
    POLICIES,
    Evidence,
    Inference,
    Interval,
    ValueSummaries,
    infer,
)
from statetrail.expiry.advice import advice, plan
from statetrail.expiry.models.login import ByLogin
from statetrail.expiry.numerics import Reals
from statetrail.recording.frames import Recording

CONFIDENCES: Final = ("none", "low", "medium", "high")
HIGH_ENDS: Final = 10

_WIDE: Final = 0.25
_CONTRADICTED: Final = 0.1


@dataclass(frozen=True, slots=True)
class Inferred:
    """What was inferred of one parameter's tokens, and from what.

    Attributes
    ----------
    summary, tokens, sample
        The uses, what each token says, and the uses of a sample of them.
    inference
        The policy and its limits.
    """

    summary: SeriesSummary
    tokens: ValueSummaries
    sample: Evidence
    inference: Inference


@artifact(needs=(summaries,), scope="whole")
def inferred(_: Recording, of_series: Mapping[Series, SeriesSummary]) -> dict[Series, Inferred]:
    """What was inferred of each parameter that holds tokens, by (origin, dialect, param)."""
    return {series: _inferred(summary) for series, summary in of_series.items()}


@analysis(EXPIRY, needs=(inferred, declared_lifetimes), scope="whole")
def expiry(
    _: Recording, of_series: Mapping[Series, Inferred], lifetimes: DeclaredLifetimes
) -> pa.Table:
    """How long tokens live, per origin and parameter, as intervals.

    Returns
    -------
    Frame
        `statetrail.analyses.lifetimes.tables.EXPIRY`. ``low_s`` and ``high_s`` bound the limit that
        ``policy`` names, and the idle timeout where it names none or both, unless too many tokens
        contradict it; both limits are bounded in columns of their own, whatever the policy.
    """
    declared = {
        series: dict(zip(("declared_low_s", "declared_high_s"), map(float, span), strict=True))
        for series, span in lifetimes.spans.items()
    }
    rows = [
        dict(zip(TOKEN_SERIES, series, strict=True)) | _row(one) | declared.get(series, {})
        for series, one in of_series.items()
    ]
    return pa.Table.from_pylist(rows, schema=EXPIRY.arrow)


def evidence(uses: Observations) -> Evidence:
    """The observations as the inference reads them."""
    counts = uses.exclusion == NOTHING
    late = (uses.exclusion == LATE) & uses.replaced
    accepted = late & (uses.outcome == SURVIVED)
    refused = late & (uses.outcome == ENDED)
    return Evidence.of(
        value=uses.token,
        client=uses.client,
        session=uses.session,
        writes=uses.writes,
        login=uses.login,
        request_start_us=uses.request_start_us,
        survived=counts & (uses.outcome == SURVIVED),
        ended=counts & (uses.outcome == ENDED),
        late=accepted.astype(np.int8) - refused.astype(np.int8),
        idle_low_s=_seconds(uses.idle_low_us, np.nan),
        idle_high_s=_seconds(uses.idle_high_us, np.nan),
        age_low_s=_seconds(uses.age_low_us, np.nan),
        age_high_s=_seconds(uses.age_high_us, np.nan),
    )


def _value_summaries(tokens: TokenSummary) -> ValueSummaries:
    """What each token says, as the inference reads it."""
    return ValueSummaries(
        outlived={
            "idle": _seconds(tokens.outlived_idle_us, 0.0),
            "age": _seconds(tokens.outlived_age_us, 0.0),
        },
        ended={
            "idle": _seconds(tokens.ended_idle_us, np.inf),
            "age": _seconds(tokens.ended_age_us, np.inf),
        },
        ended_at_us=tokens.ended_at_us,
        ended_session=tokens.session,
    )


def _seconds(spans_us: Ints, missing: float) -> Reals:
    return np.where(spans_us >= 0, spans_us / 1e6, missing)


def _inferred(summary: SeriesSummary) -> Inferred:
    tokens, sample = _value_summaries(summary.tokens), evidence(summary.sample)
    return Inferred(summary, tokens, sample, infer(sample, tokens, summary.late))


def _row(one: Inferred) -> dict[str, Any]:
    """The row of one parameter without its key and without what its values state."""
    uses, tokens, inference = one.summary.tokens, one.tokens, one.inference
    policy = POLICIES[inference.policy]
    limit = inference.age if policy.span == "age" else inference.idle
    # An interval that the tokens themselves contradict is no answer: it would only look narrow.
    contradicted = limit.sharp.contradictions > _CONTRADICTED * limit.sharp.values
    holds = bool(policy.limits) or not contradicted
    ends, sessions = tokens.ends, tokens.sessions
    return {
        "policy": inference.policy,
        "posterior": inference.selection.posterior,
        "low_s": limit.low_s if holds else None,
        "high_s": limit.high_s if holds else None,
        "confidence": _confidence(inference, limit, ends, sessions) if holds else "none",
        "survived": int(uses.survived.sum()),
        "ended": ends,
        "censored": len(tokens) - ends,
        "excluded": int(uses.excluded.sum()),
        "contradictions": limit.sharp.contradictions,
        "lost": inference.unexplained_ends,
        **_bounds("idle", inference.idle),
        **_bounds("age", inference.age),
        **_split(inference.by_login),
        "touch_interval_s": inference.touch_interval_s,
        "late_accepted": inference.accepted,
        "late_refused": inference.refused,
        "restarts": ", ".join(_moment(at) for at in inference.mass_expiry.restarts_us),
        "calendar_s": inference.mass_expiry.calendar_s,
        "advice": advice(inference, ends, sessions),
        "plan": ", ".join(f"{pause:g}" for pause in plan(limit if holds else inference.idle)),
    }


def _bounds(name: str, interval: Interval) -> dict[str, float | None]:
    return {
        f"{name}_low_s": interval.low_s,
        f"{name}_high_s": interval.high_s,
        f"{name}_sharp_low_s": interval.sharp.low_s,
        f"{name}_sharp_high_s": interval.sharp.high_s,
    }


def _split(by_login: ByLogin | None) -> dict[str, float | None]:
    if by_login is None:
        return {}
    sides = {"anonymous": by_login.anonymous, "login": by_login.login}
    return {
        f"{name}_{end}_s": getattr(side, f"{end}_s")
        for name, side in sides.items()
        for end in ("low", "high")
    }


def _moment(moment_us: int) -> str:
    return datetime.fromtimestamp(moment_us / 1e6, UTC).isoformat(timespec="seconds")


def _confidence(inference: Inference, limit: Interval, ends: int, sessions: int) -> str:
    if limit.low_s is None or limit.high_s is None:
        return "none"
    if ends < MIN_ENDS or sessions < MIN_SESSIONS:
        return "low"
    narrow = limit.high_s - limit.low_s <= _WIDE * limit.low_s
    limited = bool(POLICIES[inference.policy].limits)
    limited &= not limit.sharp.is_contradicted
    if limited and ends >= HIGH_ENDS and sessions > MIN_SESSIONS and narrow:
        return "high"
    return "medium"
