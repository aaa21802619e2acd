"""The demo's clients: every behaviour by its name."""

from statetrail.demo.clients import eseller_behaviours, programs, zest_behaviours
from statetrail.demo.clients.behaviour import BEHAVIOURS, Behaviour, Stage, Truth
from statetrail.demo.clients.programs import missing_programs

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Stage",
    "Truth",
    "eseller_behaviours",
    "missing_programs",
    "programs",
    "zest_behaviours",
]
