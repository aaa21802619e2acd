"""HAR files in miniature: what a browser's export says of one shop."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STARTED = "2024-05-01T10:00:00.000Z"
STARTED_US = 1_714_557_600_000_000


def headers(*fields: tuple[str, Any]) -> list[dict[str, Any]]:
    """Header fields as HAR writes them."""
    return [{"name": name, "value": value} for name, value in fields]


def entry(
    url: str = "https://shop.example/API/V3/Cart?_session_token=tok-0123456789ab",
    *,
    body: str | None = '<ResultSet session="tok-0123456789ab">',
    issued: Sequence[tuple[str, str]] = (),
    **changed: Any,
) -> dict[str, Any]:
    """A sound entry of one second; `changed` replaces its members, dotted names inner ones."""
    made: dict[str, Any] = {
        "startedDateTime": STARTED,
        "time": 1000,
        "request": {
            "method": "GET",
            "url": url,
            "httpVersion": "HTTP/1.1",
            "headers": headers(("User-Agent", "shopper/1")),
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "headers": headers(("Content-Type", "text/xml"), *issued),
            "cookies": [],
            "content": {"size": len(body or ""), "mimeType": "text/xml"}
            | ({} if body is None else {"text": body}),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(body or ""),
        },
        "cache": {},
        "timings": {
            "blocked": 100,
            "dns": 50,
            "connect": 150,
            "ssl": 100,
            "send": 100,
            "wait": 400,
            "receive": 200,
        },
    }
    for name, value in changed.items():
        *way, last = name.split("__")
        inner = made
        for step in way:
            inner = inner[step]
        if value is ...:
            inner.pop(last, None)
        else:
            inner[last] = value
    return made


def har(*entries: Any, **log: Any) -> bytes:
    """A HAR file of those entries."""
    pages = [{"id": "page_1", "title": 'a "title" with } and ]'}]
    document = {"log": {"version": "1.2", "pages": pages, **log, "entries": list(entries)}}
    return json.dumps(document).encode()


def write_har(path: Path, *entries: Any) -> Path:
    """A HAR file of those entries, on disk."""
    path.write_bytes(har(*entries))
    return path
