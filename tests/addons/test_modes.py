"""The recorder in every mode of mitmproxy that runs unprivileged on loopback."""

import base64
import contextlib
import http.client
import socket
import struct
import subprocess
import sys

import httpx
import pytest
from mitmproxy.io import FlowReader

from support.certificates import certificate
from support.http3 import get_http3
from support.proxy import BIN, SCRIPT, free_port, listens, mitmdump, origin, reply, wait_for

pytestmark = pytest.mark.e2e

TOKEN = "yjipILZBeUWxrFq"
PATH = f"/API/V3/Cart?_session_token={TOKEN}"
PASSWORD = "pr0xy-pa55word"


def shop(_head: bytes, connection: socket.socket) -> None:
    connection.sendall(reply(f'<r session="{TOKEN}"></r>'.encode()))


def through(proxy_port: int, port: int, **headers: str) -> int:
    """A request through a regular proxy; its status."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy_port, timeout=30)
    connection.request("GET", f"http://127.0.0.1:{port}{PATH}", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def recorded(proxy, port: int, count: int = 1) -> dict:
    """The last exchange, with all that belongs to it."""
    row = proxy.wait_rows(count)[-1]
    assert (row["host"], row["port"], row["path"]) == ("127.0.0.1", port, "/API/V3/Cart")
    for table in ("issued", "presented"):
        params = [r["param"] for r in proxy.rows(f"SELECT * FROM {table}")]
        assert params == ["_session_token"] * count
    return row


def test_regular_with_proxy_authentication(tmp_path):
    """The user's name is a pseudonym; the password is nowhere: not in store, log or output."""
    auth = ("--proxyauth", f"ann:{PASSWORD}", "-v")
    coded = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    with origin(shop) as port, mitmdump(tmp_path, "regular", *auth) as proxy:
        assert through(proxy.port, port) == 407
        status = through(proxy.port, port, **{"Proxy-Authorization": f"Basic {coded}"})
        assert status == 200
        row = [r for r in proxy.wait_rows(1) if r["status"] == 200][-1]
        assert row["proxy_user"].startswith("~")
        for file in tmp_path.glob("recording*"):
            raw = file.read_bytes()
            assert PASSWORD.encode() not in raw, file
            assert coded.encode() not in raw, file
            assert TOKEN.encode() not in raw, file


def test_upstream(tmp_path):
    """Behind another proxy: the origin is the one that was asked for."""
    (tmp_path / "far").mkdir()
    with (
        origin(shop) as port,
        mitmdump(tmp_path / "far", "regular") as far,
        mitmdump(tmp_path, f"upstream:http://127.0.0.1:{far.port}") as proxy,
    ):
        assert through(proxy.port, port) == 200
        assert recorded(proxy, port)["status"] == 200


def test_socks5(tmp_path):
    """The origin is the one in the socks request."""
    with origin(shop) as port, mitmdump(tmp_path, "socks5") as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), 30) as client:
            client.sendall(b"\x05\x01\x00")
            assert client.recv(2) == b"\x05\x00"
            client.sendall(
                b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack("!H", port)
            )
            assert client.recv(10)[:2] == b"\x05\x00"
            host = f"Host: 127.0.0.1:{port}"
            client.sendall(f"GET {PATH} HTTP/1.1\r\n{host}\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert recorded(proxy, port)["peer"] == "127.0.0.1"


def test_flow_files_are_replayed_to_a_server_and_read(tmp_path):
    """Client replay records new exchanges; `-nr` those of the file, with their own times."""
    flows = tmp_path / "flows"
    (tmp_path / "first").mkdir()
    with origin(shop) as port:
        with mitmdump(tmp_path / "first", "regular", "-w", str(flows)) as first:
            assert through(first.port, port) == 200
            (before,) = first.wait_rows(1)
        with mitmdump(tmp_path, "regular", "--client-replay", str(flows)) as proxy:
            wait_for(proxy.store.exists, "the store")
            after = recorded(proxy, port)
        assert after["request_start_us"] > before["request_start_us"]
        with flows.open("rb") as file:
            assert len(list(FlowReader(file).stream())) == 1
    store = tmp_path / "read.sqlite"
    subprocess.run(
        [
            *(str(BIN / "mitmdump"), "-s", str(SCRIPT), "--set", f"statetrail_store={store}"),
            *("--set", f"confdir={tmp_path / 'mitmproxy'}", "-nr", str(flows)),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    proxy.store = store
    assert recorded(proxy, port)["request_start_us"] == before["request_start_us"]


def test_a_store_with_fields_of_the_time(tmp_path):
    """The file has the day in its name, and its key beside it."""
    store = tmp_path / "shop-%Y-%m-%d.sqlite"
    with (
        origin(shop) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", store=store) as proxy,
    ):
        assert httpx.get(f"http://127.0.0.1:{proxy.port}{PATH}").status_code == 200
        (made,) = tmp_path.glob("shop-2*.sqlite")
        proxy.store = made
        assert recorded(proxy, port)["status"] == 200
        assert made.with_name(f"{made.name}.key").stat().st_mode & 0o777 == 0o600


APP = f"""
async def app(scope, receive, send):
    if scope["type"] == "http":
        version = scope["http_version"].encode()
        headers = [(b"x-set-langid", b"1;header/forced"), (b"x-seen-version", version)]
        await send({{"type": "http.response.start", "status": 200, "headers": headers}})
        await send({{"type": "http.response.body", "body": b"<r session='{TOKEN}'/>"}})
"""


@contextlib.contextmanager
def http3_origin(folder):
    """An origin that speaks HTTP/3, in a process of its own; yields its port."""
    port, (key, cert) = free_port(), certificate(folder)
    (folder / "origin.py").write_text(APP)
    at = f"127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "hypercorn", "origin:app", "--bind", at, "--quic-bind", at),
        *("--keyfile", str(key), "--certfile", str(cert)),
    ]
    running = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), "the origin")
        yield port
    finally:
        running.terminate()
        running.wait(30)


def test_reverse_with_http3_on_both_sides(tmp_path):
    """QUIC from the client and to the origin."""
    with (
        http3_origin(tmp_path) as port,
        mitmdump(tmp_path, f"reverse:http3://127.0.0.1:{port}", "--ssl-insecure") as proxy,
    ):
        answers = get_http3(proxy.port, PATH, PATH, x_ticket="SKs5z/+=")
        assert {headers[b"x-seen-version"] for headers, _ in answers} == {b"3"}
        assert {body for _, body in answers} == {f"<r session='{TOKEN}'/>".encode()}
        rows = proxy.wait_rows(2)
        assert {(r["http_version"], r["status"], r["peer"], r["error"]) for r in rows} == {
            ("HTTP/3", 200, "127.0.0.1", None)
        }
        for table, params in (
            ("issued", ["_session_token", "LangId"]),
            ("presented", ["_session_token", "Ticket"]),
        ):
            found = proxy.rows(f"SELECT param FROM {table} ORDER BY exchange_id, ordinal")
            assert [r["param"] for r in found] == params * 2
