"""Odd captures that recorders, browsers and proxies really write, each read rightly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import statetrail as st
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import Imported, import_files
from statetrail.ingest.redact.run import redact
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.hars import entry, har, headers, write_har
from support.shared import shared

CACHED = "1 entry was skipped (1 answered by the browser's own cache)"
NO_BODIES = (
    "5 of 5 responses in the scope of zest have no body in the file: what they issue there cannot "
    "be seen"
)


@dataclass(frozen=True)
class Case:
    """Files, and what is right: the exchanges added by each file, the verdicts in order.

    `problem` is what the last file's import says was lost, `notes` are those of the exchanges.
    """

    files: tuple[str, ...]
    exchanges: tuple[int, ...]
    verdicts: tuple[str, ...]
    problem: str | None = None
    notes: tuple[str, ...] = ()


HONOURED, IN_FLIGHT = "honoured", "in-flight"
CASES = (
    Case(("01-queued-in-browser.har",), (3,), (HONOURED, IN_FLIGHT)),
    Case(("02-slow-connect-in-browser.har",), (3,), (HONOURED, IN_FLIGHT)),
    # Its first byte is known: that was before the reply began.
    Case(("03-mitmproxy-savehar-connect.har",), (3,), (HONOURED, HONOURED)),
    Case(("04-safari-memory-cache-zest.har",), (4,), (HONOURED,) * 3, CACHED),
    Case(("05-safari-memory-cache-52eseller.har",), (3,), (HONOURED,) * 2, CACHED),
    Case(("07-two-browsers-a.har", "07-two-browsers-b.har"), (3, 2), (HONOURED,) * 3),
    Case(
        ("08-operator-replay.mitm",),
        (5,),
        (HONOURED, HONOURED, "not-applicable", HONOURED),
        notes=("replayed",),
    ),
    Case(
        ("09-whole-seconds.har",),
        (4,),
        (HONOURED, IN_FLIGHT, HONOURED),
        notes=("whole-seconds",) * 4,
    ),
    Case(("10-lf-joined-issue.har",), (2,), (HONOURED,)),
    Case(("12-lf-joined-request.har",), (2,), (HONOURED,)),
    Case(("13-redirect-dictates-url.har",), (4,), (HONOURED, "not-applicable", HONOURED)),
    Case(
        ("14-no-bodies.har",),
        (5,),
        ("foreign",) * 4,
        NO_BODIES,
        notes=("body-unseen,state-unseen:zest",) * 5,
    ),
    Case(
        ("15-no-bodies-size-0.har",),
        (5,),
        ("foreign",) * 4,
        NO_BODIES,
        notes=("body-unseen,state-unseen:zest",) * 5,
    ),
    Case(("16-same-flow-first-incomplete.mitm",), (3,), (HONOURED, HONOURED)),
    Case(("17-export-pending.har", "17-export-complete.har"), (2, 1), (HONOURED, HONOURED)),
    Case(("17-export-complete.har", "17-export-pending.har"), (3, 0), (HONOURED, HONOURED)),
    Case(("18-export-full.har", "18-export-sanitised.har"), (3, 0), (HONOURED, HONOURED)),
    Case(("18-export-sanitised.har", "18-export-full.har"), (3, 0), (HONOURED, HONOURED)),
    Case(("19-base64-still-gzip.har",), (2,), (HONOURED,)),
    Case(("21-flagged-base64-but-plain.har",), (2,), (HONOURED,)),
    Case(("22-mitmproxy-savehar-tls.har",), (2,), (HONOURED,)),
    Case(("23-method-null.har",), (3,), (HONOURED, HONOURED)),
    Case(
        ("24-two-hars-in-one-file.har",),
        (3,),
        (HONOURED, HONOURED),
        "something follows the first JSON document: its first 3 entries could be read, "
        "what follows is lost",
    ),
    Case(("25-utf16.har",), (3,), (HONOURED, HONOURED)),
    Case(("26-mitmproxy.zhar",), (3,), (HONOURED, HONOURED)),
    Case(("27-playwright.har.zip",), (3,), (HONOURED, HONOURED)),
    Case(("28-jsonp.harp",), (3,), (HONOURED, HONOURED)),
    Case(("29-offline.har",), (3,), (HONOURED, HONOURED)),
    Case(
        ("30-redacted-tokens.har",),
        (4,),
        (),
        "a sanitiser has replaced values: 4 exchanges have some, which say nothing",
        notes=("placeholder",) * 4,
    ),
    Case(
        ("31-relative-url.har",),
        (0,),
        (),
        "1 entry was skipped (1 without a readable http(s) URL)",
    ),
    Case(
        ("32-newer-flow-format.mitm",),
        (0,),
        (),
        "2 entries were skipped (2 written by a newer mitmproxy: format 99)",
    ),
    Case(("34-state-in-103.har",), (3,), (HONOURED, HONOURED)),
)


def imported(folder: Path, *files: str) -> tuple[list[Imported], st.Recording]:
    """The files' imports into one store, and its recording."""
    with SqliteStore.create_or_open(folder / "s.sqlite") as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        paths = [shared("cases/captures") / name for name in files]
        done = import_files(paths, store, config)
    return done, st.open(folder / "s.sqlite", engine="pandas")


def rows(frame: st.Frame, order: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    found: list[dict[str, Any]] = frame.to_pandas().sort_values(order).to_dict("records")
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.files[0].partition(".")[0])
def test_an_odd_capture_is_read_rightly(case: Case, tmp_path: Path) -> None:
    """Every exchange is there once, nobody is blamed, and what is missing is told."""
    done, rec = imported(tmp_path, *case.files)
    assert tuple(each.exchanges for each in done) == case.exchanges
    assert done[-1].problem == case.problem
    verdicts = rows(st.verdicts(rec), "exchange_id")
    assert tuple(row["verdict"] for row in verdicts) == case.verdicts
    assert not any(row["fault"] for row in verdicts)
    exchanges = rows(rec.exchanges, "exchange_id")
    assert tuple(row["notes"] for row in exchanges if row["notes"]) == case.notes


def test_a_report_does_not_speak_of_tokens_in_bodies_that_are_missing(tmp_path: Path) -> None:
    """It says that they are missing, and draws no conclusion from values not seen to be issued."""
    _, rec = imported(tmp_path, "14-no-bodies.har")
    text = st.audit(rec).to_markdown()
    assert NO_BODIES in text
    assert "No token was used again" not in text
    assert "left-truncated" not in {row["rule"] for row in rows(st.findings(rec), "rule")}


def test_a_placeholder_is_no_token(tmp_path: Path) -> None:
    """Nothing is said of lifetimes or strength, nor that a token is in the URL."""
    _, rec = imported(tmp_path, "30-redacted-tokens.har")
    assert rows(st.findings(rec), "rule") == []
    assert rows(st.tokens(rec), "fingerprint") == []


def test_a_sanitised_token_is_not_held_against_its_client(tmp_path: Path) -> None:
    """The token was issued in clear, and the requests with it were sanitised."""
    token, hidden = '<ResultSet session="tok-0123456789ab"/>', "%5BREDACTED%5D"
    shop = "https://shop.example/API/V3/Cart?_session_token="
    entries = [entry(f"{shop}1", body=token)] + [
        entry(f"{shop}{hidden}", body=None, startedDateTime=f"2024-05-01T10:0{n}:00.000Z")
        for n in range(1, 4)
    ]
    with SqliteStore.create_or_open(tmp_path / "s.sqlite") as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        import_files([write_har(tmp_path / "x.har", *entries)], store, config)
    verdicts = rows(st.verdicts(st.open(tmp_path / "s.sqlite", engine="pandas")), "exchange_id")
    assert [row["verdict"] for row in verdicts] == ["not-applicable"] * 3


@pytest.mark.parametrize("creator", ["WebInspector", "mitmproxy"])
@pytest.mark.parametrize("cookies", [(), (("Cookie", "sid=1"),)], ids=["no cookie", "a cookie"])
def test_a_browsers_sanitised_export_is_told(
    creator: str, cookies: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    """Chrome leaves cookies and credentials out unless it is asked for them."""
    fields = headers(("User-Agent", "x"), *cookies)
    entries = [entry(f"https://h{n}.example/", request__headers=fields) for n in range(5)]
    path = tmp_path / "x.har"
    path.write_bytes(har(*entries, creator={"name": creator, "version": "1"}))
    with SqliteStore.create_or_open(tmp_path / "s.sqlite") as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        (done,) = import_files([path], store, config)
    told = "sanitised export" in (done.problem or "")
    assert told == (creator == "WebInspector" and not cookies)


@pytest.mark.parametrize(
    ("name", "exchanges", "secrets"),
    [
        ("35-redact-gz.har.gz", 3, ()),
        ("36-redact-cookie-is-origin.har", 3, ()),
        ("38-redact-authority.har", 3, ()),
        ("39-redact-lf-joined-set-cookie.har", 1, (b"Vb37", b"Kq81")),
        ("40-redact-nameless-and-comma-cookie.har", 2, (b"Vb37", b"Kq81", b"PwRt55")),
        ("41-redact-control-character.har", 1, ()),
        ("42-redact-cookie-is-json-key.har", 1, ()),
    ],
)
def test_a_redacted_copy_is_read_as_a_whole(
    name: str, exchanges: int, secrets: tuple[bytes, ...], tmp_path: Path
) -> None:
    """Every exchange comes back with its response, and no cookie is in the copy."""
    redact(shared("cases/captures") / name, tmp_path / "copy", select(), bytes(32))
    assert not [secret for secret in secrets if secret in (tmp_path / "copy").read_bytes()]
    with SqliteStore.create_or_open(tmp_path / "s.sqlite") as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        (done,) = import_files([tmp_path / "copy"], store, config)
    assert (done.exchanges, done.problem) == (exchanges, None)
    found = read_store(tmp_path / "s.sqlite").table("exchanges")
    # Where a cookie holds the address, it is a secret.
    assert (set(found["host"].to_pylist()) == {"shop.example"}) == (not name.startswith("36"))
    assert set(found["status"].to_pylist()) == {200}


def test_equal_fields_are_one_issue(tmp_path: Path) -> None:
    """Fields that were joined by a line feed are several; a copy says nothing new."""
    _, rec = imported(tmp_path, "10-lf-joined-issue.har")
    assert rows(st.findings(rec), "rule") == []
