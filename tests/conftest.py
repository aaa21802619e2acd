"""What all tests share: one run of the demo, and the groups in which xdist distributes tests."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
        The folder with mitmdump's log, what `mitmdump -w` would write, and secrets.txt with every
        secret ever used.
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
    def flows(self) -> Path:
        """The same traffic as a flow file."""
        return self.private / "traffic.flows"

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret that clients sent and origins issued."""
        return frozenset((self.private / "secrets.txt").read_text("utf-8").splitlines())


@pytest.fixture(scope="session")
def demo_recording(tmp_path_factory: pytest.TempPathFactory) -> DemoRecording:
    """One run of the demo; read what it left, do not change it."""
    from statetrail.demo.run import run_demo

    out, private = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("private")
    (private / "mitmproxy").mkdir()
    config = f"save_stream_file: {private / 'traffic.flows'}\n"
    (private / "mitmproxy" / "config.yaml").write_text(config, "utf-8")
    text = io.StringIO()
    code = run_demo(out, console=Console(file=text, width=200), private=private)
    return DemoRecording(out, private, code, text.getvalue())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the demo's recording as what they are."""
    for item in items:
        if "demo_recording" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under ``--dist loadgroup``, tests that share a costly fixture go to one worker.

    xdist 3.8 does not get its own groups across to pytest 9.2, in which the ids of tests are fixed.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Grouped(config, log)


def _group(nodeid: str) -> str:
    """`demo` for the files that use the demo, a file with fixtures of its own, else the test."""
    file = nodeid.partition("::")[0]
    if "demo_recording" in (text := _text(file)):
        return "demo"
    return file if 'scope="module"' in text else nodeid


@cache
def _text(file: str) -> str:
    return (Path(__file__).parents[1] / file).read_text("utf-8")
