"""`statetrail show` and `statetrail export`."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from statetrail.analyses.catalogue import NAMES, TABLES
from statetrail.cli.output import tables, terminal
from statetrail.cli.output.tables import inert, print_table
from statetrail.cli.show import result
from statetrail.recording.frames import open_recording
from statetrail.rules.gather import FINDINGS
from statetrail.store import reader
from statetrail.store.reader import read_store
from support.commands import on_terminal, run, run_program
from support.hars import entry, headers, write_har

NAMED = TABLES | {"findings": FINDINGS}
type Shown = Callable[[int, str], list[str]]
HOSTILE = "=sum(evil)[bold]\x1b[31m"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a hundred exchanges with a hostile user agent among them."""
    folder = tmp_path_factory.mktemp("store")
    agent = headers(("User-Agent", HOSTILE))
    issued = [("X-Set-CurrId", "-1;header/forced"), ("X-Set-Ticket", "-sum(1)abc;header/forced")]
    entries = [
        entry(
            "https://shop.example/services/v3/products",
            startedDateTime=f"2024-05-01T10:{n // 60:02}:{n % 60:02}Z",
            issued=issued,
        )
        for n in range(99)
    ]
    write_har(folder / "x.har", *entries, entry(request__headers=agent))
    assert run("import", folder / "x.har", "--store", folder / "s.sqlite").code == 0
    return folder / "s.sqlite"


@pytest.fixture(scope="module")
def shown(store: Path) -> Shown:
    """The lines of a table on a terminal of that width, without styles."""
    rec = open_recording(store)

    def on(columns: int, table: str) -> list[str]:
        frame = result(rec, table)
        rows = frame.to_arrow()
        out = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terminal, "stdout", lambda: None)
            patch.setattr(tables, "stdout", lambda: terminal.Terminal(file=out, width=columns))
            patch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
            print_table(frame.table, rows.slice(0, 30), rows.num_rows)
        return [line.rstrip() for line in out.getvalue().splitlines()]

    return on


@pytest.mark.parametrize("table", NAMES)
def test_json_and_parquet_have_the_very_columns_of_the_schema(
    store: Path, tmp_path: Path, table: str
) -> None:
    """The forms for programs are the catalogue's tables, all rows, values unchanged."""
    rows = json.loads(run("show", store, table, "--format", "json").out)
    out = tmp_path / "x.parquet"
    assert run("show", store, table, "--format", "parquet", "--to", out).code == 0
    assert pq.read_table(out).to_pylist() == rows
    assert pq.read_schema(out).equals((TABLES | {"findings": FINDINGS})[table].arrow)


def test_a_table_is_short_and_says_what_it_leaves_out(store: Path) -> None:
    """The form for people has the first rows, pseudonyms for fingerprints, dates for times."""
    lines = run("show", store, "issued", "--limit", 2).out.splitlines()
    assert lines[0].split()[:4] == ["exchange_id", "param", "value", "fingerprint"]
    assert lines[1].split()[:3] == ["1", "CurrId", "-1"]
    assert "~" in lines[2]
    assert lines[3] == "2 of 199 rows; --limit 199 shows all"
    assert len(run("show", store, "exchanges").out.splitlines()) == 52
    assert "2024-05-01 10:00:00.300" in run("show", store, "exchanges").out


def test_csv_computes_nothing(store: Path) -> None:
    """A cell that a spreadsheet would take for a formula is text; numbers stay numbers."""
    done = run("show", store, "exchanges", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert rows[-1]["user_agent"] == "'=sum(evil)[bold]\ufffd[31m"
    assert rows[0]["request_start"] == "2024-05-01T10:00:00.300000Z"
    issued = list(csv.DictReader(io.StringIO(run("show", store, "issued", "--format", "csv").out)))
    assert issued[0]["value"] == "-1"
    assert re.fullmatch("~[0-9a-f]{8}", issued[0]["fingerprint"])


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        *(
            (cell, f"'{cell}")
            for cell in ("=1", "+a", "-a", "@a", "\ta", "\ra", "=", "-1+1", "+1e")
        ),
        *(
            (f"{hidden}{sign}1+1", f"'{hidden}{sign}1+1")
            for hidden in ("\u200b", "\ufeff", "\u2060 ", "\x00", "\u00ad")
            for sign in "=+-@\uff1d\ufe62"
        ),
        *((cell, cell) for cell in ("-1", "+1.5", "-2e-5", "a=1", "", "1", "~1a")),
    ],
)
def test_formulas_are_told_from_numbers(cell: str, shown: str) -> None:
    """Only what is really a number may begin with a sign."""
    assert inert(cell) == shown


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_of_a_hostile_store_acts_on_a_terminal(store: Path, form: str) -> None:
    """No escape reaches the output, and markup is shown as it is."""
    out = run("show", store, "exchanges", "--format", form, "--limit", "1000").out
    assert "\x1b" not in out
    assert "sum(evil)[bold]" in out


def test_a_terminal_gets_a_table_that_fits(store: Path) -> None:
    """On a terminal lines are folded, empty columns left out, hostile text sends only itself."""
    shown = on_terminal(100, "show", store, "exchanges", "--limit", 100)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "\x1b[31m" not in shown
    assert "─────" in plain
    assert "error" not in plain.partition("─────")[0]
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 100


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("table", NAMES)
def test_every_table_is_readable_on_a_terminal(shown: "Shown", table: str, columns: int) -> None:
    """What is shown is as wide as the terminal, and no text is broken into a few letters."""
    lines = shown(columns, table)
    if lines == [f"The table {table} has no row."]:
        return
    assert max(map(len, lines)) <= columns
    heading = next(line for line in lines if line.strip())
    rule = lines[lines.index(heading) + 1]
    assert set(rule.strip()) == {"─"}
    widths = [len(part) for part in re.findall(r"\S+\s*", heading)]
    names = heading.split()
    assert all(each in {name.removesuffix("_us") for name in NAMED[table].names} for each in names)
    assert min(widths[:-1], default=columns) > 3 or len(names) == 1
    if len(names) < len(NAMED[table].columns):
        assert any(line.startswith("More columns: --columns all, or some of") for line in lines)
    assert names[0] == tables._SHOWN.get(table, NAMED[table].names)[0].removesuffix("_us")


def test_the_most_telling_columns_are_those_of_their_tables() -> None:
    """Each table's are columns that it has; without them it would show its first columns."""
    for name, columns in tables._SHOWN.items():
        assert len(set(columns)) == len(columns)
        assert set(columns) <= set(NAMED[name].names)
    assert NAMED.keys() - tables._SHOWN.keys() == {"token_candidates"}


def test_more_columns_than_fit_are_paragraphs(store: Path) -> None:
    """Where a narrow terminal is to show them all."""
    shown = on_terminal(60, "show", store, "issued", "--columns", "all", "--limit", 1)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "param CurrId; value -1" in plain
    assert "───" not in plain


def test_columns_are_chosen_by_name(store: Path) -> None:
    """In that order, in every form; an unknown one gets the nearest."""
    head = run("show", store, "issued", "--columns", "value,param", "--limit", 1).out.splitlines()[
        0
    ]
    assert head.split() == ["value", "param"]
    every = run("show", store, "exchanges", "--columns", "all", "--limit", 1).out.splitlines()[0]
    assert every.split() == [c.removesuffix("_us") for c in TABLES["exchanges"].names]
    options = ("--columns", "request_start", "--format", "json", "--limit", 1)
    assert [*json.loads(run("show", store, "exchanges", *options).out)[0]] == ["request_start_us"]
    done = run("show", store, "issued", "--columns", "vale")
    assert "unknown column 'vale': did you mean value?" in done.err


def test_a_terminal_is_spared_parquet(store: Path) -> None:
    """Bytes are not written to a terminal."""
    shown = on_terminal(100, "show", store, "exchanges", "--format", "parquet")
    assert "use --out FILE" in shown


@pytest.mark.parametrize("name", ["week", "week*", "we[ek]?"])
def test_a_large_dataset_is_found_by_its_own_name_from_anywhere(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A relative path is meant from where it was opened, and a name is no pattern of others."""
    monkeypatch.setattr(reader, "LARGE", 0)
    monkeypatch.chdir(tmp_path)
    for dataset in ("weekday", "wek1", "week*", "we[ek]?", "week"):
        assert run("export", store, "--to", dataset).code == 0
    rec = open_recording(name)
    monkeypatch.chdir("/")
    assert len(rec.exchanges.rows()) == 100
    assert rec.issued.to_arrow().num_rows == 199


def test_parquet_goes_into_a_pipe(store: Path) -> None:
    """Piped, the bytes come on standard output."""
    done = run_program("show", store, "presented", "--format", "parquet")
    assert done.code == 0
    assert done.out.startswith("PAR1")


def test_an_output_never_overwrites_its_source(store: Path, tmp_path: Path) -> None:
    """The store, its key, a folder and a missing folder are refused before any work."""
    before = store.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(store)
    for out in (store, f"{store}.key", link, tmp_path, tmp_path / "no" / "where"):
        done = run("show", store, "issued", "--format", "csv", "--to", out)
        assert done.code == 2
        assert done.err.count("\n") == 1
    assert store.read_bytes() == before


def test_an_exported_dataset_is_a_store(store: Path, tmp_path: Path) -> None:
    """What is exported can be shown; a second export to the same place finds nothing new."""
    to = tmp_path / "dataset"
    done = run("export", store, "--to", to)
    assert (done.code, done.out) == (0, f"{to}: 100 exchanges\n")
    wanted = run("show", store, "issued", "--format", "json").out
    assert run("show", to, "issued", "--format", "json").out == wanted
    done = run("export", store, "--to", to, "--check")
    assert (done.code, done.out) == (0, f"{to}: 100 exchanges, nothing new\n")
    assert read_store(to).tables["exchanges"].num_rows == 100
    assert run("export", store, "--to", tmp_path / "x", "--client-by", "shoes").code == 2
    assert run("export", store, "--to", tmp_path / "x", "--buckets", "0").code == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["exchanges", "verdicts", "clients"])
def test_damage_that_shows_late_is_one_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A large dataset is read while it is asked for; what is broken in it is no traceback."""
    dataset = tmp_path / "dataset"
    assert run("export", store, "--to", dataset).code == 0
    for file in (dataset / "exchanges").rglob("*.parquet"):
        content = file.read_bytes()
        half = len(content) // 2
        file.write_bytes(content[:4] + bytes(half) + content[half + 4 :])
    monkeypatch.setattr(reader, "LARGE", 0)
    done = run("show", dataset, name)
    assert (done.code, done.out) == (2, "")
    assert "damaged" in done.err
    assert done.err.count("\n") == 1
