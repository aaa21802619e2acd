"""`statetrail watch`: what happens in a store, as it happens."""

import json
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.cli.output.watching import Watch
from statetrail.dialects import select
from statetrail.store.sqlite import SqliteStore
from support.commands import on_terminal, run
from support.proxy import BIN
from support.shops import write_shop
from support.traffic import AT, facts_of

OLD = Path(__file__).parents[1] / "store" / "version_2.sql"


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


@pytest.mark.parametrize("options", [(), ("--client-by", "user-agent"), ("--grace", "2000000")])
def test_an_audit_counts_the_same(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The same clients, origins and faults, and nothing is written beside the store."""
    store = write_shop(tmp_path / "shop.sqlite")
    before = tmp_path.stat().st_mtime_ns
    watched = run("watch", store, "--seconds", "0", *options)
    assert tmp_path.stat().st_mtime_ns == before
    assert run("audit", store, "--json", tmp_path / "a.json", *options).code == 0
    audit = json.loads((tmp_path / "a.json").read_bytes())
    faults = Counter[str]()
    for client in audit["clients"]:
        faults += Counter({v: n for v, n in client["verdicts"].items() if v in FAULTS})
        if any(v in FAULTS for v in client["verdicts"]):
            assert f"{client['client']} at {client['origin']}: " in watched.out
    judged = sum(client["judged"] for client in audit["clients"])
    last = watched.out.splitlines()[-1]
    assert f"of {judged} honoured" in last
    assert all(f"{number} {fault}" in last for fault, number in faults.items())
    assert sum(faults.values()) == judged - round(
        sum(client["judged"] * (client["compliance"] or 0) for client in audit["clients"])
    )


def test_what_is_no_fault_is_not_shown_as_one(tmp_path: Path) -> None:
    """On a terminal the table of clients has faults alone; a narrow one gets paragraphs."""
    store = write_shop(tmp_path / "shop.sqlite")
    watch = Watch(store, None, 2_000_000, select("all"))
    list(watch.poll(final=True))
    assert watch.scoreboard.verdicts["in-flight"]
    for columns in (60, 120):
        shown = on_terminal(columns, "watch", store, "--for", "0s", "--grace", "2000s")
        assert "in-flight" not in shown
        assert ("───" in shown) == (columns == 120)
        assert "stubborn/1" in shown


def test_a_store_of_an_earlier_version_is_watched(tmp_path: Path) -> None:
    """What its version lacks is not known."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text("utf-8"))
    assert run("watch", path, "--seconds", "0").out.splitlines()[-1].startswith("2 exchanges")


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


def test_dialects_without_live_verdicts_are_named(tmp_path: Path) -> None:
    """A cookie is judged by an audit; "nothing judged yet" alone would promise it here."""
    with SqliteStore.create_or_open(tmp_path / "x.sqlite") as store:
        store.append(facts_of("/", answered={"Set-Cookie": "sid=" + "a" * 24}, flow_id="1"))
    last = run("watch", tmp_path / "x.sqlite", "--for", "0s").out.splitlines()[-1]
    assert (
        last
        == "1 exchanges, 1 clients, nothing judged yet; 0 resets; judged by audit alone: cookie"
    )
