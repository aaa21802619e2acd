"""Inference: from evidence to the policy and its limits.

Enters: `Evidence` (all uses, or those of a sample of the values) and `ValueSummaries` (all values).
Leaves: `Inference`.

1.  Restarts and calendars are taken out (`statetrail.expiry.mass_expiry`).
2.  The policy is named (`statetrail.expiry.selection`), and late uses make the name stricter.
3.  Both limits are bounded, whatever the policy (`statetrail.expiry.bounds`).
4.  The interval of an idle timeout is widened for a server that is not exact: it sweeps at
    intervals (`statetrail.expiry.sweep`) or by chance (`statetrail.expiry.models.grey_zone`), or
    does not note each use (`statetrail.expiry.models.touch_interval`).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import Interval, grey_zone, interval, threshold
from statetrail.expiry.evidence import Evidence, Span
from statetrail.expiry.late_use import LateUses, late_uses
from statetrail.expiry.mass_expiry import Clock, MassExpiry, mass_expiry
from statetrail.expiry.models import MODELS, POLICIES
from statetrail.expiry.models.grey_zone import LABEL as COLLECTIONS
from statetrail.expiry.models.grey_zone import MIN_EACH, begin_low
from statetrail.expiry.models.idle import IDLE
from statetrail.expiry.models.login import LABEL, ByLogin, by_login
from statetrail.expiry.models.model import MIN_ENDS, Policy
from statetrail.expiry.models.touch_interval import latest, since_noted
from statetrail.expiry.models.undetermined import NONE_SEEN, UNDETERMINED
from statetrail.expiry.models.wall_clock import DAY_US, WALL_CLOCK
from statetrail.expiry.numerics import log_sum
from statetrail.expiry.selection import MIN_POSTERIOR, Comparison, Selection, select
from statetrail.expiry.summaries import EventTable, ValueSummaries
from statetrail.expiry.sweep import sweep

FEW_ENDS: Final = 20
"""Fewer ends than these have to fit an idle timeout without exception."""
VERY_MANY: Final = 0.1
"""Share of the values that contradict, beyond which a sharp limit has to be the likelier one..."""
OPEN: Final = 0.1
"""... and the probability of one that is not sharp by which that is open."""
TOO_MANY: Final = 0.2
"""Share of the values that contradict, beyond which no sharp limit has a name."""
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
    by_login
        The idle timeouts before and after the login, where that is what limits differ by.
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
    by_login: ByLogin | None = None


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
    given = summaries
    is_whole = summaries is None or len(summaries) == evidence.values
    mass, whole = mass_expiry(evidence), evidence
    if mass.affected.any():
        evidence = evidence.without(mass.affected)
        summaries = None if is_whole or summaries is None else mass.without(summaries)
    if summaries is None:
        summaries = ValueSummaries.of(evidence)
    late = late or late_uses(evidence)
    sample = _sample(evidence)
    selection = select(sample)
    if mass.restarts_us and _clock(every := select(_sample(whole))):
        # What looks like restarts is a calendar.
        evidence, selection = whole, every
        summaries = given or ValueSummaries.of(whole)
    policy = POLICIES[selection.policy]
    if clock := _clock(selection):
        mass = MassExpiry.by_clock(evidence, clock)
        evidence, summaries = evidence.without(mass.affected), mass.without(summaries)
        sample = _sample(evidence)
    elif not summaries.ends:
        policy = NONE_SEEN
    elif mass.clock and mass.clock.period_us == DAY_US and summaries.ends < MIN_ENDS:
        policy = WALL_CLOCK
    if policy.limits == ("idle",) and _is_contradicted(summaries):
        policy = UNDETERMINED
    if policy.refine:
        limit_s = interval(summaries, policy.span, policy.limits).high_s
        policy = POLICIES[policy.refine(late.accepted_beyond(limit_s), late.prompt)]
    grey_share, others = _grey_share(selection.comparison), _others(selection.comparison)
    if policy.unsharp:
        policy = _unsharp(policy, summaries, selection.comparison)
    age = interval(summaries, "age", policy.limits)
    if policy.measure:
        sample = policy.measure(sample)
        summaries = ValueSummaries.of(sample)
    idle = _idle(summaries, sample, policy, grey_share, others)
    touch_interval_s = _touch_interval(selection, policy)
    if is_whole and touch_interval_s:
        idle = _since_noted(evidence, idle, policy, touch_interval_s, grey_share, others)
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
        by_login=_by_login(selection, sample),
    )


def _clock(selection: Selection) -> Clock | None:
    """When the named policy has values end, whatever their spans."""
    if selection.comparison is None:
        return None
    models = selection.comparison.models(selection.policy)
    return next((c for m in models if (c := selection.comparison.fits[m.label].clock)), None)


def _by_login(selection: Selection, evidence: Evidence) -> ByLogin | None:
    """Both timeouts, where the login explains which one holds."""
    comparison, model = selection.comparison, MODELS[LABEL]
    if comparison is None or model.policy.name != selection.policy:
        return None
    return by_login(evidence) if comparison.share(LABEL) >= MIN_POSTERIOR else None


def _grey_share(comparison: Comparison | None) -> float:
    """The probability of a limit that is not sharp, if it is an idle timeout.

    What may be either, or requests that were missed, says nothing here.
    """
    if comparison is None:
        return 0.0
    grey, sharp = [-np.inf], [-np.inf]
    for model in comparison.models(IDLE.name):
        fit, prior = comparison.fits[model.label], float(np.log(model.prior))
        if not model.is_grey:
            sharp.append(fit.log_evidence + prior)
        else:
            zone = fit.log_evidence if fit.log_grey is None else fit.log_grey
            grey.append(zone + prior)
    total = log_sum(grey + sharp)
    return float(np.exp(log_sum(grey) - total)) if np.isfinite(total) else 0.0


def _others(comparison: Comparison | None) -> float:
    """The log-evidence of an idle timeout, but for that of collections by chance."""
    if comparison is None:
        return np.inf
    return log_sum(
        [
            comparison.log_evidence[model.label] + float(np.log(model.prior))
            for model in comparison.models(IDLE.name)
            if model.label != COLLECTIONS
        ]
    )


def _unsharp(policy: Policy, summaries: ValueSummaries, comparison: Comparison | None) -> Policy:
    """The policy, by its stricter name where too many values contradict a sharp limit.

    Where very many do and it is open what explains them, it has no name.
    """
    limit = interval(summaries, policy.span, policy.limits).sharp
    if comparison is None or not limit.is_contradicted:
        return policy
    models, share = comparison.models(policy.name), _grey_share(comparison)
    very_many = limit.contradictions > VERY_MANY * limit.values
    if share >= (1 / 2 if very_many else MIN_POSTERIOR):
        return POLICIES[policy.unsharp]
    throttled = any(m.is_costly and comparison.share(m.label) > 1 / 2 for m in models)
    is_open = (very_many and share >= OPEN) or limit.contradictions > TOO_MANY * limit.values
    return UNDETERMINED if is_open and not throttled else policy


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


def _idle(
    summaries: ValueSummaries,
    evidence: Evidence,
    policy: Policy,
    grey_share: float,
    others: float,
) -> Interval:
    """The interval of the idle timeout, widened for a server that is not exact about it.

    Where the policy limits the age as well, the ends of the idle timeout are too few to widen it.
    `grey_share` is the probability of a grey zone, if it is an idle timeout; `others` the
    log-evidence of models without one.
    """
    plain = interval(summaries, "idle", policy.limits)
    sharp, low, high = plain.sharp, plain.low_s, plain.high_s
    if len(policy.limits) > 1 or sharp.low_s is None or sharp.high_s is None:
        return plain
    exact = policy.measure is not None
    if high is not None and not exact and np.isfinite(last := latest(evidence)):
        high = max(high, last)
    if low is not None:
        wide = (low, np.inf if high is None else high)
        events = EventTable.of(evidence, ("idle",))
        low, end = sweep(events, (sharp.low_s, sharp.high_s), wide)
        if high is not None and sharp.contradictions:
            high = max(high, end)
        if not exact:  # a store that counts from writes ends each value by itself
            low = min(low, begin_low(evidence, others))
    if high is not None and grey_share > 1 / 2 and sharp.contradictions >= MIN_EACH:
        high = max(high, grey_zone(summaries.outlived["idle"], summaries.ended["idle"])[1])
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
    evidence: Evidence,
    idle: Interval,
    policy: Policy,
    touch_interval_s: float,
    grey_share: float,
    others: float,
) -> Interval:
    """The interval of the timeout since the last noted use; the plain one where that is open."""
    noted = since_noted(evidence, touch_interval_s)
    result = _idle(ValueSummaries.of(noted), noted, policy, grey_share, others)
    return idle if result.low_s is None or result.high_s is None else result


def _unexplained(summaries: ValueSummaries, policy: Policy, intervals: dict[Span, Interval]) -> int:
    """Ends that the named limits leave unexplained."""
    if not policy.limits:
        return 0
    unexplained = summaries.ended_at_us >= 0
    for span in policy.limits:
        unexplained &= summaries.ended[span] <= (intervals[span].sharp.low_s or 0.0)
    return int(np.count_nonzero(unexplained))
