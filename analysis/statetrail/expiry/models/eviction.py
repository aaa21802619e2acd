"""Eviction: values are lost by chance, or to make room for others; no limit ends them.

By chance: two forms are averaged, a hazard that does not depend on the age or the idle time of a
value (log-uniform), and a chance to lose it at each use (a rate drawn from Beta(1, 3)).

Full cache: a new value takes the place of the one that was not used for longest. How long a value
lasts depends on how much others are used. Measured by the number of other values that were used or
issued since (`statetrail.expiry.stack_distance`) the limit is sharp.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.likelihood.error_model import (
    CUSTOMARY_S,
    HALF,
    LONGEST_S,
    log_end_chance,
)
from statetrail.expiry.likelihood.single_limit import single_limit
from statetrail.expiry.models.model import MANY_ENDS, Data, Fit, Model, Policy, fit_idle
from statetrail.expiry.numerics import log_bernoulli, log_sum
from statetrail.expiry.stack_distance import distances
from statetrail.expiry.summaries import EventTable, event_uses

_RATES: Final = 1 / np.geomspace(10.0, LONGEST_S, 160)
MOST: Final = 5_000
"""Uses of which the stack distance is counted: the first ones, where there are more."""
_AT_A_USE: Final = (1.0, 3.0)

EVICTION: Final = Policy(
    name="eviction",
    description="by chance, or to make room for others, whatever the idle time and the age",
    sentence="is lost by chance, or to make room for others, whatever its idle time and its age",
    min_ends=MANY_ENDS,
)


def eviction(events: EventTable) -> float:
    """Log-evidence that values are lost by chance alone."""
    lived, fatal = events.lived["idle"], events.fatal["idle"]
    by_rate = log_end_chance(fatal, _RATES).sum(axis=1) - _RATES * lived.sum()
    at_any_time = log_sum(by_rate) - float(np.log(len(_RATES)))
    at_a_use = float(log_bernoulli(len(fatal), len(fatal) + len(lived), _AT_A_USE))
    return float(np.logaddexp(at_any_time, at_a_use)) + HALF


def full_cache(data: Data) -> Fit:
    """The evidence for one limit on the stack distance.

    None is sought where an idle timeout fits every value, since hardly anything would tell it from
    one.
    """
    evidence = data.evidence.where(data.evidence.survived | data.evidence.ended)
    if not threshold(*evidence.summary("idle")).contradictions:
        return Fit(-np.inf)
    if len(evidence) > MOST:
        until = np.partition(evidence.request_start_us, MOST)[MOST]
        evidence = evidence.where(evidence.request_start_us < until)
    events, (lived, ends) = EventTable.of(evidence, ("idle",)), event_uses(evidence, ("idle",))
    # A place is weighed as the shortest customary limit: log-uniform from there on.
    places = distances(evidence) * CUSTOMARY_S
    placed = replace(
        events,
        lived={**events.lived, "age": places[lived]},
        fatal={**events.fatal, "age": places[ends]},
    )
    return Fit(single_limit(placed, "age"))


POLICIES: Final = (EVICTION,)
MODELS: Final = (
    Model("eviction", EVICTION, 0.8, fit_idle(eviction)),
    Model("full cache", EVICTION, 0.2, full_cache),
)
