"""Small hand-written histories as recordings: what a table of cases or a strategy draws.

Times are in milliseconds from an arbitrary zero; values and clients are plain words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from statetrail.extract.fingerprint import Fingerprinter, alphabet
from statetrail.extract.jwt import declared_s
from statetrail.recording.engines import Engine
from statetrail.recording.frames import Recording
from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED

FINGERPRINTER = Fingerprinter(bytes(range(32)))


def fingerprint(value: str) -> int:
    """The fingerprint that `recording` gives a value."""
    return FINGERPRINTER.fingerprint(value)


@dataclass(frozen=True)
class Issue:
    """A value that the exchange's response issues."""

    param: str
    value: str
    usage: str | None = "header"
    priority: str | None = "informational"
    problem: str | None = None
    dialect: str = "52eseller"
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Present:
    """A value that the exchange's request presents."""

    param: str
    value: str
    channel: str = "header"
    kind: str = "value"
    dialect: str = "52eseller"


def token(value: str) -> Issue:
    """A ZEST session token, issued."""
    return Issue("_session_token", value, "uriquery", "forced", dialect="zest")


def use(value: str) -> Present:
    """A ZEST session token, presented; ``1`` asks for a new one."""
    kind = "establish" if value == "1" else "value" if value else "empty"
    return Present("_session_token", value, "uriquery", kind, dialect="zest")


@dataclass(frozen=True)
class Ex:
    """One exchange. `start`, `begun`, `ended` are ms; `begun`/`ended` None: no or unfinished response."""  # noqa: E501

    start: float
    begun: float | None
    ended: float | None
    issued: Sequence[Issue] = ()
    presented: Sequence[Present] = ()
    client: str = "app"
    method: str = "GET"
    path: str = "/services/v3/products"
    status: int | None = 200
    host: str = "shop.example"
    extra: dict[str, Any] = field(default_factory=dict)
    traces: Sequence[tuple[str, str]] = ()
    """Places and values that look like tokens."""


def facts(history: Iterable[Ex]) -> dict[str, pa.Table]:
    """The fact tables of a history; exchange ids count from 1 in the order given."""
    exchanges: list[dict[str, Any]] = []
    issued: list[dict[str, Any]] = []
    presented: list[dict[str, Any]] = []
    traces: list[dict[str, Any]] = []
    for exchange_id, ex in enumerate(history, 1):
        row: dict[str, Any] = dict.fromkeys(EXCHANGES.names)
        row |= {
            "exchange_id": exchange_id,
            "flow_id": str(exchange_id),
            "request_start_us": _us(ex.start),
            "request_end_us": _us(ex.start),
            "response_start_us": _us(ex.begun),
            "response_end_us": _us(ex.ended),
            "peer": "127.0.0.1",
            "user_agent": ex.client,
            "method": ex.method,
            "scheme": "http",
            "host": ex.host,
            "port": 80,
            "path": ex.path,
            "endpoint": ex.path,
            "status": ex.status if ex.begun is not None else None,
            "http_version": "HTTP/1.1",
            "error": None if ex.ended is not None else "server-disconnected",
            "dialects": "52eseller" if "/v3" in ex.path else "zest" if "/V3" in ex.path else "",
            "notes": "",
        } | ex.extra
        exchanges.append(row)
        for at, i in enumerate(ex.issued):
            issued.append(
                {"exchange_id": exchange_id, "ordinal": at, "dialect": i.dialect, "param": i.param}
                | _seen(i.value)
                | {
                    "usage": None if i.problem else i.usage,
                    "priority": None if i.problem else i.priority,
                    "channel": "body" if i.dialect == "zest" else "header",
                    "problem": i.problem,
                    "length": len(i.value),
                    "alphabet": alphabet(i.value),
                    "declared_s": declared_s(i.value),
                }
                | i.extra
            )
        for at, p in enumerate(ex.presented):
            presented.append(
                {"exchange_id": exchange_id, "ordinal": at, "dialect": p.dialect, "param": p.param}
                | _seen(p.value)
                | {"channel": p.channel, "kind": p.kind}
            )
        for at, (place, value) in enumerate(ex.traces):
            traces.append(
                {
                    "exchange_id": exchange_id,
                    "ordinal": at,
                    "place": place,
                    "fingerprint": fingerprint(value),
                }
            )
    rows = {
        "exchanges": exchanges,
        "issued": issued,
        "presented": presented,
        "token_candidates": traces,
    }
    tables = {t.name: pa.Table.from_pylist(rows.get(t.name, []), schema=t.arrow) for t in FACTS}
    assert tables["issued"].schema == ISSUED.arrow
    assert tables["presented"].schema == PRESENTED.arrow
    return tables


def recording(
    history: Iterable[Ex], *, engine: Engine = "pyarrow", grace_ms: float = 250
) -> Recording:
    """A recording of a history; clients are told apart by user agent alone."""
    return Recording(facts(history), engine=engine, client_by=("user-agent",), grace_ms=grace_ms)


def _us(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)


def _seen(value: str) -> dict[str, Any]:
    seen = FINGERPRINTER.storable(value, clear=len(value) < 3)
    return {
        "value": seen.value,
        "fingerprint": seen.fingerprint,
        "normal_fingerprint": seen.normal_fingerprint,
        "prefix_fingerprint": seen.prefix_fingerprint,
    }
