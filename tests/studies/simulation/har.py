"""Writes simulated exchanges as a HAR file, as a proxy's writer would.

Enters: characters and exchanges. Leaves: a file with one entry an exchange, in the order of their
starts, clients told apart by ``_clientAddress`` and ``User-Agent``. Times are whole milliseconds.
"""

import json
import random
import urllib.parse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from studies.simulation.characters import Character
from studies.simulation.wire import Exchange

ORIGIN = "https://shop.example"
EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


def write_har(
    path: Path, characters: Sequence[Character], exchanges: Iterable[Exchange], seed: int
) -> None:
    """Write the file, entry by entry."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"log": {"version": "1.2", "creator": {"name": "labelled"}, "entries": [\n')
        for at, exchange in enumerate(exchanges):
            written = json.dumps(_entry(exchange, characters[exchange.client], rng))
            file.write(f"{',' if at else ''}{written}\n")
        file.write("]}}\n")


def _entry(made: Exchange, character: Character, rng: random.Random) -> dict[str, Any]:
    # What goes before the first byte of the request is no part of it.
    before = rng.choice(((0, -1, -1), (3, -1, -1), (0, 7, 21)))
    started = made.request_start - sum(max(0, phase) for phase in before)
    query = urllib.parse.urlencode(made.query)
    entry: dict[str, Any] = {
        "_clientAddress": character.peer,
        "startedDateTime": (EPOCH + timedelta(milliseconds=started)).isoformat(
            timespec="milliseconds"
        ),
        "request": {
            "method": made.endpoint.method,
            "url": f"{ORIGIN}{made.endpoint.path}{'?' if query else ''}{query}",
            "httpVersion": "HTTP/1.1",
            "headers": _fields([("User-Agent", character.agent), *made.request_headers]),
            "queryString": _fields(made.query),
            "bodySize": 0,
        },
        "cache": {},
    }
    blocked, dns, connect = before
    if made.response_start is None:
        return entry | {
            "time": made.request_end - started,
            "timings": {
                "blocked": blocked,
                "dns": dns,
                "connect": connect,
                "send": 0,
                "wait": 0,
                "receive": 0,
            },
            "_error": "connection reset",
        }
    receive = (made.response_end or made.response_start + 10) - made.response_start
    entry["time"] = made.response_start + receive - started
    entry["timings"] = {
        "blocked": blocked,
        "dns": dns,
        "connect": connect,
        "send": made.request_end - made.request_start,
        "wait": made.response_start - made.request_end,
        "receive": receive,
    }
    entry["response"] = {
        "status": made.status,
        "httpVersion": "HTTP/1.1",
        "headers": _fields([("Content-Type", "text/xml"), *made.response_headers]),
        "content": {"size": len(made.body), "mimeType": "text/xml", "text": made.body},
        "bodySize": len(made.body),
    }
    if made.response_end is None:
        entry["_error"] = "the server closed the connection"
    return entry


def _fields(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
