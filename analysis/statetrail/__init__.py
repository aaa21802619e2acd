"""statetrail: how long sessions live, when tokens rotate, which clients ignore state.

>>> import statetrail as st
>>> rec = st.open("recording.sqlite")  # doctest: +SKIP
>>> st.verdicts(rec).to_pandas()  # doctest: +SKIP
>>> st.audit(rec).write_html("audit.html")  # doctest: +SKIP
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from statetrail.analyses.conformance.tracker import Tracker as Tracker
    from statetrail.analyses.lifetimes.expiry import expiry as expiry
    from statetrail.errors import StatetrailError as StatetrailError
    from statetrail.recording.frames import Frame as Frame
    from statetrail.recording.frames import Recording as Recording
    from statetrail.recording.frames import open_recording as open  # noqa: A004, F401
    from statetrail.report.audit import Audit as Audit
    from statetrail.report.audit import audit as audit
    from statetrail.report.charts.interactive import offline_charts as offline_charts
    from statetrail.report.description import describe as describe
    from statetrail.report.timeline import timeline as timeline

    __version__: str

# Where the public names live that are no analyses. All are loaded when first used: the recorder,
# which runs inside mitmdump, does without DuckDB, pandas and Altair.
_HOMES: Final = {
    "Audit": "statetrail.report.audit",
    "Frame": "statetrail.recording.frames",
    "Recording": "statetrail.recording.frames",
    "StatetrailError": "statetrail.errors",
    "Tracker": "statetrail.analyses.conformance.tracker",
    "audit": "statetrail.report.audit",
    "describe": "statetrail.report.description",
    "offline_charts": "statetrail.report.charts.interactive",
    "open": "statetrail.recording.frames",
    "timeline": "statetrail.report.timeline",
}
# The name of a package that an analysis has, too.
_SHADOWED: Final = "expiry"


def __getattr__(name: str) -> Any:
    try:
        value = _value(name)
    except ModuleNotFoundError as error:
        from statetrail.errors import missing_extra

        raise missing_extra(error, f"statetrail.{name}") from None
    globals()[name] = value
    return value


def _value(name: str) -> Any:
    if name == "__version__":
        # Reading it from the installed files takes longer than all else here.
        from importlib.metadata import version

        return version("statetrail")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), "open_recording" if name == "open" else name)
    result = None if name.startswith("_") else _results().get(name)
    if result is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return result.of


def _results() -> dict[str, Any]:
    from statetrail.analyses.catalogue import results

    return results()


class _Library(ModuleType):
    """This package: whatever is imported, ``st.expiry`` is the analysis.

    Python sets each submodule that is imported as an attribute of its package.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == _SHADOWED and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library


def __dir__() -> list[str]:
    return sorted({*globals(), "__version__", *_HOMES, *_results()})
