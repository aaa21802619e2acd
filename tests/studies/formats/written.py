"""Captures in the formats of tools that do not run here, written as their documentation says.

Enters: the flows of a visit. Leaves: the bytes of a capture file of each.
"""

import base64
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from mitmproxy import http
from mitmproxy.http import HTTPFlow

_BURP_HEAD: Final = """<?xml version="1.0"?>
<!DOCTYPE items [
<!ELEMENT items (item*)>
<!ATTLIST items burpVersion CDATA "">
<!ATTLIST items exportTime CDATA "">
<!ELEMENT item (time, url, host, port, protocol, method, path, extension, request, status, responselength, mimetype, response, comment)>
<!ELEMENT time (#PCDATA)>
<!ELEMENT url (#PCDATA)>
<!ELEMENT host (#PCDATA)>
<!ATTLIST host ip CDATA "">
<!ELEMENT port (#PCDATA)>
<!ELEMENT protocol (#PCDATA)>
<!ELEMENT method (#PCDATA)>
<!ELEMENT path (#PCDATA)>
<!ELEMENT extension (#PCDATA)>
<!ELEMENT request (#PCDATA)>
<!ATTLIST request base64 (true|false) "false">
<!ELEMENT status (#PCDATA)>
<!ELEMENT responselength (#PCDATA)>
<!ELEMENT mimetype (#PCDATA)>
<!ELEMENT response (#PCDATA)>
<!ATTLIST response base64 (true|false) "false">
<!ELEMENT comment (#PCDATA)>
]>
<items burpVersion="2026.8" exportTime="Sun Nov 29 18:00:00 CET 2026">
"""  # noqa: E501


def burp(flows: list[HTTPFlow]) -> bytes:
    """Burp Suite: "Save items" with base64."""
    items = []
    for flow in flows:
        request, response = flow.request, flow.response
        assert response is not None
        zone = dt.timezone(dt.timedelta(hours=1))
        time = dt.datetime.fromtimestamp(request.timestamp_start, zone)
        sent, received = (base64.b64encode(raw).decode() for raw in _raw(flow, absolute=False))
        items.append(
            f"""  <item>
    <time>{time:%a %b %d %H:%M:%S CET %Y}</time>
    <url><![CDATA[{request.url}]]></url>
    <host ip="127.0.0.1">{request.host}</host>
    <port>{request.port}</port>
    <protocol>{request.scheme}</protocol>
    <method><![CDATA[{request.method}]]></method>
    <path><![CDATA[{request.path}]]></path>
    <extension>null</extension>
    <request base64="true"><![CDATA[{sent}]]></request>
    <status>{response.status_code}</status>
    <responselength>{len(response.raw_content or b"")}</responselength>
    <mimetype></mimetype>
    <response base64="true"><![CDATA[{received}]]></response>
    <comment></comment>
  </item>
"""
        )
    return (_BURP_HEAD + "".join(items) + "</items>\n").encode()


def saz(flows: list[HTTPFlow]) -> bytes:
    """Fiddler Classic: "Save all sessions"."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0" encoding="utf-8" ?>\r\n<Types xmlns="http://schemas.openxmlformats'
            '.org/package/2006/content-types"><Default Extension="htm" ContentType="text/html" />'
            '<Default Extension="xml" ContentType="application/xml" />'
            '<Default Extension="txt" ContentType="text/plain" /></Types>',
        )
        archive.writestr("_index.htm", "<html><body><table></table></body></html>")
        for number, flow in enumerate(flows, 1):
            sent, received = _raw(flow, absolute=True)
            archive.writestr(f"raw/{number:03}_c.txt", sent)
            archive.writestr(f"raw/{number:03}_s.txt", received)
            archive.writestr(f"raw/{number:03}_m.xml", _saz_meta(number, flow))
    return file.getvalue()


def _saz_meta(number: int, flow: HTTPFlow) -> str:
    request, response = flow.request, flow.response
    assert response is not None
    begun, sent = _iso(request.timestamp_start, 7), _iso(request.timestamp_end, 7)
    first, last = _iso(response.timestamp_start, 7), _iso(response.timestamp_end, 7)
    timers = {
        "ClientConnected": begun, "ClientBeginRequest": begun, "GotRequestHeaders": begun,
        "ClientDoneRequest": sent, "GatewayTime": "0", "DNSTime": "0", "TCPConnectTime": "0",
        "HTTPSHandshakeTime": "0", "ServerConnected": begun, "FiddlerBeginRequest": sent,
        "ServerGotRequest": sent, "ServerBeginResponse": first, "GotResponseHeaders": first,
        "ServerDoneResponse": last, "ClientBeginResponse": last, "ClientDoneResponse": last,
    }  # fmt: skip
    flags = {"x-clientip": "127.0.0.1", "x-clientport": "50000", "x-processinfo": "chromium:1"}
    pairs = "".join(f" {name}={quoteattr(value)}" for name, value in timers.items())
    marks = "".join(f'<SessionFlag N="{n}" V={quoteattr(v)} />' for n, v in flags.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\r\n<Session SID="{number}" BitFlags="0">'
        f"<SessionTimers{pairs} /><PipeInfo /><SessionFlags>{marks}</SessionFlags></Session>"
    )


def charles(flows: list[HTTPFlow]) -> bytes:
    """Charles: "Export session", as a JSON session file."""
    return json.dumps([_charles(flow) for flow in flows]).encode()


def _charles(flow: HTTPFlow) -> dict[str, Any]:
    request, response = flow.request, flow.response
    assert response is not None
    path, _, query = request.path.partition("?")
    return {
        "status": "COMPLETE",
        "method": request.method,
        "protocolVersion": "HTTP/1.1",
        "scheme": request.scheme,
        "host": request.host,
        "port": request.port,
        "actualPort": request.port,
        "path": path,
        "query": query or None,
        "tunnel": False,
        "keptAlive": True,
        "webSocket": False,
        "remoteAddress": f"{request.host}/127.0.0.1",
        "clientAddress": "localhost/127.0.0.1",
        "clientPort": 50000,
        "times": {
            "start": _iso(request.timestamp_start, 3),
            "requestBegin": _iso(request.timestamp_start, 3),
            "requestComplete": _iso(request.timestamp_end, 3),
            "responseBegin": _iso(response.timestamp_start, 3),
            "end": _iso(response.timestamp_end, 3),
        },
        "request": _charles_message(request, f"{request.method} {request.path} HTTP/1.1"),
        "response": {"status": response.status_code}
        | _charles_message(response, f"HTTP/1.1 {response.status_code} OK"),
    }


def _charles_message(message: http.Message, line: str) -> dict[str, Any]:
    kind = message.headers.get("content-type", "")
    content, text = message.get_content(strict=False) or b"", None
    if kind.startswith(("text/", "application/json")):
        text = content.decode()
    body: dict[str, Any] = {"encoding": "base64", "encoded": base64.b64encode(content).decode()}
    if text is not None:
        body = {"text": text, "charset": "UTF-8", "decoded": True}
    return {
        "sizes": {"headers": 0, "body": len(message.raw_content or b"")},
        "mimeType": kind.partition(";")[0] or None,
        "charset": "UTF-8" if text is not None else None,
        "contentEncoding": message.headers.get("content-encoding"),
        "header": {
            "firstLine": line,
            "headers": [
                {"name": name.decode(), "value": value.decode("latin-1")}
                for name, value in message.headers.fields
            ],
        },
    } | ({"body": body} if content else {})


def zap(flows: list[HTTPFlow]) -> bytes:
    """ZAP: "Export messages to file"."""
    parts = []
    for number, flow in enumerate(flows, 1):
        parts.append(b"==== %d ==========\r\n" % number)
        raws = _raw(flow, absolute=True, plain=True)
        parts += [raw if raw.endswith(b"\r\n") else raw + b"\r\n" for raw in raws]
    return b"".join(parts)


def _raw(flow: HTTPFlow, *, absolute: bool, plain: bool = False) -> tuple[bytes, bytes]:
    """A request and its response as messages of HTTP/1.1; `plain`: their bodies are unpacked."""
    request, response = flow.request, flow.response
    assert response is not None
    target = request.url if absolute else request.path
    bodies = [
        (message.get_content(strict=False) if plain else message.raw_content) or b""
        for message in (request, response)
    ]
    heads = [
        f"{request.method} {target} HTTP/1.1".encode(),
        f"HTTP/1.1 {response.status_code} OK".encode(),
    ]
    sent, received = (
        b"\r\n".join((head, *(b": ".join(field) for field in message.headers.fields), b"", body))
        for head, message, body in zip(heads, (request, response), bodies, strict=True)
    )
    return sent, received


def _iso(seconds: float | None, digits: int) -> str:
    assert seconds is not None
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment:%f}0"[: 20 + digits] + "+00:00"


WRITERS: Final[dict[str, Callable[[list[HTTPFlow]], bytes]]] = {
    "burp.xml": burp,
    "fiddler.saz": saz,
    "charles.chlsj": charles,
    "zap.txt": zap,
}
"""What writes each capture, by its name."""
