"""Odd captures that recorders, browsers and proxies really write, each read rightly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import statetrail as st
from statetrail.dialects import select
from statetrail.extract import ExtractorConfig
from statetrail.ingest.importer import Imported, import_files
from statetrail.store import SqliteStore
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
    Case(("29-offline.har",), (3,), (HONOURED, HONOURED)),
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
