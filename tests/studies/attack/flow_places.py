"""Where a secret can be in a file of mitmproxy."""

from collections.abc import Callable
from typing import Final

from mitmproxy import tcp, websocket
from mitmproxy.flow import Error, Flow
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.test import tflow
from wsproto.frame_protocol import Opcode

from studies.attack.har_places import NAME_PLACES as HAR_NAME_PLACES
from studies.attack.har_places import PLACES as HAR_PLACES
from studies.attack.har_places import Place as HarPlace

type Place = Callable[[str], Flow]
type Change = Callable[[HTTPFlow, str], None]


def made() -> HTTPFlow:
    """A sound flow."""
    flow = tflow.tflow(resp=True)
    flow.request.path = "/API/V3/Cart"
    flow.request.headers, flow.response.headers = Headers(), Headers()
    flow.response.content = b'<r session="tok-0123456789ab"/>'
    return flow


def _as_in_har(place: HarPlace) -> Place:
    """The same on the wire: header fields, the target and bodies."""

    def convert(text: str) -> Flow:
        entry, flow = place(text), made()
        request, response = entry["request"], entry["response"]
        flow.request.method = request["method"]
        flow.request.path = request["url"].partition("://")[2].partition("/")[2].join(("/", ""))
        flow.request.host = request["url"].partition("://")[2].partition("/")[0].rpartition("@")[2]
        for message, side in ((flow.request, request), (flow.response, response)):
            message.headers = Headers(
                [(each["name"].encode(), str(each["value"]).encode()) for each in side["headers"]]
            )
        flow.request.content = (request.get("postData") or {}).get("text", "").encode()
        flow.response.raw_content = response["content"].get("text", "").encode()
        return flow

    return convert


def _changed(change: Change) -> Place:
    def place(text: str) -> Flow:
        flow = made()
        change(flow, text)
        return flow

    return place


def _message(text: str) -> Flow:
    flow = tflow.twebsocketflow()
    assert flow.websocket is not None
    flow.websocket.messages.append(websocket.WebSocketMessage(Opcode.TEXT, True, text.encode()))
    flow.websocket.close_reason = text
    return flow


def _tcp(text: str) -> Flow:
    flow = tflow.ttcpflow()
    flow.messages.append(tcp.TCPMessage(True, text.encode()))
    return flow


def _udp(text: str) -> Flow:
    flow = tflow.tudpflow()
    flow.messages[0].content = text.encode()
    return flow


def _dns(text: str) -> Flow:
    flow = tflow.tdnsflow(resp=True)
    flow.comment = text
    return flow


def _set(path: str, wrap: Callable[[str], object] = str) -> Place:
    """A flow with one attribute set, by its dotted path."""

    def change(flow: HTTPFlow, text: str) -> None:
        *way, last = path.split(".")
        inner: object = flow
        for step in way:
            inner = getattr(inner, step)
        setattr(inner, last, wrap(text))

    return _changed(change)


def _marked(flow: HTTPFlow, text: str) -> None:
    flow.metadata["proxyauth"] = (text, text)
    flow.metadata[text] = text


_HAR_ONLY: Final = frozenset(
    name
    for name in HAR_PLACES
    if name.startswith(
        ("_", "cookies", "queryString", "Set-Cookie as", "comment", "timings", "postData params")
    )
    or name
    in (
        *("fragment", "user of the address", "password of the address", "pseudo field"),
        *("postData mimeType", "content base64", "content comment", "mimeType", "statusText"),
        *("redirectURL", "httpVersion", "serverIPAddress", "connection", "pageref", "cache"),
        *("unknown member", "startedDateTime", "two cookies in one field"),
    )
)

PLACES: Final[dict[str, Place]] = {
    name: _as_in_har(place) for name, place in HAR_PLACES.items() if name not in _HAR_ONLY
} | {
    "reason": _set("response.data.reason", str.encode),
    "authority": _set("request.data.authority", str.encode),
    "http version": _set("request.data.http_version", str.encode),
    "trailers": _set("response.trailers", lambda text: Headers(x=text)),
    "request trailers": _set("request.trailers", lambda text: Headers(x=text)),
    "error": _set("error", lambda text: Error(f"{text} in GET /?t={text}")),
    "comment": _set("comment"),
    "marked": _set("marked"),
    "id": _set("id"),
    "metadata": _changed(_marked),
    "SNI of the client": _set("client_conn.sni"),
    "SNI of the server": _set("server_conn.sni"),
    "ALPN": _set("client_conn.alpn", str.encode),
    "cipher": _set("client_conn.cipher"),
    "address of the server": _set("server_conn.address", lambda text: (text, 1)),
    "peer": _set("client_conn.peername", lambda text: (text, 1)),
    "error of the connection": _set("server_conn.error"),
    "message of a WebSocket": _message,
    "TCP": _tcp,
    "UDP": _udp,
    "DNS": _dns,
}
NAME_PLACES: Final[dict[str, Place]] = {
    name: _as_in_har(place) for name, place in HAR_NAME_PLACES.items()
}
