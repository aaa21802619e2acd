"""Inferring: from evidence to policy and intervals.

Enters: `Evidence` (all uses, or those of a sample of the values) and `Ballots` (all values).
Leaves: `Inference`. The order: restarts and calendars are taken out; the policy is named
(`statetrail.expiry.naming`), and late uses make the name strict; the votes bound both limits.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.intervals import AGE_FAMILY, Interval, interval
from statetrail.expiry.late_use import PROMPT, Late, strict_name
from statetrail.expiry.mass_expiry import Instants, instants
from statetrail.expiry.naming import MIN_POSTERIOR, named
from statetrail.expiry.selection import Naming
from statetrail.expiry.summaries import Ballots
from statetrail.expiry.thresholds import threshold
from statetrail.expiry.touch_interval import noted

POLICIES: Final = (
    "idle",
    "absolute",
    "idle+absolute",
    "per-request",
    "periodic",
    "age",
    "eviction",
    "mixed",
    "none-seen",
    "undetermined",
)
FEW_ENDS: Final = 20
"""Fewer ends than these have to fit an idle timeout without exception."""
USES: Final = 25_000
"""Uses on which models are weighed: more tell nothing new and only cost time."""


@dataclass(frozen=True, slots=True)
class Inference:
    """What the evidence says.

    Attributes
    ----------
    policy
        One of `POLICIES`.
    posterior
        Probability of the named policy (of its family); of the best one where none is named.
    idle, age
        Where either limit lies.
    naming
        The weighed models; `None` where there are too few ends to weigh any.
    instants
        Restarts and calendars that were taken out.
    accepted, refused
        Late uses.
    grain_s
        The throttle that the renewal of values seems to have; `None`: none.
    lost
        Ends that the named limits do not explain.
    doubted
        Gaps of several steps of steady clients, where what is the likeliest policy hangs on whether
        a request was missed in them; else 0.
    ageless
        Ends of values that were issued before the capture, so that their age is not known.
    """

    policy: str
    posterior: float | None
    idle: Interval
    age: Interval
    naming: Naming | None
    instants: Instants
    accepted: int
    refused: int
    grain_s: float | None
    lost: int
    doubted: int
    ageless: int


def infer(
    evidence: Evidence,
    ballots: Ballots | None = None,
    late: Late | None = None,
) -> Inference:
    """Name the policy and bound both limits.

    Parameters
    ----------
    evidence
        Uses, of a sample of the values at least.
    ballots
        Votes of all values; those of the evidence where not given.
    late
        Late uses of all values; those of the evidence where not given.
    """
    whole = ballots is None or len(ballots) == evidence.values
    befell = instants(evidence)
    if befell.spoiled.any():
        evidence = evidence.without(befell.spoiled)
        ballots = (
            Ballots.of(evidence) if whole else _spared(ballots or Ballots.of(evidence), befell)
        )
    if ballots is None:
        ballots = Ballots.of(evidence)
    late = _late(evidence) if late is None else late
    sample = _sample(evidence)
    name = named(sample)
    policy, naming = name.policy, name.naming
    if not ballots.ends:
        policy = "none-seen"
    if policy == "idle" and _denied(ballots):
        policy = "undetermined"
    if policy == "age":
        limit = interval(ballots, sample, "age", policy)
        policy = strict_name(late.accepted_beyond(limit.high_s), late.prompt)
    idle, age = (interval(ballots, sample, span, policy) for span in ("gap", "age"))
    grain = None
    if naming is not None and policy == "idle" and naming.share("idle, throttled") >= MIN_POSTERIOR:
        grain = naming.throttle.throttle_s
        idle = _unthrottled(evidence, idle, grain) if whole and grain else idle
    return Inference(
        policy,
        name.posterior,
        idle,
        age,
        naming,
        befell,
        late.accepted_beyond(age.high_s),
        late.refused,
        grain,
        _lost(ballots, policy, idle, age),
        name.doubted,
        ballots.ageless,
    )


def _denied(ballots: Ballots) -> bool:
    """Whether ends of values whose birth was not seen deny an idle timeout that fits all others.

    To the models they are losses. Where there are few others, one of them is too many: what ended
    it may be a limit on the age.
    """
    ended = ballots.ended_at_us >= 0
    low = threshold(ballots.outlived_gap, ballots.ended_gap).low_s or 0.0
    early = ended & (ballots.ended_gap <= low)
    old = np.isinf(ballots.ended_age)
    others = np.count_nonzero(ended & ~old)
    return bool(others < FEW_ENDS and np.any(early & old) and not np.any(early & ~old))


def _late(evidence: Evidence) -> Late:
    """Uses of values that had been seen to end."""
    over = np.full(evidence.values, np.iinfo(np.int64).max)
    age = np.zeros(evidence.values)
    ending = evidence.ending
    over[evidence.value[ending]] = evidence.at_us[ending]
    age[evidence.value[ending]] = evidence.age_low_s[ending]
    after = evidence.at_us > over[evidence.value]
    accepted, refused = (after & (evidence.late * sign > 0) for sign in (1, -1))
    since_s = (evidence.at_us - over[evidence.value]) / 1e6
    prompt = refused & (since_s <= PROMPT * age[evidence.value])
    counts = [int(np.count_nonzero(which)) for which in (accepted, refused, prompt)]
    return Late(counts[0], counts[1], counts[2])


def _sample(evidence: Evidence) -> Evidence:
    """Whole values, evenly chosen, so many that they have about `USES` uses."""
    if len(evidence) <= USES:
        return evidence
    every = -(-len(evidence) // USES)
    chosen = evidence.where(evidence.value % every == 0)
    _, values = np.unique(chosen.value, return_inverse=True)
    return replace(chosen, value=values.astype(np.int64))


def _spared(ballots: Ballots, befell: Instants) -> Ballots:
    """The votes without those of ends that span a restart."""
    gone = np.zeros(len(ballots), dtype=np.bool_)
    since = ballots.ended_at_us - np.where(
        np.isfinite(ballots.ended_gap), ballots.ended_gap * 1e6, 0
    ).astype(np.int64)
    for moment in befell.restarts_us:
        gone |= (since < moment) & (moment <= ballots.ended_at_us)
    if befell.calendar_s is not None:
        period = int(befell.calendar_s * 1e6)
        gone |= since // period != ballots.ended_at_us // period
    return replace(
        ballots,
        ended_gap=np.where(gone, np.inf, ballots.ended_gap),
        ended_age=np.where(gone, np.inf, ballots.ended_age),
        ended_at_us=np.where(gone, -1, ballots.ended_at_us),
    )


def _unthrottled(evidence: Evidence, idle: Interval, throttle_s: float) -> Interval:
    """The interval of the timeout since the last noted use, as far as the plain one allows it."""
    counted = noted(evidence, throttle_s)
    found = interval(Ballots.of(counted), counted, "gap", "idle")
    if found.low_s is None or found.high_s is None:
        return idle
    return Interval(found.low_s, found.high_s, found.sharp)


def _lost(ballots: Ballots, policy: str, idle: Interval, age: Interval) -> int:
    """Ends that the named limits leave unexplained."""
    named = {"gap": idle, "age": age}
    spans = ["gap"] if policy == "idle" else ["age"] if policy in AGE_FAMILY else ["gap", "age"]
    if policy not in ("idle", "idle+absolute", *AGE_FAMILY):
        return 0
    unexplained = ballots.ended_at_us >= 0
    for span in spans:
        unexplained &= ballots.ended(span) <= (named[span].sharp.low_s or 0.0)
    return int(np.count_nonzero(unexplained))
