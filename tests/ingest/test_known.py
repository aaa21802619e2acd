"""Exchanges found again: those of other clients at the same moment are none of them."""

import json
from pathlib import Path
from typing import Any

import pytest

import statetrail as st
from support.commands import run

TOKENS = ("Qx7Tz2Lm9KpR4sVb", "Wd5Yf8Nc3JhG6tBm")


def har(path: Path, agent: str, token: str) -> Path:
    """A file with one exchange, of a whole second, whose answer issues a token."""
    text = f'<ResultSet session="{token}"/>'
    entry: dict[str, Any] = {
        "startedDateTime": "2026-03-02T09:00:00Z",
        "time": 40,
        "timings": {"send": 1, "wait": 35, "receive": 4},
        "request": {
            "method": "POST",
            "url": "https://shop.example/shop/API/V3/Cart",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "User-Agent", "value": agent}],
        },
        "response": {
            "status": 200,
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": "text/xml"}],
            "content": {"size": len(text), "mimeType": "text/xml", "text": text},
        },
    }
    log = {"version": "1.2", "creator": {"name": "s", "version": "1"}, "entries": [entry]}
    path.write_text(json.dumps({"log": log}), "utf-8")
    return path


@pytest.mark.parametrize(
    ("second", "exchanges"),
    [
        (("till/1.0", TOKENS[0]), 1),
        (("scanner/1.0", TOKENS[0]), 2),
        (("till/1.0", TOKENS[1]), 2),
    ],
    ids=["found again", "another client", "another session"],
)
def test_what_is_found_again_has_the_same_client_and_values(
    tmp_path: Path, second: tuple[str, str], exchanges: int
) -> None:
    """Two files with an exchange of the same second, method, address, status and duration."""
    first = har(tmp_path / "a.har", "till/1.0", TOKENS[0])
    other = har(tmp_path / "b.har", *second)
    for _ in range(2):
        run("import", first, other, "--store", tmp_path / "s.sqlite")
        rec = st.open(tmp_path / "s.sqlite")
        assert len(rec.exchanges) == exchanges
        assert len({row["source"] for row in rec.exchanges.rows()}) == exchanges
