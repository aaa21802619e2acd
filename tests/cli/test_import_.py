"""`statetrail import`."""

from pathlib import Path

import pytest

from statetrail.store.reader import read_store
from support.commands import run
from support.hars import entry, har, headers, write_har


@pytest.fixture
def har_file(tmp_path: Path) -> Path:
    """A HAR file of two exchanges; a ticket and a language are issued."""
    issued = [("X-Set-Ticket", "T1CK-et/=;header/forced"), ("X-Set-LangId", "2;header/forced")]
    asked = headers(("X-Device", "tablet"))
    return write_har(
        tmp_path / "shop.har", entry(issued=issued), entry(time=1001, request__headers=asked)
    )


def test_files_are_imported_and_counted(har_file: Path, tmp_path: Path) -> None:
    """What each file added, had already and lost is said."""
    torn = tmp_path / "torn.har"
    torn.write_bytes(har(entry("https://other.example/"), entry())[:-10])
    torn.write_bytes(torn.read_bytes()[:-400])
    done = run("import", har_file, har_file, torn, "--store", tmp_path / "s.sqlite")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"{har_file}: 2 exchanges",
        f"{har_file}: 0 exchanges, 2 already in the store",
        f"{torn}: 1 exchange",
    ]
    assert done.err == (
        f"statetrail: {torn}: the file ends early: its first entry could be read, "
        "what follows is lost\n"
    )


def test_a_folder_stands_for_its_captures_and_a_pattern_for_its_matches(
    har_file: Path, tmp_path: Path
) -> None:
    """What is no capture there is named and left out; nothing found at all is an error."""
    folder = tmp_path / "captures"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.har", "deep/a.har", ".hidden.har"):
        write_har(folder / name, entry(f"https://{name.strip('.').replace('/', '.')}/"))
    (folder / "notes.txt").write_text("not one")
    done = run("import", folder, tmp_path / "sh*.har", "--store", tmp_path / "s.sqlite")
    assert done.out.splitlines() == [
        f"{folder / 'b.har'}: 1 exchange",
        f"{folder / 'deep' / 'a.har'}: 1 exchange",
        f"{har_file}: 2 exchanges",
    ]
    assert done.err == (
        f"statetrail: {folder / 'notes.txt'} is no capture of a known format; left out\n"
    )
    (tmp_path / "empty").mkdir()
    for nothing, said in (("*.none", "matches no file"), ("empty", "has no capture in it")):
        none = run("import", tmp_path / nothing, "--store", tmp_path / "t.sqlite")
        assert (none.code, said in none.err) == (2, True)
    assert not (tmp_path / "t.sqlite").exists()


def test_the_store_is_made_in_the_current_folder_by_default(
    har_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --store it is statetrail.sqlite here."""
    monkeypatch.chdir(tmp_path)
    assert run("import", har_file).code == 0
    assert (tmp_path / "statetrail.sqlite").exists()
    assert (tmp_path / "statetrail.sqlite.key").stat().st_mode & 0o777 == 0o600


def test_options_reach_the_sightings(har_file: Path, tmp_path: Path) -> None:
    """--clear, --client-header and --dialects change what is stored."""
    store = tmp_path / "s.sqlite"
    done = run(
        *("import", har_file, "--store", store, "--clear", "Ticket,client-header"),
        *("--client-header", "X-DEVICE", "--dialects", "52eseller"),
    )
    assert done.code == 0
    tables = read_store(store).tables
    values = {row["param"]: row["value"] for row in tables["issued"].to_pylist()}
    assert values == {"Ticket": "T1CK-et/=", "LangId": "2"}
    assert tables["exchanges"]["client_header"].to_pylist() == [None, "tablet"]


def test_a_given_key_makes_stores_comparable(har_file: Path, tmp_path: Path) -> None:
    """Two stores with one key have the same pseudonyms and can be read together."""
    one, two = tmp_path / "one.sqlite", tmp_path / "two.sqlite"
    run("import", har_file, "--store", one)
    assert run("import", har_file, "--store", two, "--key", f"{one}.key").code == 0
    assert run("show", one, two, "issued", "--format", "json").code == 0
    run("import", har_file, "--store", tmp_path / "three.sqlite")
    done = run("show", one, tmp_path / "three.sqlite", "issued")
    assert done.code == 2
    assert "different keys" in done.err


def test_a_forgotten_key_is_gone(har_file: Path, tmp_path: Path) -> None:
    """--forget-key leaves no key of a new store, removes an old one's, and ends the adding."""
    new, old = tmp_path / "new.sqlite", tmp_path / "old.sqlite"
    assert run("import", har_file, "--store", new, "--forget-key").code == 0
    run("import", har_file, "--store", old)
    assert run("import", har_file, "--store", old, "--forget-key").code == 0
    assert not list(tmp_path.glob("*.key"))
    done = run("import", har_file, "--store", old)
    assert done.code == 2
    assert "key of" in done.err


def test_a_foreign_file_is_left_as_it_is(har_file: Path, tmp_path: Path) -> None:
    """--store on something else is refused; files that are no captures make no store."""
    letter = tmp_path / "letter"
    letter.write_text("dear")
    done = run("import", har_file, "--store", letter)
    assert (done.code, letter.read_text()) == (2, "dear")
    done = run("import", letter, "--store", tmp_path / "s.sqlite")
    assert done.code == 2
    assert "is no capture of a known format" in done.err
    assert not list(tmp_path.glob("s.sqlite*"))
