"""The command line as a whole: help, version, exit codes, errors in one line."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from statetrail import __version__
from statetrail.store.reader import read_store
from support.commands import command, run, run_program
from support.hars import entry, har
from support.proxy import wait_for

COMMANDS = ("demo", "record", "import", "audit", "show", "export")


def test_the_version_is_printed() -> None:
    """--version prints the package's version."""
    assert run("--version").out == f"statetrail {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_examples(name: str) -> None:
    """--help names the command's purpose and shows how it is used."""
    done = run(name, "--help")
    assert done.code == 0
    assert "Example" in done.out
    assert f"statetrail {name} " in done.out


def test_the_help_shows_brackets_and_what_may_be_repeated() -> None:
    """An extra in brackets is no markup, and dots follow an argument that may be repeated."""
    assert "statetrail[notebooks]" in run("notebook", "--help").out
    assert "{STORE...} {TABLE}" in run("show", "--help").out


def test_no_command_shows_all_of_them() -> None:
    """Without a command the help comes, as for any misuse with exit code 2."""
    done = run()
    assert done.code == 2
    assert all(name in done.out + done.err for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["show", "nowhere.sqlite", "tokens"], "there is no store at", id="show"),
        pytest.param(["export", "nowhere.sqlite", "--to", "out"], "there is no store", id="export"),
        pytest.param(["audit", "nowhere.sqlite"], "there is no store at", id="audit"),
        pytest.param(["import", "nowhere.har"], "No such file", id="import"),
        pytest.param(["show", ".", "tokens"], "no statetrail dataset", id="a folder"),
        pytest.param(
            ["show", "x"], "name a store and a table, one of exchanges, issued", id="no table"
        ),
        pytest.param(["show", "x", "shoes"], "unknown table 'shoes'", id="table"),
        pytest.param(["audit", "x", "--dialects", "latin"], "unknown dialect", id="dialect"),
        pytest.param(["import", "x", "--clear", "Shoes"], "unknown parameter 'Shoes'", id="clear"),
        pytest.param(["import", "x", "--client-header", "a b"], "'a b' is no name", id="header"),
        pytest.param(["demo", "--for", "-1"], "'-1' is no duration", id="seconds"),
        pytest.param(["audit", "\x1b[31mred"], "no store at \ufffd[31mred", id="escape"),
        pytest.param(["audit", "two\nlines"], "no store at two lines", id="line break"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """The line names the value; nothing is printed on standard output, nothing is made."""
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("statetrail: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert not list(tmp_path.iterdir())


def test_an_unknown_option_is_misuse() -> None:
    """What the command line itself refuses has exit code 2 too."""
    assert run("audit", "x", "--shoes").code == 2
    assert run("audit", "x", "--fail-on", "shoes").code == 2
    assert run("audit", "x", "--grace", "soon").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("--help >/dev/full", 2, "statetrail: No space left on device\n"),
        ("dialect schema >/dev/full", 2, "statetrail: No space left on device\n"),
        ("dialect list >&-", 0, ""),
    ],
)
def test_an_output_that_takes_nothing_is_no_fault(arguments: str, code: int, message: str) -> None:
    """A full disk is one line, and a closed output is left alone."""
    line = f"{shlex.join(map(str, command()))} {arguments}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, message)


@pytest.mark.parametrize("form", ["table", "csv", "parquet"])
def test_a_reader_that_has_left_is_no_error(tmp_path: Path, form: str) -> None:
    """Where the next program in the pipe reads no more, nothing is complained about."""
    (tmp_path / "x.har").write_bytes(har(entry()))
    run("import", tmp_path / "x.har", "--store", tmp_path / "s.sqlite")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command("show", tmp_path / "s.sqlite", "exchanges", "--format", form),
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_without_unicode_is_no_error(tmp_path: Path) -> None:
    """What an old terminal cannot show is written in another way."""
    done = run_program("audit", tmp_path / "no-st\u00f6re", PYTHONIOENCODING="ascii")
    assert done.code == 2
    assert "no-st\\xf6re" in done.err


def test_an_interrupt_ends_with_130_and_leaves_a_sound_store(tmp_path: Path) -> None:
    """Ctrl-C during an import keeps what was committed, notes it, and shows no traceback."""
    big, store = tmp_path / "big.har", tmp_path / "s.sqlite"
    big.write_bytes(har(*(entry(time=900 + n / 1000) for n in range(60_000))))
    process = subprocess.Popen(
        command("import", big, "--store", store), stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wal = store.with_name("s.sqlite-wal")
    wait_for(lambda: wal.exists() and wal.stat().st_size > 100_000, "the import to begin")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b" exchanges\n" in out
    assert b"Traceback" not in err
    assert b"stopped: what was imported stays in the store" in err
    tables = read_store(store).tables
    (note,) = tables["captures"].to_pylist()
    assert note["problem"] == "the import was stopped before the end of the file"
    assert 0 < note["exchanges"] == tables["exchanges"].num_rows < 60_000
