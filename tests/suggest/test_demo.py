"""The demo's traffic through a real mitmdump, with the recorder as the judge of what is state."""

from pathlib import Path

from conftest import DemoRecording
from statetrail.dialects import load
from statetrail.suggest import suggest
from studies.suggest.truth import found_places, recorded_places
from support.commands import run
from support.leaks import leaks


def test_the_demos_dialects_are_suggested(demo_recording: DemoRecording, tmp_path: Path) -> None:
    """Each place in which the recorder saw state is found, no other one is, and no secret shows."""
    found = found_places(suggest([demo_recording.flows]))
    assert found == recorded_places(demo_recording.store)
    done = run("suggest", demo_recording.flows, "--out", tmp_path / "demo.toml")
    assert (done.code, done.err) == (0, "")
    assert 'issue = [{ header = "x-set-{param}", grammar = "value;usage/priority" }]' in (
        tmp_path / "demo.toml"
    ).read_text("utf-8")
    assert {each.name for each in load(tmp_path / "demo.toml").params} >= {
        "_session_token",
        "LangId",
    }
    assert list(leaks(demo_recording.secrets, tmp_path.iterdir())) == []
