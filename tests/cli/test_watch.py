"""`statetrail watch`: what happens in a store, as it happens."""

import subprocess
from pathlib import Path

from statetrail.store import SqliteStore
from support.proxy import BIN
from support.traffic import AT, facts_of


def body(token: str) -> bytes:
    return f'<r session="{token}"></r>'.encode()


def test_faults_and_changes_are_told_while_a_store_is_written(tmp_path: Path) -> None:
    """One line each in a pipe; nothing is written, no secret is shown."""
    path = tmp_path / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        store.append(facts_of("/API/V3/x?_session_token=1", body=body("a" * 15), flow_id="1"))
        watch = subprocess.Popen(
            [str(BIN / "statetrail"), "watch", str(path), "--seconds", "9", "--every", "0.2"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watch.stdout is not None
        first = watch.stdout.readline()  # it is at work
        for n, target in enumerate((f"/API/V3/x?_session_token={'a' * 15}", "/API/V3/x"), 1):
            store.append(
                facts_of(
                    target,
                    body=body("b" * 15) if n == 1 else b"",
                    flow_id=f"later {n}",
                    at=AT + n * 1_000_000,
                )
            )
        rest, _ = watch.communicate(timeout=60)
    said = [first, *rest.splitlines()]
    assert watch.returncode == 0
    assert "_session_token established ~" in said[0]
    assert any("omitted _session_token (exchange 3, so far)" in line for line in said)
    assert any("_session_token reset ~" in line for line in said)
    assert said[-1].startswith("3 exchanges, 1 clients, 50% of 2 honoured, 1 omitted")
    assert "aaaa" not in first + rest


def test_a_folder_is_no_store_to_watch(tmp_path: Path) -> None:
    """Said in one line."""
    ran = subprocess.run(
        [str(BIN / "statetrail"), "watch", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "is a folder" in ran.stderr
