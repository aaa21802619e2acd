"""The errors that users see: one base class; each message names the value and the fix."""

from collections.abc import Collection
from typing import Final

EXTRAS: Final = {
    "adbc_driver_manager": "analysis",
    "adbc_driver_sqlite": "analysis",
    "duckdb": "analysis",
    "narwhals": "analysis",
    "numpy": "analysis",
    "pandas": "analysis",
    "pyarrow": "analysis",
    "jinja2": "report",
    "markupsafe": "report",
    "httpx": "probe",
    "hypercorn": "demo",
    "starlette": "demo",
    "altair": "notebooks",
    "vl_convert": "notebooks",
    "pyspark": "spark",
    "prometheus_client": "metrics",
    "opentelemetry": "otel",
    "mcp": "mcp",
}
"""The packages that only some parts need, and the extra that brings each."""


def unknown(what: str, value: str, choices: Collection[str], more: str = "") -> str:
    """What is wrong with a name that is none of the choices: the nearest one, or all of them.

    >>> unknown("table", "verdict", ("issued", "verdicts"))
    "unknown table 'verdict': did you mean verdicts?"
    >>> unknown("table", "x", ("issued", "verdicts"))
    "unknown table 'x': choose from issued, verdicts"
    """
    from difflib import get_close_matches  # an error is rare, and this is read by every command

    near = get_close_matches(value[:200], choices, 1)
    hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(choices)}{more}"
    return f"unknown {what} {value!r}: {hint}"


class StatetrailError(Exception):
    """Base of every error that statetrail raises itself.

    The message is one line: what is wrong, with which value, and what to do. It never contains a
    secret. Hostile or malformed *traffic* is no error: it is recorded.

    Parameters
    ----------
    message
        The line.
    page
        The page of the documentation that helps (`statetrail explain PAGE`); by default the one of
        the class, if it has one.
    """

    page: str = ""

    def __init__(self, message: str = "", *, page: str = "") -> None:
        super().__init__(message)
        self.page = page or self.page
        if self.page:
            self.add_note(self.pointer)

    @property
    def pointer(self) -> str:
        """Where to read more, if there is such a page."""
        return f"see: statetrail explain {self.page}" if self.page else ""


class StoreError(StatetrailError):
    """A store is missing, foreign, corrupted, of a later version, or cannot be written."""


class CaptureError(StatetrailError):
    """A capture file (HAR, mitmproxy flow file) cannot be read."""

    page = "formats"


class UsageError(StatetrailError):
    """An option or argument has an invalid value."""


class DialectError(UsageError):
    """A dialect is unknown, or the TOML of one has a mistake."""

    page = "dialects"


class MissingExtraError(StatetrailError, ImportError):
    """A part of statetrail needs packages that an extra brings."""

    page = "installing"


def missing_extra(error: ModuleNotFoundError, what: str, extra: str = "") -> MissingExtraError:
    """The error for a module that is not installed.

    Parameters
    ----------
    error
        Raised again if the module is none of an extra's.
    what
        What needs the module.
    extra
        The extra with all that it needs; by default the one of the module.
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise error
    extra = extra or EXTRAS[package]
    return MissingExtraError(
        f"{what} needs the extra {extra} ({package} is not installed): "
        f"pip install 'statetrail[{extra}]'"
    )
