"""`statetrail suggest`: what it writes, where it ends, and what it never says."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from support.commands import run, run_program
from support.hars import entry, har, headers, write_har
from support.leaks import leaks

TOKENS = ("yjipILZBeUWxrFq71", "KmTTqEwpOdSaXcV82", "PoWnEdRtYuIkLmB93")
KEY = "9f86d081884c7d659a2feaa0c55ad015"


def visit(*, name: str = "x-cart-token", agent: str = "shopper/1", start: int = 0) -> list[Any]:
    """A client that is issued three tokens in a field, and sends each twice."""
    made, held = [], None
    for number, token in enumerate(TOKENS):
        for step, sent in enumerate((held, token)):
            fields = [("User-Agent", agent), ("Cookie", "theme=dark")]
            fields += [(name, sent)] if sent else []
            second = start + 4 * number + 2 * step
            made.append(
                entry(
                    "https://shop.example/cart/items",
                    startedDateTime=f"2024-05-01T10:00:{second:02}.000Z",
                    issued=[(name, token)],
                    body="{}",
                    request__headers=headers(*fields),
                )
            )
        held = token
    return made


def test_the_file_is_a_dialect_with_its_evidence(tmp_path: Path) -> None:
    """The parameter, its places and why it is no noise; the file has no value."""
    capture = write_har(tmp_path / "shop.har", *visit())
    done = run("suggest", capture, "--out", tmp_path / "shop.toml")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"wrote {tmp_path / 'shop.toml'}: 1 parameter from 6 exchanges\n"
    text = (tmp_path / "shop.toml").read_text("utf-8")
    declared = tomllib.loads(text)
    assert declared["name"] == "shop"
    (param,) = declared["param"]
    assert param["name"] == "x-cart-token"
    assert param["issue"] == param["present"] == [{"header": "x-cart-token"}]
    assert "# Issued 6 times: header x-cart-token at GET /cart/items." in text
    assert "# Presented 5 times by 1 client: header x-cart-token at GET /cart/items" in text
    assert "# No noise: 3 values, each issued to a client before it was presented" in text


def test_without_a_file_it_goes_to_standard_output(tmp_path: Path) -> None:
    """The same text, to read or to redirect; no progress in a pipe."""
    capture = write_har(tmp_path / "shop.har", *visit())
    done = run_program("suggest", capture)
    assert (done.code, done.err) == (0, "")
    assert tomllib.loads(done.out)["param"][0]["name"] == "x-cart-token"


@pytest.mark.parametrize("name", [f"x-{KEY}", TOKENS[0].lower()], ids=["opaque", "the value"])
def test_a_name_that_may_be_a_secret_is_left_out(name: str, tmp_path: Path) -> None:
    """What is named by a secret is counted and not written."""
    done = run("suggest", write_har(tmp_path / "shop.har", *visit(name=name)))
    assert (done.code, done.out) == (1, "")
    assert "1 pairs of places are left out: their names may hold a secret" in done.err


def test_planted_secrets_are_nowhere(tmp_path: Path) -> None:
    """Not in what is written or printed, nor left on disk, whatever place a secret has."""
    secrets = [*TOKENS, KEY, "anna-4711-secret"]
    more = [
        entry(
            f"https://shop.example/users/anna-4711-secret/{KEY}?{KEY}=1&token={TOKENS[0]}",
            startedDateTime=f"2024-05-01T10:01:{second:02}.000Z",
            issued=[("Set-Cookie", f"{KEY}={TOKENS[2]}"), ("x-cart-token", TOKENS[0])],
            body=json.dumps({KEY: TOKENS[1], "sub": {"token": TOKENS[1]}}),
            response__headers=headers(("Content-Type", "application/json")),
            request__headers=headers(("User-Agent", KEY), ("Cookie", f"{KEY}={TOKENS[1]}")),
            request__method="POST",
            request__postData={"mimeType": "application/json", "text": json.dumps({KEY: KEY})},
        )
        for second in range(0, 12, 2)
    ]
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "shop.har").write_bytes(har(*visit(), *more))
    done = run_program(
        *("suggest", tmp_path / "shop.har", "--out", folder / "shop.toml"), TMPDIR=str(folder)
    )
    assert done.code == 0
    assert [path.name for path in folder.iterdir()] == ["shop.toml"]
    (folder / "printed").write_text(done.out + done.err, "utf-8")
    assert list(leaks(secrets, folder.iterdir())) == []


def test_nothing_to_suggest_is_said(tmp_path: Path) -> None:
    """A capture without state: one line, exit code 1, and no file."""
    capture = write_har(tmp_path / "shop.har", entry(request__headers=headers(("Cookie", "a=b"))))
    done = run("suggest", capture, "--out", tmp_path / "shop.toml")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("statetrail: nothing to suggest: in 1 exchange no value")
    assert not (tmp_path / "shop.toml").exists()


def test_a_sanitised_export_is_told(tmp_path: Path) -> None:
    """A HAR file without any cookie or credential was made without sensitive data."""
    entries = [entry(startedDateTime=f"2024-05-01T10:00:{n:02}Z", body=None) for n in range(6)]
    done = run("suggest", write_har(tmp_path / "shop.har", *entries))
    assert done.code == 1
    assert "no entry has a cookie or a credential" in done.err


def test_what_is_lost_of_a_file_is_told(tmp_path: Path) -> None:
    """A file that ends early is read up to there."""
    whole = har(*visit())
    (tmp_path / "cut.har").write_bytes(whole[: len(whole) - 400])
    done = run("suggest", tmp_path / "cut.har")
    assert done.code == 0
    assert "the file ends early: its first 5 entries could be read" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no.har",), "no.har cannot be read"),
        (("pyproject.toml",), "is no capture of a known format"),
        (("shop.har", "--out", "shop.har"), "is an input of this command"),
    ],
)
def test_misuse_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """A missing or foreign file, and an output over an input: exit code 2."""
    write_har(tmp_path / "shop.har", *visit())
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    done = run("suggest", *(tmp_path / a if "." in a else a for a in arguments))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
