"""Inference: from evidence to the policy and its limits.

Enters: `Evidence` (all uses, or those of a sample of the values) and `ValueSummaries` (all values).
Leaves: `Inference`.

1.  Restarts and calendars are taken out (`statetrail.expiry.mass_expiry`).
2.  The policy is named (`statetrail.expiry.selection`), and late uses make the name stricter.
3.  Both limits are bounded, whatever the policy (`statetrail.expiry.bounds`).
4.  The interval of an idle timeout is widened for a server that is not exact: it sweeps at
    intervals (`statetrail.expiry.sweep`), or does not note each use
    (`statetrail.expiry.models.touch_interval`).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import Interval, interval, threshold
from statetrail.expiry.evidence import Evidence, Span
from statetrail.expiry.late_use import LateUses, late_uses
from statetrail.expiry.mass_expiry import MassExpiry, mass_expiry
from statetrail.expiry.models import POLICIES
from statetrail.expiry.models.grey_zone import begin_low
from statetrail.expiry.models.model import Policy
from statetrail.expiry.models.touch_interval import latest, since_noted
from statetrail.expiry.models.undetermined import NONE_SEEN, UNDETERMINED
from statetrail.expiry.selection import MIN_POSTERIOR, Comparison, Selection, select
from statetrail.expiry.summaries import EventTable, ValueSummaries
from statetrail.expiry.sweep import sweep_low

FEW_ENDS: Final = 20
"""Fewer ends than these have to fit an idle timeout without exception."""
USES: Final = 25_000
"""Uses on which models are compared: more add no information and cost time."""


@dataclass(frozen=True, slots=True)
class Inference:
    """What the evidence says.

    Attributes
    ----------
    policy
        A name of `statetrail.expiry.POLICIES`.
    idle, age
        Where either limit lies.
    selection
        The models compared, and the posterior of the policy or of its family.
    mass_expiry
        Restarts and calendars that were taken out.
    accepted, refused
        Late uses.
    touch_interval_s
        The interval within which uses seem not to renew a value; `None`: each use does.
    unexplained_ends
        Ends that the named limits do not explain.
    unknown_age_ends
        Ends of values that were issued before the capture, so that their age is not known.
    """

    policy: str
    idle: Interval
    age: Interval
    selection: Selection
    mass_expiry: MassExpiry
    accepted: int
    refused: int
    touch_interval_s: float | None
    unexplained_ends: int
    unknown_age_ends: int


def infer(
    evidence: Evidence, summaries: ValueSummaries | None = None, late: LateUses | None = None
) -> Inference:
    """Name the policy and bound both limits.

    Parameters
    ----------
    evidence
        Uses, of a sample of the values at least.
    summaries
        Of all values; those of the evidence where not given.
    late
        Late uses of all values; those of the evidence where not given.
    """
    is_whole = summaries is None or len(summaries) == evidence.values
    mass = mass_expiry(evidence)
    if mass.affected.any():
        evidence = evidence.without(mass.affected)
        summaries = None if is_whole or summaries is None else mass.without(summaries)
    if summaries is None:
        summaries = ValueSummaries.of(evidence)
    late = late or late_uses(evidence)
    sample = _sample(evidence)
    selection = select(sample)
    policy = POLICIES[selection.policy]
    if not summaries.ends:
        policy = NONE_SEEN
    if policy.limits == ("idle",) and _is_contradicted(summaries):
        policy = UNDETERMINED
    if policy.refine:
        limit_s = interval(summaries, policy.span, policy.limits).high_s
        policy = POLICIES[policy.refine(late.accepted_beyond(limit_s), late.prompt)]
    if policy.unsharp and _is_grey(selection.comparison, policy, summaries):
        policy = POLICIES[policy.unsharp]
    idle, age = _idle(summaries, sample, policy), interval(summaries, "age", policy.limits)
    touch_interval_s = _touch_interval(selection, policy)
    if is_whole and touch_interval_s:
        idle = _since_noted(evidence, idle, policy, touch_interval_s)
    return Inference(
        policy=policy.name,
        idle=idle,
        age=age,
        selection=selection,
        mass_expiry=mass,
        accepted=late.accepted_beyond(age.high_s),
        refused=late.refused,
        touch_interval_s=touch_interval_s,
        unexplained_ends=_unexplained(summaries, policy, {"idle": idle, "age": age}),
        unknown_age_ends=summaries.unknown_age_ends,
    )


def _is_grey(comparison: Comparison | None, policy: Policy, summaries: ValueSummaries) -> bool:
    """Whether too many values contradict a sharp limit, and one that is not sharp explains them."""
    limit = interval(summaries, policy.span, policy.limits).sharp
    if comparison is None or not limit.is_contradicted:
        return False
    models = comparison.models(policy.name)
    share = sum(comparison.share(model.label) for model in models if model.is_grey)
    return share >= MIN_POSTERIOR


def _is_contradicted(summaries: ValueSummaries) -> bool:
    """Whether only ends of unknown age contradict an idle timeout, which fits few others.

    To the models these are unexplained ends. Where there are few others, one of them is too many:
    what ended it may be a limit on the age.
    """
    ended = summaries.ended_at_us >= 0
    low = threshold(summaries.outlived["idle"], summaries.ended["idle"]).low_s or 0.0
    early, unknown_age = ended & (summaries.ended["idle"] <= low), np.isinf(summaries.ended["age"])
    few = np.count_nonzero(ended & ~unknown_age) < FEW_ENDS
    return bool(few and np.any(early & unknown_age) and not np.any(early & ~unknown_age))


def _sample(evidence: Evidence) -> Evidence:
    """Whole values, evenly chosen, so many that they have about `USES` uses."""
    if len(evidence) <= USES:
        return evidence
    every = -(-len(evidence) // USES)
    chosen = evidence.where(evidence.value % every == 0)
    _, values = np.unique(chosen.value, return_inverse=True)
    return replace(chosen, value=values.astype(np.int64))


def _idle(summaries: ValueSummaries, evidence: Evidence, policy: Policy) -> Interval:
    """The interval of the idle timeout, widened for a server that is not exact about it.

    Where the policy limits the age as well, the ends of the idle timeout are too few to widen it.
    """
    plain = interval(summaries, "idle", policy.limits)
    sharp, low, high = plain.sharp, plain.low_s, plain.high_s
    if len(policy.limits) > 1 or sharp.low_s is None or sharp.high_s is None:
        return plain
    if high is not None and np.isfinite(last := latest(evidence)):
        high = max(high, last)
    if low is not None:
        wide = (low, np.inf if high is None else high)
        events = EventTable.of(evidence, ("idle",))
        low = sweep_low(events, (sharp.low_s, sharp.high_s), wide)
        if sharp.is_contradicted:
            low = min(low, begin_low(events))
    return Interval(low, high, sharp)


def _touch_interval(selection: Selection, policy: Policy) -> float | None:
    """The touch interval of the model that is sure to be the right one of the policy's."""
    comparison = selection.comparison
    if comparison is None or not policy.is_named:
        return None
    for model in comparison.models(selection.policy):
        result = comparison.fits[model.label].touch_interval_s
        if result and comparison.share(model.label) >= MIN_POSTERIOR:
            return result
    return None


def _since_noted(
    evidence: Evidence, idle: Interval, policy: Policy, touch_interval_s: float
) -> Interval:
    """The interval of the timeout since the last noted use; the plain one where that is open."""
    noted = since_noted(evidence, touch_interval_s)
    result = _idle(ValueSummaries.of(noted), noted, policy)
    return idle if result.low_s is None or result.high_s is None else result


def _unexplained(summaries: ValueSummaries, policy: Policy, intervals: dict[Span, Interval]) -> int:
    """Ends that the named limits leave unexplained."""
    if not policy.limits:
        return 0
    unexplained = summaries.ended_at_us >= 0
    for span in policy.limits:
        unexplained &= summaries.ended[span] <= (intervals[span].sharp.low_s or 0.0)
    return int(np.count_nonzero(unexplained))
