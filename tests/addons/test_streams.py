"""Exchanges that are streamed: recorded when their head passes, completed at their end."""

import contextlib
import socket
import threading

import httpx
import pytest

from statetrail.ingest.flow import BodySniffer
from support.proxy import mitmdump, origin, reply, wait_for

pytestmark = pytest.mark.e2e

TOKEN = "yjipILZBeUWxrFq"
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Set-LangId: 1;header/forced\r\n\r\n"
STREAM = ("--set", "stream_large_bodies=1m")
ALL = ("--set", "stream_large_bodies=1")
URL = "/API/V3/Cart"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_kill_in_the_middle_of_a_stream_loses_nothing_that_was_seen(tmp_path):
    """The head is stored before it is released, the token before the chunk that completes it."""
    go, seen = threading.Event(), []

    def answer(_head: bytes, connection: socket.socket) -> None:
        connection.sendall(HEAD + chunk(b'<r session="'))
        assert go.wait(30)
        connection.sendall(chunk(TOKEN.encode() + b'">'))
        connection.recv(1)  # until the proxy is gone

    def known() -> list[str]:
        return [r["param"] for r in proxy.rows("SELECT * FROM issued ORDER BY ordinal")]

    with (
        origin(answer) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *ALL) as proxy,
    ):
        with socket.create_connection(("127.0.0.1", proxy.port), 30) as client:
            client.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % URL.encode())
            while b"\r\n\r\n" not in b"".join(seen):
                seen.append(client.recv(1000))
            (row,) = proxy.rows()
            assert (row["status"], row["notes"], row["response_end_us"]) == (
                200, "under-way", None
            )  # fmt: skip
            assert known() == ["LangId"]
            go.set()
            while TOKEN.encode() not in b"".join(seen):
                seen.append(client.recv(1000))
            assert known() == ["_session_token", "LangId"]
            proxy.kill()
        assert known() == ["_session_token", "LangId"]
        assert [r["exchanges"] for r in proxy.rows("SELECT * FROM captures")] == [1]


@pytest.mark.parametrize("cut", [False, True], ids=["complete", "cut short"])
def test_a_stream_is_one_exchange_with_its_size_and_its_end(tmp_path, cut):
    """Completed at its end, or with the error that it was cut short by."""
    body = f'<r session="{TOKEN}"/>'.encode() + b" " * 300_000

    def answer(_head: bytes, connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for at in range(0, len(body), 100_000):
            connection.sendall(chunk(body[at : at + 100_000]))
        connection.sendall(b"" if cut else b"0\r\n\r\n")

    with (
        origin(answer) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *ALL) as proxy,
    ):
        with contextlib.suppress(httpx.HTTPError):
            assert httpx.get(f"http://127.0.0.1:{proxy.port}{URL}").content == body
        wait_for(lambda: "under-way" not in proxy.rows()[0]["notes"], "the end")
        (row,) = proxy.rows()
        assert row["response_bytes"] == len(body)
        assert (row["response_end_us"] is None) == cut
        assert row["error"] == ("server-disconnected" if cut else None)
        issued = [r["param"] for r in proxy.rows("SELECT * FROM issued ORDER BY ordinal")]
        assert issued == ["_session_token", "LangId"]


def test_a_body_of_known_small_size_is_written_once(tmp_path):
    """What mitmproxy buffers is no stream, also where it streams others."""
    with (
        origin(lambda _, c: c.sendall(reply(b"<r></r>"))) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *STREAM) as proxy,
    ):
        assert httpx.get(f"http://127.0.0.1:{proxy.port}{URL}").content == b"<r></r>"
        (row,) = proxy.rows()
        assert (row["notes"], row["response_bytes"]) == ("", 7)


@pytest.mark.parametrize("recorder", [True, False], ids=["with us", "without us"])
def test_what_is_streamed_is_what_mitmproxy_streams(tmp_path, recorder):
    """A small chunked body can be changed, and one that is broken off is an error."""

    def answer(head: bytes, connection: socket.socket) -> None:
        path = head.split(b" ")[1]
        size = 200_000 if b"large" in path else 0
        connection.sendall(HEAD + chunk(b"<r>old</r>" + b" " * size))
        connection.sendall(chunk(b"more") + b"0\r\n\r\n" if b"cut" not in path else b"zz\r\n")

    options = ("--set", "stream_large_bodies=100k", "--modify-body", "/~s/old/new")
    with (
        origin(answer) as port,
        mitmdump(
            *(tmp_path, f"reverse:http://127.0.0.1:{port}", *options), recorder=recorder
        ) as proxy,
        httpx.Client(base_url=f"http://127.0.0.1:{proxy.port}") as client,
    ):
        assert client.get("/small").text == "<r>new</r>more"
        assert client.get("/cut").status_code == 502
        assert client.get("/large").text == "<r>old</r>" + " " * 200_000 + "more"
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/cut-large")
        if recorder:
            assert [r["status"] for r in proxy.wait_rows(4)] == [200, 200, 200, 200]
            errors = [r["error"] for r in proxy.rows()]
            assert errors == [None, "protocol-error", None, "protocol-error"]
            assert [r["param"] for r in proxy.rows("SELECT * FROM issued")] == ["LangId"] * 4


def test_nothing_in_the_sniffer_breaks_a_transfer():
    """A listener that fails is not asked again, and the chunk goes on."""
    calls = []

    def fails(body: bytes) -> bool:
        calls.append(body)
        raise ValueError

    sniffer = BodySniffer(listener=fails)
    assert [sniffer(b"a"), sniffer(b"b"), sniffer(b"")] == [b"a", b"b", b""]
    assert (calls, sniffer.body, sniffer.size) == ([b"a"], b"ab", 2)


def test_an_endless_drip_costs_few_looks():
    """After the first chunks the body is looked at only when it has doubled."""
    looks = []
    sniffer = BodySniffer(listener=lambda body: bool(looks.append(len(body))))
    for _ in range(100_000):
        sniffer(b"x")
    assert len(looks) < 80
    assert looks[-1] == 65_536
