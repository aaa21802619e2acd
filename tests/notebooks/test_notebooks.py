"""The notebooks: they run as they are, tell what they promise, draw offline, and show no secret.

All run in one kernel, one after the other: its start and its imports take most of the time.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from statetrail.cli.notebook import bundled
from support.commands import run

NOTEBOOKS = bundled()
NAMES = [path.stem for path in NOTEBOOKS]
CLEAN = "%reset -f"
"""No notebook finds what another one has left."""


@dataclass
class Kernel:
    """A kernel without a Java, for notebooks that are executed one after the other."""

    manager: KernelManager

    def execute(self, path: Path) -> Any:
        """The notebook with its outputs."""
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(CLEAN))
        client = NotebookClient(notebook, km=self.manager, timeout=300, store_widget_state=False)
        try:
            return client.execute()
        finally:
            client.kc.stop_channels()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """The kernel; its temporary files are the test's."""
    folder = tmp_path_factory.mktemp("notebooks")
    manager = KernelManager()
    without = ("JAVA_HOME", "PYTHONWARNINGS", "STATETRAIL_RECORDING")
    environment = {k: v for k, v in os.environ.items() if k not in without}
    environment |= {"PATH": "/nowhere", "TMPDIR": str(folder)}
    manager.start_kernel(env=environment, cwd=folder)
    yield Kernel(manager)
    manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def executed(kernel: Kernel) -> dict[str, Any]:
    """Every notebook, executed on the sample that it makes."""
    return {path.stem: kernel.execute(path) for path in NOTEBOOKS}


def outputs(notebook: Any) -> list[dict[str, Any]]:
    """What its cells put out, by media type."""
    return [o["data"] for c in notebook.cells for o in c.get("outputs", ()) if "data" in o]


def printed(notebook: Any) -> str:
    """What its cells print."""
    streams = (o for c in notebook.cells for o in c.get("outputs", ()) if o.output_type == "stream")
    return "".join(stream["text"] for stream in streams)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    """Nor with execution counts; each cell of code is short, and explained before."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_its_charts_are_linked_and_offline(
    executed: dict[str, Any], name: str
) -> None:
    """Charts are widgets, and pictures for other readers; nothing refers to the network."""
    found = outputs(executed[name])
    charts = [data for data in found if "application/vnd.jupyter.widget-view+json" in data]
    assert charts
    assert all("<svg" in data["image/svg+xml"] for data in charts)
    text = json.dumps([data for data in found if "text/html" in data])
    assert "<script" not in text
    everything = json.dumps(found) + printed(executed[name])
    assert not re.search(r"cdn|jsdelivr|unpkg|Traceback|Warning", everything)
    source = "".join(cell["source"] for cell in executed[name].cells)
    assert "alt.selection_" in source


def test_the_sample_is_understood(executed: dict[str, Any]) -> None:
    """Half an hour of idle time; the release that drops its token; those that lose no cart."""
    text = {name: json.dumps(outputs(each)) for name, each in executed.items()}
    [interval] = re.findall(r"_session_token\s+idle\s+\S+\s+(\S+)\s+(\S+)\s+high", text[NAMES[1]])
    low_s, high_s = map(float, interval)
    assert 1500 < low_s < 1800 < high_s < 2000
    assert re.search(r"Session ~[0-9a-f]{8} of \S+ \| Till/2.1.0 .* 1 fault, end", text[NAMES[0]])
    assert re.search(r"Kiosk 1.4 +_session_token +10 +10 +10 +0 ", text[NAMES[2]])


def test_an_api_of_your_own_is_judged_by_the_suggested_dialect(executed: dict[str, Any]) -> None:
    """The place of the key is found, and the one client that keeps an old one."""
    shown = json.dumps(outputs(executed[NAMES[3]]))
    assert 'present = [{ header = "x-desk-key" }]' in printed(executed[NAMES[3]])
    assert "desk.toml: fine" in printed(executed[NAMES[3]])
    assert "Client Fax/1 at https://desk.example, desk x-desk-key: 27 requests, 18 faults" in shown
    assert re.search(r"Kiosk/2 +desk +27 +24 +0 +1.00", shown)


def test_without_spark_one_line_says_so(executed: dict[str, Any]) -> None:
    """Its cells do nothing, and the others do what they do."""
    lines = printed(executed[NAMES[4]]).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Spark is not here (pip install 'statetrail[spark]', and a Java)")


def test_a_notebook_of_the_demo_shows_no_secret_of_it(
    demo_recording: Any, kernel: Kernel, tmp_path: Path
) -> None:
    """With its outputs saved, it holds no secret that the demo ever used."""
    from support.leaks import leaks

    saved = tmp_path / "saved.ipynb"
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    first = f"import os\nos.environ['STATETRAIL_RECORDING'] = {str(demo_recording.store)!r}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    nbformat.write(notebook, tmp_path / "named.ipynb")
    nbformat.write(kernel.execute(tmp_path / "named.ipynb"), saved)
    assert "_session_token" in saved.read_text("utf-8")
    assert list(leaks(demo_recording.secrets, [saved])) == []


def test_the_command_copies_them_and_overwrites_nothing(tmp_path: Path) -> None:
    """Unless it is told to; a file in the way is named in one line."""
    folder = tmp_path / "explore" / "here"
    done = run("notebook", folder)
    assert (done.code, done.err) == (0, "")
    assert [path.stem for path in sorted(folder.iterdir())] == NAMES
    own = folder / NOTEBOOKS[3].name
    own.write_text("mine", "utf-8")
    (folder / NOTEBOOKS[0].name).unlink()
    done = run("notebook", folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "exists, nothing was copied: --force overwrites it" in done.err
    assert own.read_text("utf-8") == "mine"
    assert not (folder / NOTEBOOKS[0].name).exists()
    assert run("notebook", folder, "--force").code == 0
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == [
        path.read_bytes() for path in NOTEBOOKS
    ]
