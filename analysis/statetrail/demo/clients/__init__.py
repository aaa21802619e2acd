"""The demo's clients: every behaviour by its name."""

from statetrail.demo.clients import (
    eseller_behaviours,
    programs,
    several_sessions,
    zest_behaviours,
)
from statetrail.demo.clients.behaviour import BEHAVIOURS, Behaviour, Stage, Truth

__all__ = [
    "BEHAVIOURS", "Behaviour", "Stage", "Truth",
    "eseller_behaviours", "programs", "several_sessions", "zest_behaviours",
]  # fmt: skip
