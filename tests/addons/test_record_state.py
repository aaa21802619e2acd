"""The recorder in a real mitmdump, over real sockets."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time

import httpx
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from mitmproxy.test import taddons, tflow

from statetrail.store.connection import connect
from statetrail.store.reader import read_store
from statetrail_addons import record_state
from statetrail_addons.record_state import RecordState
from support.certificates import certificate
from support.proxy import (
    BIN,
    SCRIPT,
    Mitmdump,
    free_port,
    listens,
    mitmdump,
    origin,
    reply,
    wait_for,
)

pytestmark = pytest.mark.e2e

TOKEN = "yjipILZBeUWxrFq"  # the protocol text's own sample
BODY = f'<?xml version="1.0"?><ResultSet session="{TOKEN}" xmlns="http://www.zeald.com"/></xml>'
STATE = (b"X-Set-LangId: 1;uriquery/informational", b"X-Set-Ticket: SKs5z/+=;header/forced")
PATH = "/API/V3/Cart"


def shop(_head: bytes, connection: socket.socket) -> None:
    """Answers everything with a token and two state headers."""
    connection.sendall(reply(BODY.encode(), *STATE))


def fetch(proxy: Mitmdump, path: str = PATH, **options) -> httpx.Response:
    """A request over plain HTTP/1.1 to the reverse proxy."""
    return httpx.get(f"http://127.0.0.1:{proxy.port}{path}", timeout=30, **options)


def recorded_params(proxy: Mitmdump) -> dict[str, list[str]]:
    """The parameters issued and presented, in order."""
    return {
        table: [
            r["param"] for r in proxy.rows(f"SELECT * FROM {table} ORDER BY exchange_id, ordinal")
        ]
        for table in ("issued", "presented")
    }


def test_an_exchange_is_in_the_store_when_its_response_arrives_and_after_a_kill(tmp_path):
    """Committed before the response is released: readable while recording, and after kill -9."""
    with origin(shop) as port, mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}") as proxy:
        for count in (1, 2, 3):
            answer = fetch(
                proxy, f"{PATH}?_session_token={TOKEN}", headers={"X-Ticket": "SKs5z/+="}
            )
            assert answer.text == BODY
            assert len(proxy.rows()) == count
        proxy.kill()
        assert recorded_params(proxy) == {
            "issued": ["_session_token", "LangId", "Ticket"] * 3,
            "presented": ["_session_token", "Ticket"] * 3,
        }
        (row, *_) = proxy.rows()
        assert (row["method"], row["host"], row["port"]) == ("GET", "127.0.0.1", port)
        assert (row["path"], row["status"], row["error"]) == (PATH, 200, None)
        assert row["peer"] == "127.0.0.1"
        assert row["user_agent"].startswith("python-httpx/")
        assert row["request_start_us"] <= row["response_start_us"] <= row["response_end_us"]
        facts = read_store(proxy.store)
        assert facts.tables["exchanges"].num_rows == 3
        assert facts.tables["captures"]["exchanges"].to_pylist() == [3]
    with origin(shop) as port, mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}") as proxy:
        fetch(proxy)
        assert len(proxy.rows()) == 4  # recording continues into the same store, with its key
        assert len({r["fingerprint"] for r in proxy.rows("SELECT * FROM issued")}) == 3


def test_the_heads_are_recorded_as_they_were_sent(tmp_path):
    """What mitmproxy's own addons change on the way is not held against the client."""
    with (
        origin(shop) as port,
        mitmdump(
            *(tmp_path, "regular", "--modify-headers", "/~q/X-Ticket/other"),
            *("--modify-headers", "/~s/X-Set-Ticket/none"),
        ) as proxy,
    ):
        answer = _through(proxy, f"http://127.0.0.1:{port}{PATH}", {"X-Ticket": "SKs5z/+="})
        assert answer.status_code == 200
        issued = {r["param"]: r["fingerprint"] for r in proxy.rows("SELECT * FROM issued")}
        (presented,) = proxy.rows("SELECT * FROM presented")
        assert presented["fingerprint"] == issued["Ticket"]


def _through(proxy: Mitmdump, url: str, headers: dict[str, str]) -> httpx.Response:
    """A request through the regular proxy."""
    with httpx.Client(proxy=f"http://127.0.0.1:{proxy.port}", trust_env=False) as client:
        return client.get(url, headers=headers, timeout=30)


def test_http2_on_both_sides_is_recorded(tmp_path):
    """HTTP/2 with TLS from the client and to the origin, lower-case header names and all."""
    key, cert = certificate(tmp_path)

    async def app(scope, _receive, send):
        assert scope["type"] in ("http", "lifespan")
        if scope["type"] == "http":
            state = [(name.lower().encode(), value.encode()) for name, value in (
                ("X-Set-LangId", "1;uriquery/informational"),
                ("Content-Encoding", "gzip"),
                ("X-Seen-Version", scope["http_version"]),
            )]  # fmt: skip
            await send({"type": "http.response.start", "status": 200, "headers": state})
            await send({"type": "http.response.body", "body": gzip.compress(BODY.encode())})

    port = free_port()
    config = Config.from_mapping(
        bind=[f"127.0.0.1:{port}"], keyfile=str(key), certfile=str(cert), errorlog=None
    )
    with (
        _serving(app, config, port),
        mitmdump(tmp_path, f"reverse:https://127.0.0.1:{port}", "--ssl-insecure") as proxy,
    ):
        context = ssl.create_default_context(
            cafile=tmp_path / "mitmproxy" / "mitmproxy-ca-cert.pem"
        )
        context.check_hostname = False
        with httpx.Client(http2=True, verify=context, timeout=30, trust_env=False) as client:
            url = f"https://127.0.0.1:{proxy.port}{PATH}?_session_token={TOKEN}&langid=1"
            answers = [client.get(url) for _ in range(2)]
        assert {a.http_version for a in answers} == {"HTTP/2"}
        assert {a.headers["x-seen-version"] for a in answers} == {"2"}
        assert answers[0].text == BODY
        assert [r["http_version"] for r in proxy.wait_rows(2)] == ["HTTP/2.0"] * 2
        assert recorded_params(proxy) == {
            "issued": ["_session_token", "LangId"] * 2,
            "presented": ["_session_token", "LangId"] * 2,
        }


def test_streamed_bodies_give_their_token_and_pass_untouched(tmp_path):
    """A body that mitmproxy streams, of known or unknown length, is sniffed and not changed."""
    filler = b"<!-- %s -->" % (b"x" * 300_000)
    body = BODY.encode() + filler

    def answer(head: bytes, connection: socket.socket) -> None:
        if b"chunked" in head.split(b"\r\n")[0]:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 50_000):
                chunk = body[at : at + 50_000]
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.sendall(reply(body))

    options = ("--set", "stream_large_bodies=100k")
    with (
        origin(answer) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *options) as proxy,
    ):
        assert fetch(proxy).content == body
        assert fetch(proxy, PATH + "?chunked").content == body
        rows = proxy.wait_rows(2)
        assert [r["notes"] for r in rows] == ["", ""]
        assert recorded_params(proxy)["issued"] == ["_session_token"] * 2


def test_what_does_not_complete_is_an_exchange_with_an_error(tmp_path):
    """No response, a response cut short (buffered or streamed), an origin that is not there."""

    def answer(head: bytes, connection: socket.socket) -> None:
        if b"/cut" in head:
            full = reply(BODY.encode() + b"x" * 200_000, *STATE)
            connection.sendall(full[:100_000])
            time.sleep(0.2)

    options = ("--set", "stream_large_bodies=150k")
    with (
        origin(answer) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *options) as proxy,
    ):
        for path in (f"{PATH}/none", f"{PATH}/cut"):
            with contextlib.suppress(httpx.HTTPError):
                fetch(proxy, path)
        none, cut = proxy.wait_rows(2)
        assert (none["status"], none["error"]) == (None, "server-disconnected")
        assert (cut["status"], cut["response_end_us"]) == (200, None)
        assert cut["error"] == "server-disconnected"
        assert recorded_params(proxy)["issued"] == ["_session_token", "LangId", "Ticket"]
    nobody = f"reverse:http://127.0.0.1:{free_port()}"
    with mitmdump(tmp_path, nobody, "--set", "connection_strategy=lazy") as proxy:
        assert fetch(proxy).status_code == 502
        assert proxy.wait_rows(3)[2]["error"] == "connect-failed"


def test_a_client_that_hangs_up_is_recorded(tmp_path):
    """The client goes away while the origin still thinks."""
    asked = threading.Event()

    def slow(_head: bytes, connection: socket.socket) -> None:
        asked.set()
        time.sleep(1)
        connection.sendall(reply(b"late"))

    with origin(slow) as port, mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}") as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.sendall(b"GET /services/v3/x HTTP/1.1\r\nHost: a\r\nX-LangId: 1\r\n\r\n")
            assert asked.wait(30)
        (row,) = proxy.wait_rows(1)
        assert row["error"] == "client-disconnected"
        assert recorded_params(proxy)["presented"] == ["LangId"]


def test_a_websocket_upgrade_is_one_exchange(tmp_path):
    """Status 101, and the frames after it are none of the recorder's business."""

    def upgrade(_head: bytes, connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + STATE[0] + b"\r\n\r\n"
        )
        connection.sendall(b"\x81\x02hi")
        connection.recv(100)

    with origin(upgrade) as port, mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}") as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.sendall(
                b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            received = b""
            while b"\x81\x02hi" not in received:
                received += client.recv(1000)
        assert [r["status"] for r in proxy.wait_rows(1)] == [101]
        proxy.stop()
        assert len(proxy.rows()) == 1
        assert recorded_params(proxy)["issued"] == ["LangId"]


def test_only_what_the_filter_matches_is_recorded_and_clear_values_are_asked_for(tmp_path):
    """The options do what their help says."""
    options = (
        "--set",
        "statetrail_filter=~u Cart",
        "--set",
        "statetrail_clear=Ticket,client-header",
    )
    options += ("--set", "statetrail_dialects=52eseller", "--set", "statetrail_client_header=X-App")
    with (
        origin(shop) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *options) as proxy,
    ):
        fetch(proxy, "/API/V3/Other")
        fetch(proxy, headers={"X-App": "till 7"})
        (row,) = proxy.rows()
        assert (row["path"], row["client_header"]) == (PATH, "till 7")
        issued = {r["param"]: r["value"] for r in proxy.rows("SELECT * FROM issued")}
        assert issued == {"LangId": "1", "Ticket": "SKs5z/+="}


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("statetrail_store=nowhere/x.sqlite", "is no folder"),
        ("statetrail_dialects=soap", "unknown dialect 'soap'"),
        ("statetrail_dialects=zest,own.toml", "own.toml: cannot be read (No such file"),
        ("statetrail_filter=~~", "Invalid filter expression"),
    ],
)
def test_a_bad_option_ends_mitmdump_with_a_clear_message(tmp_path, option, complaint):
    """mitmdump must not run on without the recorder as if nothing were wrong."""
    command = [
        *(str(BIN / "mitmdump"), "-s", str(SCRIPT), "-p", str(free_port())),
        *("--set", f"confdir={tmp_path}", "--set", option),
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert ended.returncode == 1
    assert complaint in ended.stdout + ended.stderr


def test_a_store_that_cannot_be_written_harms_no_traffic_and_loses_nothing(tmp_path):
    """Exchanges wait in memory while another program holds the store, and are written after."""
    with taddons.context(RecordState()) as tctx:
        recorder = tctx.master.addons.get("recordstate")
        tctx.configure(recorder, statetrail_store=str(tmp_path / "x.sqlite"))
        journal = recorder.journal
        assert journal is not None
        other = read_only_lock(journal.store.path)
        recorder.response(tflow.tflow(resp=True))
        recorder.response(tflow.tflow(resp=True))
        assert (journal.recorded, journal.waiting) == (0, 2)
        other.close()
        recorder.done()
        assert (journal.recorded, journal.waiting) == (2, 0)
        journal.close()
    assert read_store(tmp_path / "x.sqlite").tables["exchanges"].num_rows == 2


def test_responses_of_one_turn_share_a_commit_that_each_waits_for(tmp_path):
    """None is released before it is committed, and one that is given up holds up no other."""

    async def released(flow) -> int:
        wait = recorder.response(flow)
        assert wait is not None
        await wait
        return stored()

    async def run() -> list[int | BaseException]:
        flows = [tflow.tflow(resp=True) for _ in range(4)]
        for flow in flows:
            recorder.requestheaders(flow)
            recorder.responseheaders(flow)
        tasks = [asyncio.create_task(released(flow)) for flow in flows[:3]]
        await asyncio.sleep(0)  # all three wait now
        assert (stored(), len(recorder._held)) == (0, 3)
        tasks[1].cancel()
        before = await asyncio.gather(*tasks, return_exceptions=True)
        assert recorder.response(flows[3]) is None  # one that is alone is committed at once
        return [*before, stored()]

    def stored() -> int:
        with contextlib.closing(connect(tmp_path / "x.sqlite", "read")) as db:
            return int(db.execute("SELECT count(*) FROM exchanges").get)

    with taddons.context(RecordState()) as tctx:
        recorder = tctx.master.addons.get("recordstate")
        tctx.configure(recorder, statetrail_store=str(tmp_path / "x.sqlite"))
        first, cancelled, third, last = asyncio.run(run())
        recorder.done()
        recorder.journal.close()
    assert (first, third, last) == (3, 3, 4)
    assert isinstance(cancelled, asyncio.CancelledError)


def read_only_lock(path):
    """A connection that holds the write lock of a store."""
    connection = connect(path, "write")
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_the_scripts_path_is_printed(tmp_path):
    """`python -m statetrail_addons NAME` prints a path, or says what there is."""
    command = [sys.executable, "-m", "statetrail_addons"]
    good = subprocess.run([*command, "record_state"], capture_output=True, text=True, check=True)
    assert good.stdout.strip() == str(SCRIPT)
    bad = subprocess.run([*command, "x"], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "record_state" in bad.stderr


@contextlib.contextmanager
def _serving(app, config: Config, port: int):
    """The ASGI app served by hypercorn in a thread."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    task = serve(app, config, shutdown_trigger=over.wait)
    thread = threading.Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    try:
        wait_for(lambda: listens(port), "the origin")
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def test_the_module_offers_every_hook_and_command_of_the_recorder() -> None:
    """It is the addon itself; a hook that it does not name would never be called."""
    offered = {name for name in dir(RecordState) if not name.startswith("_")}
    offered = {name for name in offered if callable(getattr(RecordState, name))}
    assert {"load", "response", "summary"} <= offered
    recorders = {getattr(record_state, name).__self__ for name in offered}
    assert len(recorders) == 1
