"""Tests of clients: a pytest plugin that records a client under test and judges what it did.

Enters: a service, and a client that a test lets talk to it. Leaves: `Recorder`, a recorder in front
of the service, with assertions that show the session where they fail. The page
[pytest](../docs/pytest.md) has examples. Nothing is imported until a test uses a fixture.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from statetrail.testing.recorder import Recorder as Recorder
    from statetrail.testing.recorder import Recorders as Recorders

_PUBLIC: Final = ("Recorder", "Recorders")


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from statetrail.testing import recorder

    return getattr(recorder, name)
