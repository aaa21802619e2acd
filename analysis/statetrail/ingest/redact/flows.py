"""The copy of a mitmproxy flow.

Enters: an `HTTPFlow` and the `Copy` of its exchange. Leaves: a new flow with the times of the one
and the texts of the other: no certificate, TLS name, metadata, comment, trailer or message of a
WebSocket goes along.
"""

from mitmproxy import connection, flow
from mitmproxy.http import Headers, HTTPFlow, Request, Response

from statetrail.extract.fingerprint import Fingerprinter, raw_bytes
from statetrail.ingest.redact.copier import Copy
from statetrail.ingest.redact.state import Fields


def copied_flow(
    original: HTTPFlow, copy: Copy, bodies: tuple[str, str], fingerprinter: Fingerprinter
) -> HTTPFlow:
    """A new flow; `bodies` are what may stay of the request's and the response's."""
    row, sent = copy.row, original.request
    sent_body = raw_bytes(bodies[0]) or copy.sent
    peer = (copy.peer, 0) if copy.peer is not None else ("", 0)
    started = original.client_conn.timestamp_start
    client = connection.Client(peername=peer, sockname=("", 0), timestamp_start=started)
    if copy.peer is None:
        client.peername = None  # type: ignore[assignment]
    made = HTTPFlow(client, connection.Server(address=(copy.host, row.port)))
    # The id tells whether two files hold the same flow.
    made.id = f"{fingerprinter.fingerprint(original.id) % 2**64:016x}"
    made.timestamp_created = sent.timestamp_start
    made.is_replay = original.is_replay
    if row.proxy_user is not None:
        made.metadata["proxyauth"] = (row.proxy_user, "")
    made.request = Request(
        host=copy.host,
        port=row.port,
        method=raw_bytes(copy.method),
        scheme=raw_bytes(copy.scheme),
        authority=b"",
        path=raw_bytes(copy.target),
        http_version=raw_bytes(copy.http_version),
        headers=_headers(copy.request_fields, row.request_bytes),
        content=sent_body if sent_body or not row.request_bytes else None,
        trailers=None,
        timestamp_start=sent.timestamp_start,
        timestamp_end=sent.timestamp_end,
    )
    if (received := original.response) is not None:
        made.response = Response(
            http_version=raw_bytes(copy.http_version),
            status_code=row.status or 0,
            reason=b"",
            headers=_headers(copy.response_fields, row.response_bytes),
            content=raw_bytes(bodies[1]) if bodies[1] else copy.body,
            trailers=None,
            timestamp_start=received.timestamp_start,
            timestamp_end=received.timestamp_end,
        )
    if row.error not in (None, "no-response"):
        when = original.error.timestamp if original.error is not None else sent.timestamp_start
        made.error = flow.Error(str(row.error).replace("-", " "), when)
    return made


def _headers(fields: Fields, size: int | None) -> Headers:
    """The header fields; without the body its size is told by Content-Length."""
    length = [] if size is None else [("content-length", str(size))]
    others = [field for field in fields if field[0] != "content-length"]
    return Headers([(raw_bytes(name), raw_bytes(value)) for name, value in (*others, *length)])
