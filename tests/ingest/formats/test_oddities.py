"""What is odd in captures of single formats: read as what it is, or counted with a reason."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from statetrail.errors import CaptureError
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.captures import captures_in
from statetrail.ingest.messages import message_of, response_of_raw
from statetrail.ingest.skipped import ReadReport
from studies.formats.make import CAPTURES

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(path: Path) -> tuple[list[Exchange], dict[str, int]]:
    """The exchanges of a capture, and what was skipped."""
    report, exchanges = ReadReport(), []
    for found in captures_in(path):
        with found.open() as source:
            exchanges += found.format.exchanges(source, report, Fingerprinter(bytes(16)))
    return exchanges, dict(report.skipped)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (CHUNKED + b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n", b"abcde"),
        (CHUNKED + b"3\r\nabc\r\n9\r\nde", b"abcde"),
        (CHUNKED + b"abc\r\nplain", b"abc\r\nplain"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nA: b\n\nx", b"x"),
    ],
    ids=["chunks", "cut short", "unpacked by the proxy", "informational before"],
)  # fmt: skip
def test_a_raw_response_has_its_content(raw: bytes, body: bytes) -> None:
    """Whether the proxy has taken the transfer coding off or not."""
    received = response_of_raw(raw)
    assert received is not None
    assert (received[0], received[2]) == (200, body)


def test_folded_fields_are_one() -> None:
    """As RFC 9112 (5.2) has it."""
    assert message_of(b"GET / HTTP/1.1\r\nA: b\r\n  c\r\n\r\n").fields == ((b"A", b"b c"),)


def burp(*items: str) -> str:
    """A Burp export."""
    return f'<?xml version="1.0"?><items burpVersion="1">{"".join(items)}</items>'


def item(time: str, request: bytes, response: str = "") -> str:
    """An item of one."""
    return (
        f"<item><time>{time}</time><host>shop.example</host><port>443</port>"
        f"<protocol>https</protocol><request base64='true'>{base64.b64encode(request).decode()}"
        f"</request><response base64='false'>{response}</response></item>"
    )


GET = b"GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def test_burp_s_times_have_a_zone_and_may_be_missing(tmp_path: Path) -> None:
    """Java's zero is no time, and a file's entities are not resolved."""
    path = tmp_path / "x"
    path.write_text(
        burp(
            item("Mon Mar 02 10:00:05 CET 2026", GET, "HTTP/1.1 204 No\n\n"),
            item("Mon Mar 02 09:00:05 GMT+00:00 2026", GET),
            item("Thu Jan 01 01:00:00 GMT 1970", GET),
            item("yesterday", GET),
            item("Mon Mar 02 09:00:05 UTC 2026", b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n"),
            item("Mon Mar 02 09:00:05 UTC 2026", b"\x16\x03\x01"),
        )
    )
    (first, second), skipped = read(path)
    assert first.request.start_us == second.request.start_us == 1_772_442_005_000_000
    assert (first.response and first.response.status, second.error) == (204, "no-response")
    assert skipped == {"start": 2, "other": 1, "unreadable": 1}
    evil = '<!DOCTYPE items [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "&a;&a;">]>'
    path.write_text(evil + burp(item("&b;", GET)).partition("?>")[2])
    assert read(path)[0] == []


def test_a_message_of_zap_s_without_a_date_has_the_time_before(tmp_path: Path) -> None:
    """Without any time before it, it is none."""
    path, get = tmp_path / "x", "GET http://shop.example/x HTTP/1.1\r\n\r\n"
    dated = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Mar 2026 09:00:05 GMT\r\n\r\n==== 9 ==\r\n"
    path.write_text(
        f"==== 1 ==========\r\n{get}\r\n==== 2 ==========\r\n{get}\r\n{dated}"
        f"==== 3 ==========\r\n{get}\r\n",
        newline="",
    )
    (second, third), skipped = read(path)
    assert skipped == {"start": 1}
    assert second.request.start_us == third.request.start_us == 1_772_442_005_000_000
    assert "times-by-date" in third.notes


@pytest.mark.parametrize("name", ["burp.xml", "charles.chlsj", "chromium.netlog.json", "zap.txt"])
def test_a_torn_export_is_told(name: str, tmp_path: Path) -> None:
    """Wherever it ends, what is missing is not missing without a word."""
    whole, path = (CAPTURES / name).read_bytes(), tmp_path / "x"
    for cut in range(len(whole) // 3, len(whole) - 1, len(whole) // 5):
        path.write_bytes(whole[:cut])
        (found,), report = captures_in(path), ReadReport()
        with found.open() as source:
            exchanges = list(found.format.exchanges(source, report, None))
        assert len(exchanges) < 24
        assert report.truncation in ("ends", "broken")


def test_a_member_of_an_unreadable_name_is_none(tmp_path: Path) -> None:
    """The name stands twice in a zip file, and may be damaged in one place."""
    path, file = tmp_path / "x.zip", io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("\u00e9.har", '{"log":{"entries":[]}}')
    path.write_bytes(file.getvalue().replace("\u00e9".encode(), b"\xdd\xdd", 1))
    with pytest.raises(CaptureError, match="without a capture"):
        captures_in(path)


def test_a_session_of_fiddler_s_may_lack_a_part(tmp_path: Path) -> None:
    """A tunnel is none, a client's address is one, and paths have the host's address."""
    path, file = tmp_path / "x.saz", io.BytesIO()
    meta = '<Session><SessionTimers ClientBeginRequest="2026-03-02T09:00:05.1234567Z"/><SessionFlags><SessionFlag N="x-clientIP" V="{}"/></SessionFlags></Session>'  # noqa: E501
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("raw/2_c.txt", GET)
        archive.writestr("raw/2_m.xml", meta.format("::ffff:192.0.2.7"))
        archive.writestr("raw\\10_c.txt", GET)
        archive.writestr("raw\\10_m.xml", meta.format("nobody's"))
        archive.writestr("raw/3_c.txt", b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n")
        archive.writestr("raw/3_m.xml", meta.format(""))
        archive.writestr("raw/4_c.txt", GET)
        archive.writestr("raw/4_m.xml", "<Session")
    path.write_bytes(file.getvalue())
    exchanges, skipped = read(path)
    assert [each.request.peer for each in exchanges] == ["192.0.2.7", None]
    assert [each.request.host for each in exchanges] == ["shop.example"] * 2
    assert skipped == {"other": 1, "start": 1}


def netlog(change: dict[str, Any]) -> str:
    """Chromium's log with other parameters of its events."""
    document = json.loads((CAPTURES / "chromium.netlog.json").read_text())
    for event in document["events"]:
        event["params"] = event.get("params", {}) | {
            name: value for name, value in change.items() if name in event.get("params", {})
        }
    return json.dumps(document)


def test_a_netlog_of_another_mode_says_what_was_taken_out(tmp_path: Path) -> None:
    """Stripped credentials are no values, and missing bodies are noted."""
    path = tmp_path / "x"
    stripped = ["HTTP/1.1 200", "set-cookie: [17 bytes were stripped]", "x-a: b"]
    path.write_text(netlog({"headers": stripped, "bytes": None}))
    exchanges, _ = read(path)
    assert {each.response.headers for each in exchanges if each.response} == {((b"x-a", b"b"),)}
    notes = [set(each.notes) for each in exchanges]
    assert all("credentials-unseen" in each for each in notes)
    assert sum("body-unseen" in each for each in notes) > 10


def test_what_is_no_transaction_of_charles_is_counted(tmp_path: Path) -> None:
    """Each with a reason."""
    path = tmp_path / "x"
    (entry, *_) = json.loads((CAPTURES / "charles.chlsj").read_text())
    lone = json.dumps(entry | {"path": "/?"}).replace("/?", "/\\ud800")
    others = [
        entry | {"tunnel": True},
        entry | {"times": {}},
        entry | {"scheme": "ftp"},
        entry | {"clientAddress": "<b>", "status": "FAILED", "response": None},
        [],
    ]
    path.write_text("[" + ",".join([lone, *map(json.dumps, others)]) + "]")
    (first, failed), skipped = read(path)
    assert first.request.peer == "127.0.0.1"
    assert (failed.request.peer, failed.error) == (None, "no-response")
    assert skipped == {"other": 1, "start": 1, "url": 1, "large": 1}
