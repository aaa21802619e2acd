"""A TOML file with every key of the grammar: it loads, it reads traffic, it is explained.

What may not stand beside other keys has a file of its own below: `tells`, which a scope with paths
does not ask, and `store`, which is of cookies.
"""

import tomllib
from collections.abc import Iterator
from copy import replace
from pathlib import Path
from typing import Any, Final

import pytest

import statetrail
from statetrail.dialects import Dialect, Family, Param, Scope, load
from statetrail.dialects.declarations import Refusal, Text
from statetrail.dialects.explanation import explain
from statetrail.dialects.mistakes import mistakes
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange
from statetrail.recording.frames import open_recording
from statetrail.store.sqlite import SqliteStore
from support.histories import FINGERPRINTER
from support.traffic import AT, exchange, texts

FILE: Final = Path(__file__).with_name("every_key.toml")
BROWSER: Final = """\
name = "jar"
title = "Cookies of a shop"
[scope]
realm = "site"
[family]
issue = [{ cookie = "{param}", tells = true }]
present = [{ cookie = "{param}" }]
store = "browser"
"""
HTML: Final = {"Content-Type": "text/html"}
JSON: Final = {"Content-Type": "application/json"}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def keys(struct: Any) -> set[str]:
    """The keys that a struct has in TOML."""
    return set(struct.__struct_encode_fields__)


def used(tables: list[dict[str, Any]]) -> set[str]:
    return {key for table in tables for key in table}


def places(dialect: dict[str, Any], which: str) -> list[dict[str, Any]]:
    return [
        place
        for each in (dialect["family"], *dialect.get("param", ()))
        for place in each.get(which, ())
    ]


def missing(*files: str) -> Iterator[tuple[str, set[str]]]:
    """The keys of the grammar that none of the files has, by table."""
    dialects = [tomllib.loads(text) for text in files]
    params = [param for each in dialects for param in each.get("param", ())]
    refusals = [refusal for param in params for refusal in param.get("refused", ())]
    found = [value for refusal in refusals for value in refusal.values() if isinstance(value, dict)]
    yield "dialect", keys(Dialect) - used(dialects)
    yield "scope", keys(Scope) - used([each["scope"] for each in dialects])
    yield "family", keys(Family) - used([each["family"] for each in dialects])
    yield "param", keys(Param) - used(params)
    yield "refusal", keys(Refusal) - used(refusals)
    yield "text", keys(Text) - used(found)
    for which, known in (("issue", ISSUE_PLACES), ("present", PRESENT_PLACES)):
        declared = [place for each in dialects for place in places(each, which)]
        # Further keys are those of every place: one place with each is enough.
        every = {key for place in known.values() for key in keys(place)}
        yield which, every - used(declared)


def test_no_key_is_missing() -> None:
    """A new key of the grammar has to be in the file."""
    assert {table: absent for table, absent in missing(FILE.read_text(), BROWSER) if absent} == {}


def test_it_is_without_mistakes() -> None:
    """Every key has its effect."""
    assert mistakes(load(FILE)) == []


def asked(*args: Any, sent: bytes = b"", **kwargs: Any) -> Exchange:
    """An exchange whose request has a body."""
    made = exchange(*args, **kwargs)
    return replace(made, request=replace(made.request, body=sent))


EXCHANGES: Final = [
    asked(
        "/shop/basket;sid=a1?SID=b2",
        asked={"Cookie": "sid=c3", "X-Lang": "de", "Authorization": "Shop tok-1"},
        answered=HTML
        | {"Set-Cookie": "sid=d4; Max-Age=60", "X-Give-Lang": "fr;header/forced"}
        | {"Location": "/shop/x;sid=e5"},
        body=b"<input name=proof value='p1.s1'><meta name=lang content=it>"
        b"<script>var proof = 'cDI%3D';</script>",
        flow_id="1",
    ),
    asked(
        "/shop/form/1", method="POST", asked=FORM, body=b"<r session='f6'/>",
        sent=b"proof=p1.s1", flow_id="2", at=AT + 2_000_000,
    ),
    asked(
        "/shop/token", method="POST", asked=JSON, answered={**JSON, "X-Token": "v=1; t=tok-2; x"},
        sent=b'{"auth": {"token": "tok-1"}}', flow_id="3", at=AT + 4_000_000,
        body=b'{"token": "tok-3", "expires_in": 900}',
    ),
    asked(
        "/shop/basket", status=401, asked={"Cookie": "sid=d4"}, flow_id="4", at=AT + 6_000_000,
        answered={"WWW-Authenticate": "Shop error=expired"},
    ),
    asked("/blog", asked={"Cookie": "sid=d4"}, flow_id="5", at=AT + 8_000_000),
]  # fmt: skip


def test_it_reads_traffic() -> None:
    """Every place is read, under its conditions; what is out of scope is not."""
    config = ExtractorConfig((load(FILE),), FINGERPRINTER)
    facts = [extract(each, config) for each in EXCHANGES]
    assert [each.exchange.dialects for each in facts] == ["every"] * 4 + [""]
    assert facts[3].exchange.refused == "every:Session"
    presented = {(p.param, p.channel) for each in facts for p in each.presented}
    assert presented == {
        *(("Session", channel) for channel in ("cookie", "path", "uriquery")),
        *(("Lang", "header"), ("Token", "header"), ("Token", "json"), ("Proof", "form")),
    }
    issued = {(i.param, i.channel, i.declared_s) for each in facts for i in each.issued}
    assert issued == {
        *(("Session", "cookie", 60), ("Session", "location", None), ("Session", "body", None)),
        *(("Proof", "html", 3600), ("Proof", "script", 3600), ("Lang", "header", 3600)),
        *(("Lang", "html", 60), ("Token", "json", 900), ("Token", "header", 3600)),
    }
    assert not {"a1", "tok-1", "tok-3", "p1.s1"} & set(texts(facts[0]) + texts(facts[2]))


@pytest.mark.parametrize("text", [FILE.read_text(), BROWSER], ids=["every", "browser"])
def test_it_is_judged_and_explained(tmp_path: Path, text: str) -> None:
    """The verdicts of that traffic are computed; each parameter is explained."""
    path = tmp_path / "own.toml"
    path.write_text(text)
    dialect = load(path)
    with SqliteStore.create_or_open(tmp_path / "s.sqlite") as store:
        config = ExtractorConfig((dialect,), store.fingerprinter)
        store.append_many([extract(each, config) for each in EXCHANGES])
    rec = open_recording(tmp_path / "s.sqlite", dialects=[dialect])
    verdicts = {(row["param"], row["verdict"]) for row in statetrail.verdicts(rec).rows()}
    assert verdicts
    explained = explain(dialect)
    assert len(explained.params) == max(len(dialect.params), 1)
    assert all(row[1] for param in explained.params for row in param.rows)
