"""statetrail: how long sessions live, when tokens rotate, which clients ignore state.

>>> import statetrail as st
>>> rec = st.open("recording.sqlite")  # doctest: +SKIP
>>> st.verdicts(rec).to_pandas()  # doctest: +SKIP
>>> st.audit(rec).write_html("audit.html")  # doctest: +SKIP
"""

import sys
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statetrail.analyses.causes.root_causes import root_causes
    from statetrail.analyses.conformance.clients import clients
    from statetrail.analyses.conformance.tracker import Tracker
    from statetrail.analyses.conformance.verdicts import verdicts
    from statetrail.analyses.exposure.leaks import leaks
    from statetrail.analyses.exposure.overrides import overrides
    from statetrail.analyses.exposure.shared import shared
    from statetrail.analyses.lifetimes.expiry import expiry
    from statetrail.analyses.sessions.sessions import sessions
    from statetrail.analyses.tokens.rotations import rotations
    from statetrail.analyses.tokens.tokens import tokens
    from statetrail.errors import StatetrailError
    from statetrail.recording.frames import Frame, Recording
    from statetrail.recording.frames import open_recording as open  # noqa: A004
    from statetrail.report.audit import Audit, audit
    from statetrail.rules import findings

__all__ = [
    "Audit",
    "Frame",
    "Recording",
    "StatetrailError",
    "Tracker",
    "audit",
    "clients",
    "expiry",
    "findings",
    "leaks",
    "open",
    "overrides",
    "root_causes",
    "rotations",
    "sessions",
    "shared",
    "tokens",
    "verdicts",
]

__version__ = version("statetrail")

# Where each public name lives. They are loaded when first used: the recorder, which runs inside
# mitmdump, has no need of DuckDB, pandas or Altair.
_HOMES = {
    "Audit": "statetrail.report",
    "Frame": "statetrail.recording.frames",
    "Recording": "statetrail.recording.frames",
    "StatetrailError": "statetrail.errors",
    "Tracker": "statetrail.analyses.conformance.tracker",
    "audit": "statetrail.report",
    "clients": "statetrail.analyses.conformance.clients",
    "expiry": "statetrail.analyses.lifetimes.expiry",
    "findings": "statetrail.rules",
    "leaks": "statetrail.analyses.exposure.leaks",
    "open": "statetrail.recording.frames",
    "overrides": "statetrail.analyses.exposure.overrides",
    "root_causes": "statetrail.analyses.causes.root_causes",
    "rotations": "statetrail.analyses.tokens.rotations",
    "sessions": "statetrail.analyses.sessions.sessions",
    "shared": "statetrail.analyses.exposure.shared",
    "tokens": "statetrail.analyses.tokens.tokens",
    "verdicts": "statetrail.analyses.conformance.verdicts",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), "open_recording" if name == "open" else name)
    globals()[name] = value
    return value


class _Library(ModuleType):
    """This package: whatever is imported, `st.findings` is the function.

    Python puts each submodule that is imported into its package as an attribute of its name, and
    would so put the package `statetrail.rules` where the function is expected.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
