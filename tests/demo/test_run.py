"""The demo from end to end: real origins, a real mitmdump, real clients, one audit."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from statetrail.demo.clients import BEHAVIOURS
from statetrail.demo.clients.programs import missing_programs
from statetrail.demo.run import run_demo
from statetrail.demo.secrets_file import SecretsFile
from statetrail.errors import UsageError
from support.leaks import forms, leaks


def test_the_audit_equals_the_account_of_the_clients(demo_recording):
    """Every behaviour is found for the client that shows it, and the innocent have no fault."""
    assert demo_recording.code == 0, demo_recording.text
    assert "equals the account of all" in demo_recording.text


def test_the_summary_names_every_client(demo_recording):
    """And no progress bar goes into a pipe."""
    missing = missing_programs()
    for name in BEHAVIOURS:
        assert (name in demo_recording.text) or name in missing
    assert "\x1b" not in demo_recording.text


def test_the_demo_leaves_its_three_files_and_the_key(demo_recording):
    """And nothing else."""
    assert sorted(path.name for path in demo_recording.out.iterdir() if "-" not in path.name) == [
        "audit.html",
        "audit.json",
        "recording.sqlite",
        "recording.sqlite.key",
    ]
    with closing(sqlite3.connect(demo_recording.store)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_audits_innocent_clients_have_no_fault(demo_recording):
    """Read from audit.json, as an outsider would."""
    audit = json.loads((demo_recording.out / "audit.json").read_text("utf-8"))
    faults = {"omitted", "stale", "defied", "misplaced", "implicit-set", "restarted"}
    innocent = {entry.user_agent for entry in BEHAVIOURS.values() if entry.innocent}
    seen = {}
    for client in audit["clients"]:
        agent = client["client"].rpartition(" | ")[2]
        if agent in innocent:
            seen[agent] = sum(client["verdicts"].get(fault, 0) for fault in faults)
            assert client["compliance"] in (1, None)
    missing = {BEHAVIOURS[name].user_agent for name in missing_programs()}
    assert seen == dict.fromkeys(innocent - missing, 0)
    blamed = {
        (finding["client"].rpartition(" | ")[2], finding["rule"])
        for finding in audit["findings"]
        if finding["audience"] == "client"
        and finding["severity"] != "info"
        # On a busy machine a pause can outlast the session.
        and finding["rule"] != "cart-lost"
    }
    assert {name for name, _ in blamed} & innocent == set()


def test_senders_with_several_sessions_are_counted(demo_recording):
    """A backend's and two people's sessions, and how many at once; one rule says so of each."""
    audit = json.loads((demo_recording.out / "audit.json").read_text("utf-8"))
    several = {
        client["client"].rpartition("/")[2]: (client["sessions"], client["sessions_at_once"])
        for client in audit["clients"]
        if client["sessions_at_once"] > 1
    }
    assert several == {"backend": (33, 30), "two-people": (2, 2)}
    told = [one["message"] for one in audit["findings"] if one["rule"] == "many-sessions"]
    assert [sum(f"/{name}: " in text for text in told) for name in several] == [1, 1]


def test_no_secret_is_in_anything_that_the_demo_leaves(demo_recording):
    """Not in the store, the reports, mitmdump's log or on the console, in whatever writing."""
    console = demo_recording.private / "console.txt"
    console.write_text(demo_recording.text, "utf-8")
    files = [path for path in demo_recording.out.iterdir() if path.is_file()]
    files += [*demo_recording.private.glob("*.log"), console]
    secrets = demo_recording.secrets
    assert len(secrets) > 50
    assert {path.name for path in files} >= {"recording.sqlite", "audit.html", "mitmdump.log"}
    assert list(leaks(secrets, files)) == []


@pytest.mark.parametrize("secret", ["yjipILZBeUWxrFq", "GbT2/iMws+NzI=", "46326722674199"])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda raw: raw, id="plain"),
        pytest.param(lambda raw: quote(raw, safe="").encode(), id="url"),
        pytest.param(b64encode, id="base64"),
        pytest.param(lambda raw: b64encode(b"a" + raw + b"bc"), id="base64-inside-1"),
        pytest.param(lambda raw: urlsafe_b64encode(b"ab" + raw + b"c"), id="base64-inside-2"),
    ],
)
def test_a_leak_would_be_found_in_any_writing(write, secret):
    """The search itself is put to the test."""
    written = b"before " + write(secret.encode()) + b" after"
    assert any(form in written for form in forms(secret))


def test_secrets_are_kept_once_each_and_for_their_owner(tmp_path):
    """One a line, in a file that nobody else may read."""
    known = SecretsFile(tmp_path / "secrets.txt")
    for secret in ("a", "b", "a", "", "c\nd"):
        known(secret)
    known.close()
    assert set(known.path.read_text().splitlines()) == {"a", "b"}
    assert known.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("seconds", [-1, float("nan"), 1e9])
def test_a_duration_that_makes_no_sense_is_refused(seconds, tmp_path):
    """Before anything is started or made."""
    with pytest.raises(UsageError, match="makes no sense"):
        run_demo(tmp_path / "out", seconds)
    assert not (tmp_path / "out").exists()


@pytest.mark.e2e
def test_a_demo_that_is_stopped_leaves_no_process_and_no_file(tmp_path):
    """SIGTERM in the middle of the traffic; the path of TMPDIR is too long for a socket."""
    tmp_path = tmp_path / ("long" * 20)
    tmp_path.mkdir()
    script = f"from statetrail.demo.run import run_demo; run_demo({str(tmp_path / 'out')!r})"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        text=True,
    ) as demo:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("statetrail-demo-*/mitmdump.log")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(3)
        children = _children(demo.pid)
        demo.send_signal(signal.SIGTERM)
        text, _ = demo.communicate(timeout=60)
    assert "demo was stopped" in text
    assert len(children) >= 3
    assert [pid for pid in children if _runs(pid)] == []
    assert list((tmp_path / "out").iterdir()) == []
    assert list(tmp_path.glob("statetrail-demo-*")) == []


def _children(pid):
    """The processes that a process has begun itself."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
