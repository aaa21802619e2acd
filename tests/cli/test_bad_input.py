"""Inputs that nobody meant to be read: one line each, no traceback, no hang."""

import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import typer

from statetrail.cli.output.guard import guarded
from studies.attack import mutate
from support.commands import run, run_program
from support.shops import write_shop


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good store."""
    return write_shop(tmp_path_factory.mktemp("store") / "shop.sqlite")


def endless(path: Path) -> None:
    """A table that is a view without an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DROP TABLE token_candidates")
        db.execute(
            "CREATE VIEW token_candidates AS WITH RECURSIVE r(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS exchange_id FROM r"
        )


def no_text(path: Path) -> None:
    """A user agent that is not UTF-8."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE exchanges SET user_agent = CAST(x'fffe' AS TEXT)")


def forged(path: Path) -> None:
    """A host that is null where the schema says that none is."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        change = "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'exchanges'"
        db.execute(change, ('"host" TEXT NOT NULL', '"host" TEXT'))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE exchanges SET host = NULL")
        db.execute("PRAGMA writable_schema = ON")
        db.execute(change, ('"host" TEXT', '"host" TEXT NOT NULL'))


def loose(path: Path, value: str) -> None:
    """The start of a request is what the schema, which is put back after it, does not allow."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'exchanges'").fetchone()
        forge = "UPDATE sqlite_schema SET sql = ? WHERE name = 'exchanges'"
        any_type = sql.replace('"request_start_us" INTEGER', '"request_start_us"')
        db.execute("PRAGMA writable_schema = ON")
        db.execute(forge, (any_type.replace("STRICT", ""),))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"UPDATE exchanges SET request_start_us = {value} WHERE exchange_id = 2")
        db.execute("PRAGMA writable_schema = ON")
        db.execute(forge, (sql,))


def a_text_for_a_time(path: Path) -> None:
    """The start of a request is a text, which is larger than any number."""
    loose(path, "'yesterday'")


def an_infinity(path: Path) -> None:
    """The start of a request is no moment."""
    loose(path, "9e999")


def pages_that_repeat(path: Path) -> None:
    """A tree of pages that are each other's children many times over: reading it has no end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'exchanges'"
        ).fetchone()
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute("PRAGMA journal_mode = DELETE")
    levels = 12
    children = (size - 12) // (2 + 6) - 1
    with path.open("r+b") as file:
        for level in range(levels):
            # An interior page of a table: each cell has the same child, the next level's page.
            child = pages + level + 1 if level < levels - 1 else pages + levels
            cells = [size - 6 * (n + 1) for n in range(children)]
            page = bytearray(size)
            page[:12] = (
                bytes((5, 0, 0))
                + children.to_bytes(2)
                + cells[-1].to_bytes(2)
                + b"\0"
                + child.to_bytes(4)
            )
            for n, at in enumerate(cells):
                page[12 + 2 * n : 14 + 2 * n] = at.to_bytes(2)
                page[at : at + 5] = child.to_bytes(4) + b"\x7f"
            file.seek((root - 1 if level == 0 else pages + level - 1) * size)
            file.write(page)
        leaf = bytearray(size)
        leaf[:8] = bytes((13, 0, 0, 0, 0)) + (size % 65536).to_bytes(2) + b"\0"
        file.seek((pages + levels - 1) * size)
        file.write(leaf)
        file.seek(28)
        file.write((pages + levels).to_bytes(4))


HOSTILE = (endless, forged, a_text_for_a_time, an_infinity, pages_that_repeat)


@pytest.mark.parametrize("hostile", [*HOSTILE, no_text])
@pytest.mark.parametrize(
    "arguments",
    [
        ("watch", "--seconds", "0"),
        ("show", "exchanges"),
        ("export", "--to", "out"),
    ],
)
def test_a_hostile_store_is_refused_in_one_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile, arguments
) -> None:
    """What it holds is not shown, and nothing of it is run."""
    monkeypatch.chdir(tmp_path)
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(store.read_bytes())
    hostile(bad)
    command, *rest = arguments
    done = run(command, bad, *rest)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "damaged" in done.err


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_is_pruned_from_a_hostile_store(store: Path, tmp_path: Path, hostile) -> None:
    """Not even counted."""
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(store.read_bytes())
    hostile(bad)
    content = bad.read_bytes()
    done = run("prune", bad, "--older-than", "1d")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "damaged" in done.err
    assert bad.read_bytes() == content


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--profile", "a = " + "[" * 20_000 + "]" * 20_000),
        ("--profile", "idle_max_s = " + "9" * 5000),
        ("--suppress", "suppress = " + "{a=" * 20_000),
        ("--dialects", "name = " + "9" * 5000),
        ("--dialects", "name = " + "[" * 20_000 + "]" * 20_000),
    ],
)
def test_settings_too_deep_or_too_long_are_one_line(
    store: Path, tmp_path: Path, option: str, content: str
) -> None:
    """The file is named."""
    file = tmp_path / "x.toml"
    file.write_text(content)
    done = run("audit", store, option, file)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "x.toml" in done.err


@pytest.mark.parametrize(
    "change",
    [
        {"client_by": 7},
        {"client_by": ["shoes"]},
        {"client_by": None},
        {"schema_version": None},
        {"schema_version": "3"},
    ],
)
def test_an_odd_manifest_is_one_line(store: Path, tmp_path: Path, change: dict) -> None:
    """The manifest, or its version, is named."""
    dataset = tmp_path / "dataset"
    assert run("export", store, "--to", dataset).code == 0
    manifest = dataset / "statetrail.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    done = run("show", dataset, "issued")
    assert (done.code, done.err.count("\n")) == (2, 1)
    manifest.write_text("[" * 100_000)
    assert "statetrail.json is damaged" in run("show", dataset, "issued").err


def test_what_nobody_foresaw_is_one_line_with_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report says where it happened, and quotes no value."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def command() -> None:
        raise LookupError("a secret")

    with pytest.raises(typer.Exit) as ended:
        guarded(command, "show")()
    assert ended.value.exit_code == 2
    line = capsys.readouterr().err
    (report,) = tmp_path.iterdir()
    assert line.count("\n") == 1
    assert str(report) in line
    written = report.read_text()
    assert "test_bad_input.py" in written
    assert "secret" not in line + written
    assert report.stat().st_mode & 0o077 == 0


def test_an_interrupt_within_a_query_is_no_fault() -> None:
    """DuckDB makes another error of Ctrl-C."""
    program = """
import signal, sys, threading
# A shell lets what it starts in the background ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
import duckdb
from statetrail.cli.output.guard import guarded
def command():
    threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,)).start()
    rows = "SELECT sum(a.range * b.range) FROM range(1_000_000) a, range(20_000) b"
    duckdb.connect().execute(rows).fetchall()
try:
    guarded(command, "audit")()
except KeyboardInterrupt:
    print("stopped")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def test_mutants_of_stores_end_without_a_fault(store: Path, tmp_path: Path) -> None:
    """A few of those that `make attack PARTS=inputs` makes, as a program of its own."""
    for seed in range(4):
        bad = tmp_path / f"{seed}.sqlite"
        mutate.store(store, bad, random.Random(seed))
        done = run_program("watch", bad, "--seconds", "0")
        assert done.code in (0, 2)
        assert "Traceback" not in done.err
        assert "a fault of statetrail itself" not in done.err
