"""Names: whether what the models say suffices to name the policy.

Enters: `Evidence`. Leaves: `Named`.

A limit on the age, and chance, which is nothing but the lack of a limit, are named by ends of known
age; all other names need none.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.missed_polls import unmissed
from statetrail.expiry.selection import Naming, weigh
from statetrail.expiry.trials import SPANS, Trials

MIN_POSTERIOR: Final = 0.95
"""Probability that a name needs."""
MIN_ENDS: Final = 3
MIN_CLIENTS: Final = 2
"""Ends that any name needs, and clients that found them."""
MANY_ENDS: Final = 6
"""Ends that `eviction`, `mixed` and `idle+absolute` need: few ends fit them whatever happened."""
TORN: Final = 0.02
"""Share of the clients that may contradict themselves if there are populations; one always may."""

_MANY: Final = ("eviction", "mixed", "idle+absolute")
_AGELESS: Final = ("idle", "mixed", "per-request")


@dataclass(frozen=True, slots=True)
class Named:
    """The name of a policy.

    Attributes
    ----------
    policy
        The name; `undetermined` where the evidence suffices for none.
    posterior
        Its probability; that of the likeliest where none is named, `None` where none was weighed.
    naming
        The weighed models; `None` where there are too few ends to weigh any.
    doubted
        Gaps of several steps of steady clients, where what is the likeliest policy hangs on whether
        a request was missed in them; else 0.
    """

    policy: str = "undetermined"
    posterior: float | None = None
    naming: Naming | None = None
    doubted: int = 0


def named(evidence: Evidence) -> Named:
    """The name that the evidence gives, restarts and calendars taken out."""
    if not _enough(Trials.of(evidence, ("gap",)), MIN_ENDS):
        return Named()
    naming, posterior, doubted = _weighed(evidence)
    best = naming.best
    asked = Trials.of(evidence, ("gap",) if best in _AGELESS else SPANS)
    sure = posterior >= MIN_POSTERIOR and _enough(asked, MANY_ENDS if best in _MANY else MIN_ENDS)
    sure &= best != "mixed" or not _torn(naming)
    return Named(best if sure else "undetermined", posterior, naming, doubted)


def _enough(trials: Trials, ends: int) -> bool:
    return trials.ends >= ends and len(np.unique(trials.fatal_client)) >= MIN_CLIENTS


def _weighed(evidence: Evidence) -> tuple[Naming, float, int]:
    """What the models say, how probable the best name is, and how many doubted gaps it hangs on.

    There are two readings where a steady client may have missed requests: gaps as they were seen,
    and with doubt. If both find the same name the likeliest, the surer of them counts; if not, that
    name is as probable as it is in both on average.
    """
    careful = unmissed(evidence)
    if careful is evidence:
        naming = weigh(evidence)
        return naming, naming.posterior[naming.best], 0
    readings = [weigh(evidence), weigh(careful)]
    surer = max(readings, key=lambda naming: naming.posterior[naming.best])
    if readings[0].best == readings[1].best:
        return surer, surer.posterior[surer.best], 0
    doubted = int(np.count_nonzero(careful.gap_low_s < evidence.gap_low_s))
    return surer, float(np.mean([naming.posterior[surer.best] for naming in readings])), doubted


def _torn(naming: Naming) -> bool:
    """Whether clients contradict themselves, which no population that they belong to explains."""
    by_gap, by_age = (naming.populations[span] for span in SPANS)
    found = by_gap if by_gap.log_evidence >= by_age.log_evidence else by_age
    return found.torn > max(1, TORN * len(found.second))
