"""Login: two idle timeouts, one before the login of a session and one after it.

Shops keep the session of a visitor for minutes and that of a customer for hours. What both limits
explain is weighed apart. Uses of sessions of which it is not known whether they had logged in add
what they add to a memoryless hazard.

One limit for all is the special case in which both are equal (nested models). Where it explains
every use, nothing can speak for a second limit, and the split is not weighed: with few ends its
free limit would only take a share of the posterior from the plain one. As in a test of nested
models (Wilks 1938), the larger one has to explain what the smaller cannot.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.bounds import Interval, interval, threshold
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.likelihood.single_limit import single_limit
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.model import Data, Fit, Model
from statetrail.expiry.models.populations import MIXED
from statetrail.expiry.summaries import EventTable, ValueSummaries

LABEL: Final = "idle, by login"
UNLIMITED: Final = 0.2
"""Prior that the values of one side do not end, but by chance."""
MIN_SURVIVALS: Final = 3
"""Survivals that either side needs."""
MIN_RESOLVED: Final = 1
"""Values that contradict one limit for all, and no limit of their own side."""


@dataclass(frozen=True, slots=True)
class ByLogin:
    """The idle timeouts of sessions that have not logged in, and of those that have."""

    anonymous: Interval
    login: Interval


def by_login(evidence: Evidence) -> ByLogin:
    """Bound the idle timeout of either side; of a value that logs in, each part counts for one."""
    sides = [
        interval(ValueSummaries.of(evidence.without(evidence.login != login)), "idle", ("idle",))
        for login in (0, 1)
    ]
    return ByLogin(*sides)


def _fit(data: Data) -> Fit:
    evidence = data.evidence
    sides = [_events(evidence, evidence.login == login) for login in (0, 1)]
    if not any(side.ends for side in sides) or _resolved(evidence) < MIN_RESOLVED:
        return Fit(-np.inf)
    total = 0.0
    for side in sides:
        if len(side.lived_value) < MIN_SURVIVALS:
            return Fit(-np.inf)
        limited = single_limit(side, "idle") + float(np.log1p(-UNLIMITED))
        lost = (eviction(side) if side.ends else 0.0) + float(np.log(UNLIMITED))
        total += float(np.logaddexp(limited, lost))
    known = _events(evidence, evidence.login >= 0)
    return Fit(total, added=eviction(data.events) - eviction(known))


def _resolved(evidence: Evidence) -> int:
    """How many values fewer contradict two limits than contradict one."""
    known = evidence.without(evidence.login < 0)
    sides = (known.without(known.login != login) for login in (0, 1))
    split = sum(threshold(*side.summary("idle")).contradictions for side in sides)
    return threshold(*known.summary("idle")).contradictions - split


def _events(evidence: Evidence, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> EventTable:
    return EventTable.of(evidence.without(~which), ("idle",))


MODELS: Final = (Model(LABEL, MIXED, 0.04, _fit),)
