"""The notebook: it runs as it is, from a recording to charts, and shows no secret."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from support.leaks import leaks
from support.shops import TOKENS, write_shop

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore_recording.ipynb"


def run(recording: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook, executed on a recording."""
    monkeypatch.setenv("STATETRAIL_RECORDING", str(recording))
    monkeypatch.setenv("PYTHONWARNINGS", "default")  # the kernel's own are not ours
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": NOTEBOOK.parent}}
    )
    return client.execute()


def shown(notebook: Any) -> list[dict[str, Any]]:
    """What its cells put out, by media type."""
    return [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]


def test_the_notebook_is_committed_without_outputs() -> None:
    """No output and no execution count lies in the repository."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_notebook_runs_on_a_small_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs, three charts are drawn as SVG, and no secret or script is put out."""
    outputs = shown(run(write_shop(tmp_path / "shop.sqlite"), monkeypatch))
    pictures = [data["image/svg+xml"] for data in outputs if "image/svg+xml" in data]
    assert len(pictures) == 5
    assert all("<svg" in picture for picture in pictures)
    everything = str(outputs)
    assert "<script" not in everything
    assert "cdn" not in everything.lower()
    for token in TOKENS:
        assert token not in everything
        assert token[::-1] not in everything


def test_the_notebook_runs_on_the_demo_and_shows_no_secret_of_it(
    demo_recording: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its outputs saved, the notebook holds no secret that the demo ever used."""
    saved = tmp_path / "explore_recording.ipynb"
    nbformat.write(run(demo_recording.store, monkeypatch), saved)
    assert "_session_token" in saved.read_text("utf-8")
    assert list(leaks(demo_recording.secrets, [saved])) == []


def test_a_missing_recording_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the path and the two ways out."""
    with pytest.raises(CellExecutionError, match=r"no recording at .*run `make demo` first"):
        run(tmp_path / "none.sqlite", monkeypatch)
