"""Selection: which policy the ends follow, as a posterior over names, and whether it suffices.

Enters: `Evidence`, restarts and calendars taken out. Leaves: `Selection`.

1.  Every model is held against the evidence (`statetrail.expiry.models`). A policy's models share
    its prior, which is the same for all but few.
2.  Where a steady client may have missed requests, there are two readings: idle times as they were
    seen, and the doubted ones shortened. If both find the same policy the likeliest, the larger
    posterior counts; if not, the average of both.
3.  The likeliest policy is named if its posterior is `MIN_POSTERIOR`, if there are as many ends and
    sessions as it needs, and if the data do not refute it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import SPANS, Evidence
from statetrail.expiry.missed_polls import shorten_missed
from statetrail.expiry.models import MODELS, POLICIES
from statetrail.expiry.models.model import MIN_ENDS, MIN_SESSIONS, Data, Fit, Model
from statetrail.expiry.models.undetermined import UNDETERMINED
from statetrail.expiry.numerics import log_sum
from statetrail.expiry.summaries import EventTable

MIN_POSTERIOR: Final = 0.95
"""Probability that a name needs."""
NEGLIGIBLE: Final = 12.0
"""A model whose log-evidence is this far below another's has no say."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The models compared.

    Attributes
    ----------
    fits
        Per model, what it makes of the data.
    log_evidence
        Per model, the logarithm of its marginal likelihood.
    posterior
        Per policy, its probability.
    """

    fits: dict[str, Fit]
    log_evidence: dict[str, float]
    posterior: dict[str, float]

    @property
    def best(self) -> str:
        """The most probable policy."""
        return max(self.posterior, key=lambda name: self.posterior[name])

    def models(self, policy: str) -> list[Model]:
        """The models that speak for a policy."""
        return [model for model in MODELS.values() if model.policy.name == policy]

    def share(self, label: str) -> float:
        """The probability of a model among those that speak for the same policy."""
        weights = {
            model.label: self.log_evidence[model.label] + float(np.log(model.prior))
            for model in self.models(MODELS[label].policy.name)
        }
        return float(np.exp(weights[label] - log_sum(list(weights.values()))))


@dataclass(frozen=True, slots=True)
class Selection:
    """The name of a policy.

    Attributes
    ----------
    policy
        The name; `undetermined` where the evidence suffices for none.
    posterior
        Its probability; that of the likeliest where none is named, `None` where none was weighed.
    comparison
        The models compared; `None` where there are too few ends to compare any.
    doubted
        Idle times of several steps of steady clients, where the likeliest policy depends on whether
        a request was missed in them; else 0.
    """

    policy: str = UNDETERMINED.name
    posterior: float | None = None
    comparison: Comparison | None = None
    doubted: int = 0


def select(evidence: Evidence) -> Selection:
    """Name the policy."""
    if not _enough(EventTable.of(evidence, ("idle",)), MIN_ENDS):
        return Selection()
    comparison, posterior, doubted = _readings(evidence)
    best = POLICIES[comparison.best]
    events = EventTable.of(evidence, SPANS if best.needs_age else ("idle",))
    fits = [comparison.fits[model.label] for model in comparison.models(best.name)]
    refuted = max(fits, key=lambda fit: fit.log_evidence).is_refuted
    sure = posterior >= MIN_POSTERIOR and _enough(events, best.min_ends) and not refuted
    return Selection(best.name if sure else UNDETERMINED.name, posterior, comparison, doubted)


def _enough(events: EventTable, ends: int) -> bool:
    return events.ends >= ends and len(np.unique(events.fatal_session)) >= MIN_SESSIONS


def _readings(evidence: Evidence) -> tuple[Comparison, float, int]:
    """The models compared, the probability of the best policy, and the idle times it depends on."""
    shortened = shorten_missed(evidence)
    if shortened is evidence:
        comparison = compare(evidence)
        return comparison, comparison.posterior[comparison.best], 0
    readings = [compare(evidence), compare(shortened)]
    surer = max(readings, key=lambda reading: reading.posterior[reading.best])
    if readings[0].best == readings[1].best:
        return surer, surer.posterior[surer.best], 0
    doubted = int(np.count_nonzero(shortened.idle_low_s < evidence.idle_low_s))
    return surer, float(np.mean([each.posterior[surer.best] for each in readings])), doubted


def compare(evidence: Evidence) -> Comparison:
    """Hold every model against the evidence."""
    data, fits, log_evidence = Data(evidence), dict[str, Fit](), dict[str, float]()
    for model in sorted(MODELS.values(), key=lambda each: each.is_costly):
        data.least = max(log_evidence.values(), default=-np.inf) - NEGLIGIBLE
        fits[model.label] = model.fit(data)
        log_evidence[model.label] = model.log_evidence(fits[model.label])
    weights = {
        m.label: log_evidence[m.label] + float(np.log(m.prior * m.policy.prior))
        for m in MODELS.values()
    }
    total = log_sum(list(weights.values()))
    posterior = dict.fromkeys((model.policy.name for model in MODELS.values()), 0.0)
    for model in MODELS.values():
        posterior[model.policy.name] += float(np.exp(weights[model.label] - total))
    return Comparison(fits, log_evidence, posterior)
