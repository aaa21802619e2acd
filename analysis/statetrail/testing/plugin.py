"""The pytest plugin: ``record_state``, and ``state_recorders`` for fixtures of a wider scope.

pytest loads this module in every run, so it imports nothing of statetrail but its name.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from statetrail.testing.recorder import Recorder, Recorders


class RecordState(Protocol):
    """The fixture ``record_state``: puts a recorder in front of services, see `Recorders.front`."""

    def __call__(self, *services: str, **options: Any) -> "Recorder": ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings of a project."""
    parser.addini(
        "statetrail_grace_ms",
        "statetrail: milliseconds after a response in which its client may use older state; "
        "0 where clients send one request at a time",
        default="250",
    )
    parser.addini(
        "statetrail_dialects",
        "statetrail: dialects to look for, comma separated: names, TOML files, or all",
        default="all",
    )


@pytest.fixture(scope="session")
def state_recorders(pytestconfig: pytest.Config) -> "Iterator[Recorders]":
    """The recorders of this process: one mitmdump a service, shared by all tests of a worker.

    For fixtures of a wider scope than a test: ``state_recorders.front(url)`` begins a recording.
    """
    try:
        from statetrail.testing.recorder import Recorders, grace_setting
    except ModuleNotFoundError as error:
        from statetrail.errors import missing_extra

        raise missing_extra(error, "the fixture record_state") from None

    grace_ms = grace_setting(pytestconfig.getini("statetrail_grace_ms"))
    # Not pytest's own folder, which stays: it would keep a certificate authority.
    folder = Path(tempfile.mkdtemp(prefix="statetrail-pytest-"))
    dialects = pytestconfig.getini("statetrail_dialects")
    try:
        with Recorders(folder, grace_ms=grace_ms, dialects=dialects) as recorders:
            yield recorders
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def record_state(state_recorders: "Recorders") -> Iterator[RecordState]:
    """Put a recorder in front of services: ``shop = record_state("http://127.0.0.1:8000")``.

    The client under test talks to ``shop.url``; ``shop.assert_obeys()`` judges what it did. Options
    are those of `statetrail.testing.recorder.Recorders.front`, and ``fresh=True``: a mitmdump of
    the test's own.
    """
    with ExitStack() as stack:

        def start(*services: str, fresh: bool = False, **options: Any) -> "Recorder":
            recorders = (
                stack.enter_context(state_recorders.separate()) if fresh else state_recorders
            )
            return recorders.front(*services, **options)

        yield start
