"""`statetrail dialect`: list, explain, check, try, schema."""

import json
import re
from pathlib import Path

import pytest

from statetrail.dialects import builtin
from support.commands import on_terminal, run
from support.hars import entry, headers, write_har

SECRET = "yjipILZBeUWxrFqRT-0123"
OWN = """\
name = "own"
title = "A shop of our own"
[scope]
paths = ["/own/**"]
[[param]]
name = "Key"
minted = true
issue = [{ header = "x-key" }]
present = [{ header = "x-key" }, { query = "key" }]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A dialect of a user's own."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def test_the_list_has_every_built_in_dialect() -> None:
    """With title, parameters and places."""
    lines = run("dialect", "list").out.splitlines()
    assert len(lines) == 1 + len(builtin())
    (zest,) = [line for line in lines if line.startswith("zest ")]
    assert zest.split("  ")[-1] == "body, uriquery"
    assert "_session_token" in zest


@pytest.mark.parametrize("arguments", [("list",), ("explain", "all")], ids=["list", "explain"])
def test_it_fits_a_terminal_of_80_columns(arguments: tuple[str, ...]) -> None:
    """No line is longer, and no name of a dialect is broken."""
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(80, "dialect", *arguments))
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
    assert all(name in shown for name in builtin())


def test_a_dialect_is_explained_in_plain_words() -> None:
    """Where, who, until when, what is a fault; sessions and references."""
    out = run("dialect", "explain", "woocommerce").out
    for text in (
        "requests for `**/wc/store/**`",
        "named by the value of `Cart-Token`",
        "the header field `x-wc-store-api-nonce`",
        "not by a request that presents `Cart-Token`",
        "a newer value that was issued to the same client",
        "with the member `/code` that matches `_nonce$`",
        "StoreApi/Routes/V1/AbstractCartRoute.php",
    ):
        assert text in out


def test_check_names_every_mistake(own: Path, tmp_path: Path) -> None:
    """A file that is fine, one that does not load, and one whose keys have no effect."""
    broken, idle = tmp_path / "broken.toml", tmp_path / "idle.toml"
    broken.write_text(OWN.replace("minted = true", "minted = 1"))
    idle.write_text(OWN.replace("minted = true", 'restart = "fault"\nmethods = ["post"]'))
    assert run("dialect", "check", own).out == f"{own}: fine\n"
    done = run("dialect", "check", own, broken, idle)
    assert (done.code, done.out) == (2, f"{own}: fine\n")
    assert done.err.splitlines() == [
        f"statetrail: {broken}, line 7: param[0].minted: wrong type: write true or false, not int",
        f"statetrail: {idle}, line 7: param[0].restart: has no effect without `establish`: add it",
        (
            f"statetrail: {idle}, line 8: param[0].methods: 'post' is no method: "
            "write it in capitals, e.g. 'POST'"
        ),
    ]


def test_try_tells_what_a_dialect_sees(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values by place, requests in scope, verdicts; no value, and nothing stays."""
    scratch, work = tmp_path / "scratch", tmp_path / "work"
    scratch.mkdir()
    work.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.chdir(work)
    capture = tmp_path / "x.har"
    write_har(
        capture,
        entry("https://shop.example/own/login", issued=[("X-Key", SECRET)]),
        entry(
            "https://shop.example/own/cart",
            startedDateTime="2024-05-01T10:00:10.000Z",
            request__headers=headers(("X-Key", SECRET), ("User-Agent", "shopper/1")),
        ),
        entry(f"https://shop.example/own/x?key={SECRET}", startedDateTime="2024-05-01T10:00:20Z"),
        entry("https://shop.example/own/y", startedDateTime="2024-05-01T10:00:30Z"),
        entry("https://shop.example/blog", startedDateTime="2024-05-01T10:00:40Z"),
    )
    done = run("dialect", "try", own, capture)
    assert (done.code, done.err) == (0, "")
    rows = [line.split() for line in done.out.splitlines()]
    assert done.out.startswith("own: 4 of 5 requests in scope\n")
    assert [row[1] for row in rows if row[0] == "Key"][:3] == ["issued", "presented", "presented"]
    assert [row[-2:] for row in rows if row[0] == "Key"][:3] == [["1", "1"]] * 3
    assert ["Key", "omitted", "yes", "1"] in rows
    assert SECRET not in done.out
    assert list(work.iterdir()) == []
    assert list(scratch.iterdir()) == []


def test_try_takes_one_dialect(tmp_path: Path) -> None:
    """And captures that are some."""
    write_har(tmp_path / "x.har", entry())
    done = run("dialect", "try", "all", tmp_path / "x.har")
    assert (done.code, done.err.count("\n")) == (2, 1)
    missing = run("dialect", "try", "zest", tmp_path / "y.har")
    assert (missing.code, "No such file" in missing.err) == (2, True)


def test_the_schema_is_json() -> None:
    """For an editor, from the command line."""
    schema = json.loads(run("dialect", "schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["name", "title"]


@pytest.mark.parametrize("name", ["list", "explain", "check", "try", "schema"])
def test_every_subcommand_explains_itself_with_examples(name: str) -> None:
    """--help names its purpose and shows how it is used."""
    done = run("dialect", name, "--help")
    assert done.code == 0
    assert f"statetrail dialect {name}" in done.out
    assert "Example" in done.out
