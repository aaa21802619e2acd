"""One visit, captured by many tools: every format shows what the recorder saw live.

The captures are made by ``make formats``.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from statetrail.dialects import select
from statetrail.errors import CaptureError
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.captures import captures_in
from statetrail.ingest.importer import Imported, import_files
from statetrail.ingest.redact.run import redact
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from studies.formats.make import CAPTURES, KEY, facts_of

LIVE: list[list[Any]] = json.loads((CAPTURES / "live.json").read_text())
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark")
MADE = [
    pytest.param(name, marks=[needs_tshark] if name.startswith("tshark") else [])
    for name in sorted(path.name for path in CAPTURES.iterdir() if path.name != "live.json")
]
TIMES = (
    *("request_start_us", "request_end_us", "response_start_us", "response_end_us"),
    *("request_composed_us", "time_error_s"),
)
(TOKEN,) = set(re.findall(rb'session="([A-Za-z0-9]{15})"', (CAPTURES / "zap.txt").read_bytes()))
COPIED = ("burp.xml", "chromium.netlog.json", "mitmproxy.har", "playwright.trace.zip")
# Browsers' own exports leave preflights out.
WITHOUT_PREFLIGHTS = ("playwright.har.zip", "playwright.trace.zip")


def times(store: Path) -> list[tuple[int | None, ...]]:
    """All times of the exchanges in a store."""
    rows = read_store(store).tables["exchanges"].to_pylist()
    return sorted((tuple(row[name] for name in TIMES) for row in rows), key=repr)


def imported(path: Path, folder: Path) -> tuple[Imported, Path]:
    """A capture in a new store, with the key of `live.json`."""
    store = folder / "s.sqlite"
    Path(f"{store}.key").write_bytes(KEY.hex().encode())
    Path(f"{store}.key").chmod(0o600)
    with SqliteStore.create_or_open(store) as opened:
        (done,) = import_files([path], opened, ExtractorConfig(select(), opened.fingerprinter))
    return done, store


@pytest.mark.parametrize("name", MADE)
def test_a_capture_shows_what_was_recorded_live(name: str, tmp_path: Path) -> None:
    """Requests, and the values that were issued and presented in each; once, if imported twice."""
    done, store = imported(CAPTURES / name, tmp_path)
    assert done.problem is None
    kept = [row for row in LIVE if row[0] != "OPTIONS" or name not in WITHOUT_PREFLIGHTS]
    assert facts_of(store) == kept
    again, _ = imported(CAPTURES / name, tmp_path)
    assert (again.exchanges, again.duplicates) == (0, done.exchanges)


@pytest.mark.parametrize("name", MADE)
def test_of_a_torn_capture_the_beginning_is_read(name: str, tmp_path: Path) -> None:
    """What is missing is told, or the file is refused in one line: nothing is lost silently."""
    content = (CAPTURES / name).read_bytes()
    path = tmp_path / "torn"
    path.write_bytes(content[: len(content) * 2 // 3])
    if content.startswith(b"PK"):
        with pytest.raises(CaptureError, match="ends early"):
            captures_in(path)
        return
    done, _ = imported(path, tmp_path)
    assert 3 < done.exchanges < len(LIVE)
    # A message of ZAP's ends with the file: nothing tells that there was more.
    assert name == "zap.txt" or "ends early" in (done.problem or "")


@pytest.mark.parametrize("name", COPIED)
def test_a_redacted_capture_shows_the_same_requests(name: str, tmp_path: Path) -> None:
    """A copy has every exchange with its times, and no token of the visit."""
    copy, again = tmp_path / "copy", tmp_path / "again"
    again.mkdir()
    before, store = imported(CAPTURES / name, tmp_path)
    assert redact(CAPTURES / name, copy, tuple(select()), KEY).exchanges == before.exchanges
    assert TOKEN not in copy.read_bytes()
    assert times(imported(copy, again)[1]) == times(store)


def test_without_tshark_a_packet_capture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaptureError, match="install tshark"):
        captures_in(CAPTURES / "tshark.pcapng")


@needs_tshark
def test_connections_without_keys_are_counted(tmp_path: Path) -> None:
    """What cannot be read is told."""
    path = tmp_path / "sealed.pcapng"
    # The block with the keys has them as text.
    content = (CAPTURES / "tshark.pcapng").read_bytes()
    path.write_bytes(content.replace(b"_SECRET_0 ", b"_UNKNOWN  "))
    done, _ = imported(path, tmp_path)
    assert done.exchanges == 0
    assert "TLS keys are missing" in (done.problem or "")


@needs_tshark
def test_connections_of_quic_are_counted(tmp_path: Path) -> None:
    """The beginnings of two, of aioquic: tshark gives no header fields of HTTP/3."""
    done, _ = imported(Path(__file__).with_name("quic.pcap"), tmp_path)
    assert done.exchanges == 0
    assert "2 connections of QUIC" in (done.problem or "")
