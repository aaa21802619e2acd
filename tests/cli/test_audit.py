"""`statetrail audit`: the summary, the files, the exit codes; and what it does not touch."""

import json
import shutil
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from statetrail.store.sqlite import SqliteStore
from support.commands import run
from support.hars import entry, headers, write_har

HOSTILE = "evil[red]\x1b]0;title\x07<script>alert(1)</script>"


def record(folder: Path, name: str, *entries: object) -> Path:
    """A store of those entries."""
    write_har(folder / f"{name}.har", *entries)
    assert run("import", folder / f"{name}.har", "--store", folder / f"{name}.sqlite").code == 0
    return folder / f"{name}.sqlite"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with an obedient client and one that leaves the language out."""
    issued = [("X-Set-LangId", "1;header/forced")]
    agents = {"obedient/1": [("X-LangId", "1")], HOSTILE: []}
    entries = [
        entry(
            "https://shop.example/services/v3/products",
            startedDateTime=f"2024-05-01T10:00:{n:02}.000Z",
            request__headers=headers(("User-Agent", agent), *sent),
            issued=issued,
        )
        for n in range(0, 40, 2)
        for agent, sent in agents.items()
    ]
    return record(tmp_path_factory.mktemp("store"), "shop", *entries)


def test_the_summary_names_clients_and_findings(store: Path) -> None:
    """A plain summary goes to standard output; hostile text in it does nothing."""
    done = run("audit", store)
    assert (done.code, done.err) == (0, "")
    assert "40 exchanges (40 in scope), 2 clients, 1 origin" in done.out
    assert "- | obedient/1" in done.out
    assert "omitted 19" in done.out
    assert "state-omitted" in done.out
    assert "evil[red]\ufffd]0;title" in done.out
    assert "\x1b" not in done.out
    assert not any(line.endswith(" ") for line in done.out.splitlines())


def test_all_reports_are_written(store: Path, tmp_path: Path) -> None:
    """Each form lands in its file and is named."""
    html, data, md, junit = (tmp_path / name for name in ("a.html", "a.json", "a.md", "a.xml"))
    done = run("audit", store, "--html", html, "--json", data, "--md", md, "--junit", junit)
    assert done.code == 0
    assert done.out.splitlines()[-4:] == [f"wrote {path}" for path in (html, data, md, junit)]
    assert "<script>alert" not in html.read_text()
    assert json.loads(data.read_text())["capture"]["exchanges"] == 40
    assert "state-omitted" in md.read_text()
    assert ET.parse(junit).getroot().tag == "testsuites"
    assert sorted(tmp_path.iterdir()) == [html, data, md, junit]


@pytest.mark.parametrize(("severity", "code"), [("info", 1), ("low", 1), ("high", 0)])
def test_fail_on_fails_only_from_that_severity_on(store: Path, severity: str, code: int) -> None:
    """1 if a finding has this severity or higher; the summary is printed too."""
    done = run("audit", store, "--fail-on", severity)
    assert done.code == code
    assert (" of severity" in done.err) == bool(code)
    assert "exchanges" in done.out


def test_clients_are_told_apart_as_asked(store: Path) -> None:
    """--client-by and --grace reach the analysis; what makes no sense is misuse."""
    assert "1 client," in run("audit", store, "--client-by", "peer").out
    for wrong in (("--client-by", "shoes"), ("--client-by", ""), ("--grace", "-1")):
        done = run("audit", store, *wrong)
        assert done.code == 2
        assert done.err.count("\n") == 1


def _empty_store(folder: Path) -> Path:
    SqliteStore.create_or_open(folder / "x.sqlite").close()
    return folder / "x.sqlite"


def _no_match(folder: Path) -> Path:
    return record(folder, "x", entry("https://news.example/today", body=None))


def _empty_file(folder: Path) -> Path:
    (folder / "x").touch()
    return folder / "x"


def _letter(folder: Path) -> Path:
    (folder / "x").write_text("Dear all, this is a letter and no database of any kind. " * 40)
    return folder / "x"


def _foreign(folder: Path) -> Path:
    with sqlite3.connect(folder / "x.sqlite") as db:
        db.execute("CREATE TABLE exchanges (exchange_id INTEGER)")
    db.close()
    return folder / "x.sqlite"


def _cut(folder: Path) -> Path:
    path = record(folder, "x", *(entry(time=900 + n) for n in range(200)))
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def _scribbled(folder: Path) -> Path:
    path = record(folder, "x", *(entry(time=900 + n) for n in range(200)))
    content = bytearray(path.read_bytes())
    content[4096:40_960] = b"\xff" * (40_960 - 4096)
    path.write_bytes(content)
    return path


def _newer(folder: Path) -> Path:
    path = _empty_store(folder)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    return path


def _dataset(folder: Path) -> Path:
    source = record(folder, "source", entry())
    assert run("export", source, "--to", folder / "x").code == 0
    shutil.rmtree(folder / "x" / "issued")
    return folder / "x"


def _bad_manifest(folder: Path) -> Path:
    (folder / "x").mkdir()
    (folder / "x" / "statetrail.json").write_text("[]")
    return folder / "x"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda folder: folder / "x", "there is no store at", id="missing"),
        pytest.param(_empty_store, "holds no exchange", id="a store without exchanges"),
        pytest.param(_no_match, "try `statetrail suggest`", id="no matching dialect"),
        pytest.param(_empty_file, "is no statetrail store", id="an empty file"),
        pytest.param(_letter, "is no statetrail store", id="a letter"),
        pytest.param(_foreign, "is no statetrail store", id="another program's database"),
        pytest.param(_cut, "damaged", id="cut short"),
        pytest.param(_scribbled, "damaged", id="scribbled over"),
        pytest.param(_newer, "store version 99", id="a later version"),
        pytest.param(lambda folder: folder, "no statetrail dataset", id="any folder"),
        pytest.param(_dataset, "damaged", id="a dataset with a table missing"),
        pytest.param(_bad_manifest, "damaged", id="a dataset with another manifest"),
    ],
)
def test_what_cannot_be_audited_is_one_line_and_left_alone(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    """One clear line, exit code 2, no report, and every file as it was."""
    place = tmp_path / "place"
    place.mkdir()
    path = make(place)
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    done = run("audit", path, "--html", tmp_path / "a.html", "--json", tmp_path / "a.json")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("statetrail: ")
    assert done.err.count("\n") == 1
    assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == before
    assert list(tmp_path.iterdir()) == [place]


def test_an_output_that_cannot_be_written_is_found_first(store: Path, tmp_path: Path) -> None:
    """A missing folder, a folder, the store itself: told before anything is analysed."""
    before = store.read_bytes()
    for path in (tmp_path / "no" / "a.html", tmp_path, store, f"{store}.key"):
        done = run("audit", store, "--json", tmp_path / "a.json", "--html", path)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert store.read_bytes() == before


def test_the_same_store_twice_is_misuse(store: Path) -> None:
    """A store named twice would count everything twice."""
    assert "named twice" in run("audit", store, store).err


def test_a_copy_and_a_dataset_of_a_store_are_the_same_store(store: Path, tmp_path: Path) -> None:
    """Each exchange would be counted twice."""
    copy = Path(shutil.copy(store, tmp_path / "copy.sqlite"))
    run("export", store, "--out", tmp_path / "dataset")
    for other in (copy, tmp_path / "dataset"):
        done = run("audit", store, other)
        assert (done.code, done.out) == (2, "")
        assert f"{other} has what {store} has: name one of them" in done.err
