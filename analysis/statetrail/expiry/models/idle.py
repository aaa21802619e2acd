"""Idle timeout: a value ends when it was not used for a time."""

from typing import Final

from statetrail.expiry.likelihood.missed_requests import missed_requests
from statetrail.expiry.likelihood.single_limit import FEW, single_limit
from statetrail.expiry.models.model import Model, Policy, fit_idle
from statetrail.expiry.models.undetermined import UNDETERMINED
from statetrail.expiry.summaries import EventTable

IDLE: Final = Policy(
    name="idle",
    description="an idle timeout: the time since the last use",
    sentence="ends after an idle time: the timeout is {idle}",
    limits=("idle",),
    needs_age=False,
    unsharp="grey-zone",
)


def idle(events: EventTable) -> float:
    """Log-evidence of a timeout that explains most of the ends."""
    return single_limit(events, "idle")


def idle_few(events: EventTable) -> float:
    """Log-evidence of a timeout that explains few of them."""
    return single_limit(events, "idle", share=FEW)


POLICIES: Final = (IDLE,)
MODELS: Final = (
    Model("idle", IDLE, 0.7, fit_idle(idle)),
    Model("idle, requests missed", IDLE, 0.03, fit_idle(missed_requests)),
    Model("idle, few ends explained", UNDETERMINED, 0.05, fit_idle(idle_few)),
)
