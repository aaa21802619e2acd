"""`statetrail doctor`: what is in order, and what each fault is called."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from statetrail.dialects import select
from statetrail.doctor import live, machine
from statetrail.doctor.stores import check_stores
from statetrail.proxy import mitmdump
from support.certificates import certificate
from support.commands import run
from support.hars import entry, write_har


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one exchange of the ZEST dialect."""
    folder = tmp_path_factory.mktemp("store")
    write_har(folder / "x.har", entry())
    assert run("import", folder / "x.har", "--store", folder / "s.sqlite").code == 0
    return folder / "s.sqlite"


@pytest.fixture
def store(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it, with its key."""
    for end in ("", ".key"):
        shutil.copy(f"{recorded}{end}", tmp_path / f"s.sqlite{end}")
    return tmp_path / "s.sqlite"


def grades(store: Path, key: Path | None = None, dialects: str = "all") -> dict[str, str]:
    """The grade of each check, with what it says."""
    checks = check_stores(store, key, select(dialects))
    return {check.subject: f"{check.grade}: {check.says}" for check in checks}


@pytest.mark.e2e
def test_the_doctor_starts_the_recorder_and_reads_the_store(store: Path, tmp_path: Path) -> None:
    """One line each; nothing is changed or left behind."""
    before = store.read_bytes()
    done = run("doctor", "--store", store, "--confdir", tmp_path / "none")
    lines = done.out.splitlines()
    assert done.code == 0, done.out
    assert [line.split()[1] for line in lines] == [
        *("versions", "recorder", "store", "key", "dialects", "disk", "clock", "authority"),
    ]
    assert "it recorded a request" in lines[1]
    assert "1 of 1 exchanges match" in lines[4]
    assert store.read_bytes() == before


@pytest.mark.e2e
def test_a_recorder_that_does_not_load_is_found(tmp_path, monkeypatch) -> None:
    """mitmdump itself goes on without it, and passes requests through."""
    (script := tmp_path / "broken.py").write_text("import no_such_module\n")
    monkeypatch.setattr(mitmdump, "recorder_script", lambda: script)
    monkeypatch.setattr(live, "LOADING_S", 1.0)
    check = live.check_recorder()
    assert check.grade == "wrong"


def test_a_store_with_a_fault_is_named(store: Path, tmp_path: Path) -> None:
    """Its key, what waits beside it, dialects that match nothing, damage."""
    assert grades(tmp_path / "new.sqlite").keys() == {"store", "disk"}
    sound = grades(store)
    assert all(grade.startswith("ok") for grade in sound.values()), sound
    assert grades(store, dialects="django")["dialects"].startswith("warning: none of 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.access", lambda *given: False)  # root may write to any disk but such
        assert grades(store)["disk"].startswith("wrong")
    spill = tmp_path / "s.sqlite.spill-7"
    spill.write_bytes(b"x")
    assert grades(store)["store"].startswith("warning")
    assert spill.name in grades(store)["store"]
    other = tmp_path / "other.key"
    other.write_bytes(b"k" * 32)
    other.chmod(0o600)
    assert grades(store, other)["key"].startswith("wrong")
    Path(f"{store}.key").unlink()
    assert grades(store)["key"].startswith("warning")
    with closing(sqlite3.connect(store)) as db, db:
        db.execute("UPDATE exchanges SET request_start_us = request_start_us * 2")
    assert "in the future" in grades(store)["times"]
    store.write_bytes(store.read_bytes()[:5000])
    assert grades(store).keys() == {"store"}
    assert grades(store)["store"].startswith("wrong")


def test_an_authority_is_trusted_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what this system trusts."""
    (check,) = machine.check_authority(tmp_path)
    assert "not there yet" in check.says
    certificate(tmp_path)
    authority = tmp_path / "mitmproxy-ca-cert.pem"
    shutil.copy(tmp_path / "cert.pem", authority)
    monkeypatch.setattr(machine, "_SOON_S", 0)
    (check,) = machine.check_authority(tmp_path)
    assert (check.grade, "not trusted" in check.says) == ("warning", True)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    (check,) = machine.check_authority(tmp_path)
    assert (check.grade, "is trusted" in check.says) == ("ok", True)
    authority.write_text("nonsense")
    (check,) = machine.check_authority(tmp_path)
    assert check.grade == "wrong"


@pytest.mark.parametrize(
    ("now", "synchronised", "grade"),
    [(0, True, "wrong"), (2e9, False, "warning"), (2e9, True, "ok"), (2e9, None, "ok")],
)
def test_a_clock_that_is_wrong_or_free_is_named(monkeypatch, now, synchronised, grade) -> None:
    """Lifetimes depend on it."""
    monkeypatch.setattr(machine.time, "time", lambda: now)
    monkeypatch.setattr(machine, "_is_synchronised", lambda: synchronised)
    assert machine.check_clock().grade == grade
