"""Expiry: after what idle time, or at what age, a server stops accepting its tokens.

Enters: a recording. Leaves: the table `EXPIRY`, one row per origin and parameter that holds
tokens. The trials are those of `statetrail.analyses.uses`; the intervals are those of
`statetrail.analyses.thresholds`; this module names the policy, and only where the trials leave no
other name.

Policy
    `idle` or `age` needs `MIN_ENDS` ends from `MIN_CLIENTS` clients, all of them explained by a
    limit on the one, and at least one that no limit on the other explains. `none-seen`: no token
    ended. Anything else is `undetermined`: the honest answer to too little evidence.

Confidence
    `none`: the interval is open on a side, or there is none, since more than one token in ten
    contradicts it and no policy is named. `low`: fewer ends or clients than a policy's name needs.
    `high`: the policy is named, by `HIGH_ENDS` ends or more from more than `MIN_CLIENTS` clients,
    and the interval is no wider than a quarter of its lower end. `medium`: the rest.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from statetrail.analyses.outcomes import TOKEN_SERIES
from statetrail.analyses.tested import Votes
from statetrail.analyses.thresholds import Threshold, threshold
from statetrail.analyses.uses import tested
from statetrail.frames import Frame, Recording
from statetrail.schema import EXPIRY

POLICIES: Final = ("idle", "age", "none-seen", "undetermined")
CONFIDENCES: Final = ("none", "low", "medium", "high")
MIN_ENDS: Final = 3
MIN_CLIENTS: Final = 2
HIGH_ENDS: Final = 10

_WIDE: Final = 0.25
_ODD: Final = 0.1


def expiry(rec: Recording) -> Frame:
    """How long tokens live, per origin and parameter, as intervals.

    Returns
    -------
    Frame
        `statetrail.schema.EXPIRY`. ``low_s`` and ``high_s`` bound the limit that ``policy`` names,
        and the idle timeout where it names none, unless too many tokens contradict it; both limits
        are bounded in columns of their own.
    """
    return rec.result(EXPIRY, lambda: rec.place(_expiry(rec)))


def _expiry(rec: Recording) -> pa.Table:
    rows = [
        dict(zip(TOKEN_SERIES, series, strict=True)) | _infer(_evidence(told.votes))
        for series, told in tested(rec).items()
    ]
    return pa.Table.from_pylist(rows, schema=EXPIRY.arrow)


def _evidence(votes: Votes) -> pd.DataFrame | None:
    """What each token says of the limits: all that the inference needs to know of it."""
    if not len(votes):
        return None
    spans = {
        f"{what}_{span}_s": getattr(votes, f"{what}_{span}_us")
        for what in ("outlived", "ended")
        for span in ("gap", "age")
    }
    return pd.DataFrame(
        {
            "survived": votes.survived,
            "ended": votes.ended,
            "excluded": votes.excluded,
            "ended_by": np.where(votes.ended_by >= 0, votes.ended_by, np.nan),
        }
        | {name: np.where(span >= 0, span / 1e6, np.nan) for name, span in spans.items()}
    )


def _infer(evidence: pd.DataFrame | None) -> dict[str, Any]:
    """The row of one parameter without its key; `None`: no token of it was ever presented."""
    if evidence is None:
        nothing = np.array([], dtype=np.float64)
        idle = age = threshold(nothing, nothing)
        survived = ended = censored = excluded = clients = 0
    else:
        idle = _threshold(evidence, "gap")
        age = _threshold(evidence, "age")
        survived, excluded = int(evidence["survived"].sum()), int(evidence["excluded"].sum())
        ended = int((evidence["ended"] > 0).sum())
        censored = len(evidence) - ended
        clients = int(evidence["ended_by"].nunique())
    policy = _policy(idle, age, ended, clients)
    limit = age if policy == "age" else idle
    # An interval that the tokens themselves contradict is no answer: it would only look narrow.
    holds = limit.contradictions <= _ODD * limit.votes
    return {
        "policy": policy,
        "low_s": limit.low_s if holds else None,
        "high_s": limit.high_s if holds else None,
        "confidence": _confidence(policy, limit, ended, clients) if holds else "none",
        "survived": survived,
        "ended": ended,
        "censored": censored,
        "excluded": excluded,
        "contradictions": limit.contradictions,
        "idle_low_s": idle.low_s,
        "idle_high_s": idle.high_s,
        "age_low_s": age.low_s,
        "age_high_s": age.high_s,
        "advice": _advice(policy, limit, ended, clients),
    }


def _threshold(evidence: pd.DataFrame, span: str) -> Threshold:
    outlived = evidence[f"outlived_{span}_s"].fillna(0.0).to_numpy(dtype=np.float64)
    ended = evidence[f"ended_{span}_s"].fillna(np.inf).to_numpy(dtype=np.float64)
    return threshold(outlived, ended)


def _policy(idle: Threshold, age: Threshold, ended: int, clients: int) -> str:
    if not ended:
        return "none-seen"
    if ended >= MIN_ENDS and clients >= MIN_CLIENTS:
        if not idle.contradictions and age.contradictions:
            return "idle"
        if not age.contradictions and idle.contradictions:
            return "age"
    return "undetermined"


def _confidence(policy: str, limit: Threshold, ended: int, clients: int) -> str:
    if limit.low_s is None or limit.high_s is None:
        return "none"
    if ended < MIN_ENDS or clients < MIN_CLIENTS:
        return "low"
    narrow = limit.high_s - limit.low_s <= _WIDE * limit.low_s
    if policy in ("idle", "age") and ended >= HIGH_ENDS and clients > MIN_CLIENTS and narrow:
        return "high"
    return "medium"


def _advice(policy: str, limit: Threshold, ended: int, clients: int) -> str:
    """What traffic would narrow the interval, in one sentence."""
    low, high = limit.low_s, limit.high_s
    if low is None and high is None:
        return "No client used a token again after a pause: one that does would tell."
    if high is None:
        probe = 2 * (low or 0)
        seen = f"No token ended after an idle gap of up to {spoken(low or 0)}"
        gain = "would bound the timeout or double what is known"
    elif low is None:
        probe, seen = high / 2, f"No token survived an idle gap, and {spoken(high)} ended one"
        gain = "would halve the interval"
    else:
        probe = (low + high) / 2
        seen = f"No idle gap between {spoken(low)} and {spoken(high)} was measured"
        gain = "would halve the interval"
    if policy == "age":
        seen = seen.replace("idle gap", "age")
        return f"{seen}: a client that uses a token {spoken(probe)} after its issue {gain}."
    if limit.contradictions:
        seen = f"{limit.contradictions} of {limit.votes} tokens contradict any one idle timeout"
        gain = "would show whether idle time decides"
    if ended and (ended < MIN_ENDS or clients < MIN_CLIENTS):
        gain += f", and {MIN_ENDS} ends by {MIN_CLIENTS} clients could give the policy a name"
    return f"{seen}: a client that pauses {spoken(probe)} {gain}."


def spoken(seconds: float) -> str:
    """A span as a person would say it, in at most two units.

    >>> spoken(0.25), spoken(18.4), spoken(1470), spoken(7199), spoken(25920)
    ('0.25 s', '18.4 s', '24 min 30 s', '2 h', '7 h 12 min')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    units = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
    size, unit, part, small = next(u for u in units if seconds >= u[0])
    whole, rest = divmod(round(seconds / part), size // part)
    return f"{whole} {unit}" + (f" {rest} {small}" if rest else "")
