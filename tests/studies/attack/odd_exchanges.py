# ruff: noqa: E501 - a table, one exchange a line
"""Odd HTTP exchanges, byte for byte: what clients send, and what an origin answers.

A request has ``%T`` where its target begins, in the form that the proxy is spoken to in, and ``%H``
for the host. The target ends with the number of the exchange, which the test adds as ``/c%N``.
"""

import gzip
from dataclasses import dataclass
from typing import Final

MARK: Final = b"~the body's end~"
"""Ends the bodies of requests: what comes after it is framing."""
HELD: Final = b"Host: %H\r\n"


@dataclass(frozen=True, slots=True)
class Odd:
    """One exchange: pieces that are sent one after the other, with a short pause.

    With `waits` the origin answers only after `MARK`. With `closes` it closes the connection after
    its answer.
    """

    name: str
    request: tuple[bytes, ...]
    response: tuple[bytes, ...]
    waits: bool = False
    closes: bool = False


def get(*fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> tuple[bytes, ...]:
    """A request without a body."""
    return (_head(fields, method, version),)


def post(body: tuple[bytes, ...], *fields: bytes, method: bytes = b"POST") -> tuple[bytes, ...]:
    """A request with a body of pieces."""
    return (_head(fields, method, b"1.1"), *body)


def _head(fields: tuple[bytes, ...], method: bytes, version: bytes) -> bytes:
    more = b"".join(field + b"\r\n" for field in fields)
    return b"%s %%T/c%%N?_session_token=1 HTTP/%s\r\n" % (method, version) + HELD + more + b"\r\n"


def ok(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> tuple[bytes, ...]:
    """An answer whose length is declared."""
    length = b"Content-Length: %d" % len(body)
    return (b"HTTP/1.1 %s\r\n%s\r\n\r\n%s" % (status, b"\r\n".join((length, *fields)), body),)


def chunked(*pieces: bytes, fields: bytes = b"") -> tuple[bytes, ...]:
    """An answer in chunks as they are given."""
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + b"\r\n", *pieces)


STATE: Final = b'<ResultSet session="Qx7Tz2Lm9KpR4sVb" xmlns="http://www.zeald.com"/>'
LARGE: Final = b"<r>" + b"x" * 5000 + b"</r>"
XML: Final = b"Content-Type: text/xml"
SET: Final = b"X-Set-LangId: 1;uriquery/forced"
GZIPPED: Final = gzip.compress(STATE, mtime=0)

ODD: Final = (
    Odd("a plain answer", get(), ok(STATE, XML, SET)),
    Odd("state presented", get(b"X-LangId: 1", b"Cookie: a=b; c=d"), ok(STATE, XML, SET)),
    Odd("an empty body", get(), ok(b"")),
    Odd("a large body", get(), ok(LARGE, XML)),
    Odd("a body in pieces", get(), (ok(LARGE)[0][:90], ok(LARGE)[0][90:4000], ok(LARGE)[0][4000:])),
    Odd("chunks", get(), chunked(b"5\r\nhello\r\n", b"0\r\n\r\n")),
    Odd("chunks at once", get(), (b"".join(chunked(b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")),)),
    Odd("chunk sizes in capitals", get(), chunked(b"A\r\n0123456789\r\n", b"0\r\n\r\n")),
    Odd("chunk sizes with zeros", get(), chunked(b"0005\r\nhello\r\n", b"000\r\n\r\n")),
    Odd("chunk extensions", get(), chunked(b"5;a=b\r\nhello\r\n", b"0;c\r\n\r\n")),
    Odd("trailers", get(b"TE: trailers"), chunked(b"5\r\nhello\r\n", b"0\r\nX-After: 1\r\n\r\n")),
    Odd("a chunk torn in its size", get(), chunked(b"1", b"0\r\n0123456789abcdef\r\n0\r\n\r\n")),
    Odd("large chunks", get(), chunked(b"1390\r\n" + b"y" * 5008 + b"\r\n", b"0\r\n\r\n")),
    Odd("a broken chunk", get(), chunked(b"zz\r\nhello\r\n"), closes=True),
    Odd("an end in a chunk", get(), chunked(b"ff\r\nhello"), closes=True),
    Odd("an end in a body", get(), (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nab",), closes=True),
    Odd("an end in a head", get(), (b"HTTP/1.1 200 OK\r\nContent-Le",), closes=True),
    Odd("no answer", get(), (), closes=True),
    Odd("no HTTP", get(), (b"SSH-2.0-x\r\n",), closes=True),
    Odd("a body to the end", get(), (b"HTTP/1.1 200 OK\r\n\r\n", STATE), closes=True),
    Odd("HTTP/1.0", get(version=b"1.0"), (b"HTTP/1.0 200 OK\r\n\r\n" + STATE,), closes=True),
    Odd("HTTP/1.0 kept", get(b"Connection: keep-alive", version=b"1.0"), ok(STATE, b"Connection: keep-alive")),
    Odd("HEAD", get(method=b"HEAD"), (b"HTTP/1.1 200 OK\r\nContent-Length: 71\r\n" + SET + b"\r\n\r\n",)),
    Odd("OPTIONS", get(b"Origin: https://a.example", method=b"OPTIONS"), ok(b"", b"Allow: GET")),
    Odd("an unknown method", get(method=b"BREW"), ok(STATE)),
    Odd("204", get(), (b"HTTP/1.1 204 No Content\r\n" + SET + b"\r\n\r\n",)),
    Odd("304", get(b'If-None-Match: "x"'), (b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',)),
    Odd("205", get(), ok(b"", status=b"205 Reset Content")),
    Odd("a redirect", get(), ok(b"", b"Location: /API/V3/Cart?_session_token=Qx7Tz2", status=b"302 Found")),
    Odd("103 early hints", get(), (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", *ok(STATE))),
    Odd("102 processing", get(), (b"HTTP/1.1 102 Processing\r\n\r\n", *ok(STATE, XML))),
    Odd("a status without a reason", get(), ok(STATE, status=b"200 ")),
    Odd("a status of its own", get(), ok(STATE, status=b"599 \xe9\xff")),
    Odd("an error", get(), ok(b"<e/>", XML, status=b"500 Internal Server Error")),
    Odd("repeated fields", get(b"X-A: 1", b"x-a: 2", b"X-A:3"), ok(STATE, SET, b"x-set-langid: 2;header/forced")),
    Odd("fields without a value", get(b"X-Empty:", b"X-LangId:"), ok(STATE, b"X-Set-LangId:")),
    Odd("blanks around values", get(b"X-A:  \t b \t "), ok(STATE, b"X-Set-LangId: \t 1;uriquery/forced \t")),
    Odd("bytes beyond ASCII", get(b"X-A: \xc3\xa9 \xff\xfe"), ok(b"\xff\xfe\x00<", b"X-Set-LangId: \xe9;header/forced")),
    Odd("huge fields", get(b"X-A: " + b"a" * 30_000), ok(STATE, b"X-Set-LangId: " + b"b" * 30_000)),
    Odd("many fields", get(*(b"X-F%d: 1" % n for n in range(300))), ok(STATE, *(b"X-Set-N%d: 1;header/forced" % n for n in range(300)))),
    Odd("folded fields", get(), ok(STATE, b"X-A: 1\r\n  2")),
    Odd("lines that end with LF", get(), (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",)),
    Odd("a blank before the colon", get(), ok(STATE, b"X-A : 1"), closes=True),
    Odd("gzip", get(b"Accept-Encoding: gzip"), ok(GZIPPED, b"Content-Encoding: gzip", XML)),
    Odd("gzip that is none", get(), ok(STATE, b"Content-Encoding: gzip", XML)),
    Odd("an unknown coding", get(), ok(STATE, b"Content-Encoding: br, x-own", XML)),
    Odd("gzip in chunks", get(), chunked(b"%x\r\n%s\r\n" % (len(GZIPPED), GZIPPED), b"0\r\n\r\n", fields=b"Content-Encoding: gzip\r\n")),
    Odd("two lengths that agree", get(), (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",)),
    Odd("two lengths that do not", get(), (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",), closes=True),
    Odd("a length and chunks", get(), chunked(b"2\r\nab\r\n0\r\n\r\n", fields=b"Content-Length: 9\r\n"), closes=True),
    Odd("a connection that is to close", get(b"Connection: close"), ok(STATE, b"Connection: close"), closes=True),
    Odd("a request with a body", post((b"a=1&b=" + MARK,), b"Content-Length: %d" % (6 + len(MARK))), ok(STATE), waits=True),
    Odd("a request in chunks", post((b"3\r\nabc\r\n", b"10\r\n" + MARK + b"\r\n0\r\n\r\n"), b"Transfer-Encoding: chunked"), ok(STATE), waits=True),
    Odd("a body that is waited for", post((MARK,), b"Content-Length: 16", b"Expect: 100-continue"), ok(STATE), waits=True),
    Odd("a body with GET", post((MARK,), b"Content-Length: 16", method=b"GET"), ok(STATE), waits=True),
    Odd("a line that is none", (b"GET\r\n\r\n",), ok(STATE)),
    Odd("a length that is none", post((), b"Content-Length: x"), ok(STATE)),
    Odd("pipelined requests", (get()[0] * 3,), ok(STATE, XML, SET)),
    Odd("requests that are kept", (get()[0], get()[0]), ok(STATE, XML, SET)),
    Odd("an upgrade", get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", b"\x81\x05hello\x88\x02\x03\xe8"), closes=True),
)  # fmt: skip
