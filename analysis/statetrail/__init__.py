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
    from statetrail.analyses.clients import clients
    from statetrail.analyses.expiry import expiry
    from statetrail.analyses.leaks import leaks
    from statetrail.analyses.overrides import overrides
    from statetrail.analyses.root_causes import root_causes
    from statetrail.analyses.rotations import rotations
    from statetrail.analyses.sessions import sessions
    from statetrail.analyses.shared import shared
    from statetrail.analyses.tokens import tokens
    from statetrail.analyses.tracker import Tracker
    from statetrail.analyses.verdicts import verdicts
    from statetrail.errors import StatetrailError
    from statetrail.findings import findings
    from statetrail.frames import Frame, Recording
    from statetrail.frames import open_recording as open  # noqa: A004
    from statetrail.report.audit import Audit, audit

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
    "Frame": "statetrail.frames",
    "Recording": "statetrail.frames",
    "StatetrailError": "statetrail.errors",
    "Tracker": "statetrail.analyses.tracker",
    "audit": "statetrail.report",
    "clients": "statetrail.analyses.clients",
    "expiry": "statetrail.analyses.expiry",
    "findings": "statetrail.findings",
    "leaks": "statetrail.analyses.leaks",
    "open": "statetrail.frames",
    "overrides": "statetrail.analyses.overrides",
    "root_causes": "statetrail.analyses.root_causes",
    "rotations": "statetrail.analyses.rotations",
    "sessions": "statetrail.analyses.sessions",
    "shared": "statetrail.analyses.shared",
    "tokens": "statetrail.analyses.tokens",
    "verdicts": "statetrail.analyses.verdicts",
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
    would so put the package `statetrail.findings` where the function is expected.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
