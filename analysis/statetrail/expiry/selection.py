"""Policy: which rule the ends follow, as a posterior over names.

Enters: `Evidence`. Leaves: `Naming`, the posterior of every name and what the models behind it
found. All names are equally likely beforehand; a name's own models share its prior. Late uses then
tell `periodic` and `absolute` apart: see `statetrail.expiry.late_use`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.models.free_hazard import free_hazard
from statetrail.expiry.models.memoryless import eviction, per_request
from statetrail.expiry.models.populations import Populations, populations
from statetrail.expiry.models.single_limit import MIN_SHARE, single_limit
from statetrail.expiry.models.soft_threshold import Zone, zone
from statetrail.expiry.models.two_limits import two_limits
from statetrail.expiry.numerics import log_sum
from statetrail.expiry.touch_interval import Throttle, throttled
from statetrail.expiry.trials import SPANS, Trials

MODELS: Final[dict[str, tuple[str, float]]] = {
    "idle": ("idle", 0.7),
    "idle, zone": ("idle", 0.15),
    "idle, throttled": ("idle", 0.15),
    "age": ("age", 0.9),
    "age, zone": ("age", 0.1),
    "idle and age": ("idle+absolute", 1.0),
    "each use": ("per-request", 1.0),
    "by chance": ("eviction", 1.0),
    "idle, two populations": ("mixed", 0.5),
    "age, two populations": ("mixed", 0.5),
    "idle, mostly lost": ("undetermined", 0.05),
    "age, mostly lost": ("undetermined", 0.05),
    "idle and age, hardly": ("undetermined", 0.5),
    "idle, one client apart": ("undetermined", 0.2),
    "age, one client apart": ("undetermined", 0.2),
    "by gap, freely": ("undetermined", 0.1),
    "by age, freely": ("undetermined", 0.1),
}
"""The models, each with the name it speaks for and its share of the name's prior."""
_MOSTLY_LOST: Final = (0.1, MIN_SHARE)
NEGLIGIBLE: Final = 12.0
"""A model whose log-evidence is this far below another's has no say."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What the models say.

    Attributes
    ----------
    log_evidence
        Per model, the logarithm of its marginal likelihood.
    posterior
        Per name, its probability.
    zones
        The grey zones found, by span.
    throttle
        The throttled renewal found.
    populations
        The two populations found, by span.
    """

    log_evidence: dict[str, float]
    posterior: dict[str, float]
    zones: dict[str, Zone]
    throttle: Throttle
    populations: dict[str, Populations]

    @property
    def best(self) -> str:
        """The most probable name."""
        return max(self.posterior, key=lambda name: self.posterior[name])

    def share(self, model: str) -> float:
        """The probability of a model among those that speak for the same name."""
        name = MODELS[model][0]
        mine = {m: e for m, (of, e) in MODELS.items() if of == name}
        weights = {m: self.log_evidence[m] + float(np.log(prior)) for m, prior in mine.items()}
        return float(np.exp(weights[model] - log_sum(list(weights.values()))))


def weigh(evidence: Evidence) -> Naming:
    """Hold every model against the evidence.

    Ends of unknown age, of values whose birth was not seen, count as well. A limit on the age is
    compared with the others by the ends of known age; what it makes of the rest is what chance
    makes of them, since an age that may be any explains an end the better the longer the gap is.
    Both limits together make the most of them that chance or an idle timeout does.
    """
    trials, aged = Trials.of(evidence, ("gap",)), Trials.of(evidence)
    by = {"gap": trials, "age": aged}
    zones = {span: zone(by[span], span) for span in SPANS}
    groups = {span: populations(by[span], span) for span in SPANS}
    both = two_limits(aged)
    idle, lost = _idle(trials)
    chance = eviction(trials)
    # What the ends of unknown age add, by chance and at most.
    more = chance - eviction(aged)
    most = max([more, *_gained((idle, lost), _idle(aged))])
    found = {
        "idle": idle,
        "idle, zone": zones["gap"].log_evidence,
        "age": single_limit(aged, "age") + more,
        "age, zone": zones["age"].log_evidence + more,
        "idle and age": both.log_evidence + most,
        "idle and age, hardly": both.log_doubt + most,
        "idle, one client apart": groups["gap"].log_doubt,
        "age, one client apart": groups["age"].log_doubt + more,
        "each use": per_request(trials),
        "by chance": chance,
        "idle, two populations": groups["gap"].log_evidence,
        "age, two populations": groups["age"].log_evidence + more,
        "idle, mostly lost": lost,
        "age, mostly lost": single_limit(aged, "age", share=_MOSTLY_LOST) + more,
        "by gap, freely": free_hazard(trials, "gap"),
        "by age, freely": free_hazard(aged, "age") + more,
    }
    # The search for a throttle takes longer than all others together: only where it can matter.
    throttle = throttled(evidence, max(found.values()) - NEGLIGIBLE)
    found["idle, throttled"] = throttle.log_evidence
    weights = {m: found[m] + float(np.log(share)) for m, (_, share) in MODELS.items()}
    total = log_sum(list(weights.values()))
    posterior = dict.fromkeys((name for name, _ in MODELS.values()), 0.0)
    for model, (name, _) in MODELS.items():
        posterior[name] += float(np.exp(weights[model] - total))
    return Naming(found, posterior, zones, throttle, groups)


def _idle(trials: Trials) -> tuple[float, float]:
    """An idle timeout that explains most of the ends, and one that explains few."""
    return single_limit(trials, "gap"), single_limit(trials, "gap", share=_MOSTLY_LOST)


def _gained(after: tuple[float, float], before: tuple[float, float]) -> list[float]:
    """By how much evidence grew that there was before."""
    return [late - early for late, early in zip(after, before, strict=True) if np.isfinite(early)]
