"""Hostile traffic through the whole tool: nothing runs, nothing crashes, nothing is lost."""

import contextlib
import csv
import io
import json
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader

from support.browser import needs_chromium
from support.commands import run
from support.devtools import chromium_page
from support.hostile import assert_nothing_ran
from support.proxy import BIN, mitmdump, origin, reply

pytestmark = pytest.mark.e2e

RUN = "document.documentElement.dataset.pwned=1"
PAYLOADS = [
    f"<script>{RUN}</script>".encode(),
    f'"><img src=x onerror={RUN}>'.encode(),
    f"</style><svg/onload={RUN}>".encode(),
    f"javascript:{RUN}".encode(),
    b'=HYPERLINK("http://127.0.0.1/","x")',
    b"+1+cmd|'/C calc'!A0",
    b"@SUM(1,1)",
    b"-2+3",
    b"\x1b]0;pwned\x07\x1b[31mred\x1b[2J",
    b"[red]markup[/red]",
    b"{{7*7}}{% for x in range(9) %}",
    b"\xe2\x80\xaegnp.exe",
    b"\xff\xfe\x80broken",
    b"a\tb;header/forced",
    b"1;header/forced;header/forced",
    b"%00%ff%3cscript%3e",
    b"x" * 1_000_000,
]
TICKET = b"SKs5zIHxUPOghUxku/iafHQNFLUwqey0DB8kN1W1RVlB9USz"
LOL = b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol") for n in range(10)
)
BODIES = [
    b'<!DOCTYPE r [%s]><r session="&l9;"/>' % LOL,
    b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r session="&x;"/>',
    b'<r session="' + b"A" * 1_000_000,
    b"\xff\xfe\x00<\x00r",
    '<?xml version="1.0" encoding="utf-16"?><r session="x"/>'.encode("utf-16"),
    b"\x1f\x8b\x08\x00broken",
    b"<" * 10_000,
    b"",
]


def attack(port: int, payload: bytes, *, as_secret: bool) -> None:
    """One request with the payload wherever HTTP/1.1 lets it stand, and its answer read.

    As a secret it stands in the token and the ticket as well, and is then masked all over.
    """
    word = bytes(c for c in payload if 33 <= c < 127 and c not in b" #?")[:200]
    line = bytes(c for c in payload if c not in b"\r\n\x00")
    head = b"\r\n".join(
        (
            b"GET /API/V3/%s/services/v3/x?_session_token=%s&LangId=%s&%s=1 HTTP/1.1"
            % (word, *((word,) * 3 if as_secret else (b"1", b"1", b"plain"))),
            b"Host: 127.0.0.1",
            b"User-Agent: " + line,
            b"Origin: " + line,
            b"X-LangId: " + (line if as_secret else b"1"),
            b"X-App: " + line,
            b"X-Ticket: " + (line if as_secret else TICKET),
            b"Connection: close",
            b"",
            b"",
        )
    )
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(head)
        with contextlib.suppress(ConnectionError):
            while client.recv(65536):
                pass


def answers():
    """An origin's answers in turn: every payload in every header, every hostile body."""
    turn = iter(range(1_000_000))
    lock = threading.Lock()

    def answer(head: bytes, connection: socket.socket) -> None:
        with lock:
            n = next(turn)
        payload = bytes(c for c in PAYLOADS[n % len(PAYLOADS)] if c not in b"\r\n\x00")
        name = bytes(c for c in payload if chr(c).isalnum())[:40] or b"x"
        headers = [
            b"X-Set-LangId: 1;uriquery/forced",
            b"X-Set-" + name + b": 1;header/forced",
            b"Cache-Control: " + payload,
            b"Access-Control-Expose-Headers: " + payload,
            b"Content-Type: text/xml; charset=" + payload[:100],
            b"Age: " + payload[:50],
        ]
        if b"&plain=1" not in head:
            headers += [b"X-Set-LocId: " + payload + b";header/forced", b"X-Set-Ticket: " + payload]
        if n % 3 == 0:
            headers.append(b"Content-Encoding: gzip")
        connection.sendall(reply(BODIES[n % len(BODIES)], *headers))

    return answer


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A folder with a recording of hostile traffic and the flow file of the same traffic."""
    folder = tmp_path_factory.mktemp("hostile")
    options = ("--set", "statetrail_client_header=X-App", "-w", str(folder / "flows"))
    with (
        origin(answers()) as port,
        mitmdump(folder, f"reverse:http://127.0.0.1:{port}", *options) as proxy,
    ):
        for as_secret in (False, True):
            for payload in PAYLOADS:
                attack(proxy.port, payload, as_secret=as_secret)
        proxy.stop()
    return folder


def statetrail(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line tool in the folder."""
    return subprocess.run(
        [str(BIN / "statetrail"), *arguments],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_no_exchange_is_lost_and_no_error_is_logged(hostile):
    """Every flow that mitmproxy saw is in the store, and the recorder never complained."""
    with (hostile / "flows").open("rb") as file:
        flows = [f.id for f in FlowReader(file).stream() if isinstance(f, HTTPFlow)]
    assert len(flows) >= len(PAYLOADS)
    shown = statetrail(hostile, "show", "recording.sqlite", "exchanges", "--format", "json")
    assert {row["flow_id"] for row in json.loads(shown.stdout)} == set(flows)
    log = (hostile / "mitmdump.log").read_text(errors="replace")
    assert "statetrail:" not in log
    assert "Traceback" not in log


def test_the_flow_file_imports_to_the_same_exchanges(hostile):
    """Import meets the same hostility, and adds nothing to what was recorded live."""
    ran = statetrail(hostile, "import", "flows", "--store", "recording.sqlite")
    assert ran.returncode == 0, ran.stderr
    shown = statetrail(hostile, "show", "recording.sqlite", "exchanges", "--format", "json")
    ids = [row["flow_id"] for row in json.loads(shown.stdout)]
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def reports(hostile) -> Path:
    """The folder, with every form of the report made from the recording."""
    ran = statetrail(
        *(hostile, "audit", "recording.sqlite", "--html", "a.html", "--json", "a.json"),
        *("--md", "a.md", "--junit", "a.xml", "--client-by", "header,user-agent"),
    )
    assert ran.returncode == 0, ran.stderr
    assert b"\x1b" not in ran.stdout
    return hostile


@needs_chromium
@pytest.mark.browser
def test_the_report_runs_nothing_in_a_real_browser(reports):
    """The one script that runs is the report's own, no dialog opens, nothing is fetched."""
    address = (reports / "a.html").as_uri()
    with chromium_page() as page:
        page.open(address)
        assert_nothing_ran(page)
        assert page.fetched() == [address]
        assert page.run("document.querySelectorAll('.finding').length") > 0


@pytest.mark.parametrize(
    "table", ["exchanges", "issued", "presented", "tokens", "rotations", "verdicts", "clients",
              "expiry", "findings"],
)  # fmt: skip
def test_no_table_carries_a_formula_or_a_terminal_escape(hostile, table):
    """CSV opens in a spreadsheet, a table prints to a terminal: both stay what they are."""
    as_csv = run("show", hostile / "recording.sqlite", table, "--format", "csv")
    assert as_csv.code == 0, as_csv.err
    cells = [cell for row in csv.reader(io.StringIO(as_csv.out)) for cell in row]
    for cell in cells:
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
            float(cell)  # a number, or it is a formula
    as_table = run("show", hostile / "recording.sqlite", table)
    assert as_table.code == 0, as_table.err
    assert "\x1b" not in as_table.out
    assert "\x07" not in as_table.out


def test_no_secret_of_the_traffic_is_in_any_artefact(reports):
    """A ticket that every client sent is in nothing but mitmproxy's own flow file."""
    for path in reports.iterdir():
        if path.is_file() and not path.name.endswith(".key"):
            assert (TICKET in path.read_bytes()) == (path.name == "flows"), path.name
