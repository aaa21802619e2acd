"""What all tests share: one run of the demo, for everybody who wants a real recording.

Under pytest-xdist every test that uses `demo_recording` goes to one worker (``--dist loadgroup``),
so that the demo runs once.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from rich.console import Console

# How long an example takes says more of the machine's other work than of ours.
hypothesis.settings.register_profile("statetrail", deadline=None)
hypothesis.settings.load_profile("statetrail")


@dataclass(frozen=True)
class DemoRecording:
    """What one run of the demo left.

    Attributes
    ----------
    out
        The folder with recording.sqlite, audit.html and audit.json.
    private
        The folder with mitmdump's log, and secrets.txt with every secret ever used.
    code
        What `run_demo` returned: 0 if the audit is what the clients know they did.
    text
        What it printed.
    """

    out: Path
    private: Path
    code: int
    text: str

    @property
    def store(self) -> Path:
        """The recording."""
        return self.out / "recording.sqlite"

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret that clients sent and origins issued."""
        from statetrail.demo.secrets_file import read_secrets

        return read_secrets(self.private / "secrets.txt")


@pytest.fixture(scope="session")
def demo_recording(tmp_path_factory: pytest.TempPathFactory) -> DemoRecording:
    """One run of the demo; read what it left, do not change it."""
    from statetrail.demo import run_demo

    out, private = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("private")
    text = io.StringIO()
    code = run_demo(out, console=Console(file=text, width=200), private=private)
    return DemoRecording(out, private, code, text.getvalue())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that use the demo's recording together, and mark them as what they are."""
    for item in items:
        if "demo_recording" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo"))
            item.add_marker(pytest.mark.e2e)
