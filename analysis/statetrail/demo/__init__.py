"""The demo: reference origins, well- and ill-behaved clients, and an audit of what they did."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statetrail.demo.run import run_demo

__all__ = ["run_demo"]


def __getattr__(name: str) -> Any:
    # Imported late: an origin is a process of its own, which needs no analysis.
    if name == "run_demo":
        from statetrail.demo.run import run_demo

        return run_demo
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
