"""Single exchanges as they stand on the wire, and how the tests look at them."""

from typing import Any

import msgspec
from msgspec.structs import astuple

from statetrail.dialects import select
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from support.histories import FINGERPRINTER

CONFIG = ExtractorConfig(select(), FINGERPRINTER)
PROTOCOLS = ExtractorConfig(select("zest,52eseller"), FINGERPRINTER)
"""Without cookies, bearer tokens and the other dialects."""
AT = 1_700_000_000_000_000

type Headers = dict[str, str] | list[tuple[bytes, bytes]]


def fields(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields as bytes, in order."""
    if isinstance(headers, dict):
        return tuple((name.encode(), value.encode()) for name, value in headers.items())
    return tuple(headers)


def exchange(
    target: bytes | str = b"/API/V3/Cart",
    *,
    asked: Headers | None = None,
    answered: Headers | None = None,
    body: bytes = b"",
    flow_id: str = "f-1",
    at: int = AT,
    status: int = 200,
    **request: Any,
) -> Exchange:
    """An exchange that took 20 ms; `asked` and `answered` are its header fields."""
    about: dict[str, Any] = {
        "method": "GET",
        "scheme": "https",
        "host": "shop.example",
        "port": 443,
        "target": target.encode() if isinstance(target, str) else target,
        "headers": fields(asked or {}),
        "http_version": "HTTP/1.1",
        "start_us": at,
        "end_us": at + 1_000,
        "body_bytes": 0,
        "peer": "192.0.2.7",
    }
    return Exchange(
        flow_id,
        Request(**about | request),
        Response(status, fields(answered or {}), at + 10_000, at + 20_000, body, len(body)),
    )


def facts_of(*args: Any, config: ExtractorConfig = CONFIG, **kwargs: Any) -> ExchangeFacts:
    """What is sighted in an `exchange`."""
    return extract(exchange(*args, **kwargs), config)


def presented(facts: ExchangeFacts) -> list[tuple[str, str, str]]:
    """Parameter, channel and kind of what was presented."""
    return [(p.param, p.channel, p.kind) for p in facts.presented]


def issued(facts: ExchangeFacts) -> list[tuple[str, str | None]]:
    """Parameter and problem of what was issued."""
    return [(i.param, i.problem) for i in facts.issued]


def texts(facts: ExchangeFacts) -> list[str]:
    """Every text in what was sighted."""
    found: list[str] = []
    left: list[Any] = list(astuple(facts))
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, tuple):
            left.extend(one)
        elif isinstance(one, msgspec.Struct):
            left.extend(astuple(one))
    return found
