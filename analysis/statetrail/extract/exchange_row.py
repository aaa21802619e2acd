"""The storable facts of an exchange besides its sightings; what repeats of them is remembered.

Enters: an `Exchange` with its heads and its state. Leaves: an `ExchangeRow`: every text bounded,
printable and without the exchange's secrets, every number within 64 bits.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from statetrail.extract.headers import (
    RequestHeaders,
    RequestTexts,
    ResponseHeaders,
    ResponseTexts,
    response_texts,
)
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.path import Path
from statetrail.extract.records import Exchange, ExchangeRow, Request
from statetrail.extract.state import State
from statetrail.extract.text import clean, mask_path

if TYPE_CHECKING:
    from statetrail.extract.config import ExtractorConfig

MAX_REMEMBERED: Final = 512
"""Characters of method, scheme, host and version with which a standing is remembered."""

_SCHEMES: Final = frozenset(["http", "https"])
_METHODS: Final = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
)
_VERSIONS: Final = frozenset(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0"])
_FLOW_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_INT64: Final = 2**63


type Key = tuple[
    Path, RequestHeaders, ResponseHeaders, State, str | None, str | None, str, str, str, int, str
]
"""All that a `RequestMetadata` is made from: path, heads and state; peer, proxy user, method,
scheme, host, port and version."""


class RequestMetadata(msgspec.Struct, frozen=True, gc=False):
    """What an exchange says that others of the same client say as well: as it may be kept."""

    peer: str | None
    proxy_user: str | None
    method: str
    scheme: str
    host: str
    port: int
    path: str
    endpoint: str
    http_version: str
    request_headers: RequestTexts
    response_headers: ResponseTexts


def exchange_row(
    exchange: Exchange,
    request_headers: RequestHeaders,
    response_headers: ResponseHeaders,
    path: Path,
    config: "ExtractorConfig",
    state: State,
    *,
    notes: Collection[str],
) -> ExchangeRow:
    """The row of an exchange; `asked` and `answered` are its heads."""
    request, response = exchange.request, exchange.response
    key: Key = (
        *(
            path,
            request_headers,
            response_headers,
            state,
            request.peer,
            request.proxy_user,
            request.method,
        ),
        *(request.scheme, request.host, request.port, request.http_version),
    )
    said = config.metadata.get(key)
    if said is None:
        said = _metadata(key, request.target, config)
        if _is_small(request):
            config.metadata.keep(key, said)
    return ExchangeRow(
        _flow_id(exchange.flow_id, config, state.secrets),
        max(-_INT64, min(request.start_us, _INT64 - 1)),
        _int64(request.end_us),
        _int64(response.start_us) if response is not None else None,
        _int64(response.end_us) if response is not None else None,
        said.peer,
        said.request_headers.agent,
        said.proxy_user,
        said.request_headers.client,
        said.method,
        said.scheme,
        said.host,
        said.port,
        said.path,
        said.endpoint,
        _int64(response.status) if response is not None else None,
        said.http_version,
        _int64(request.body_bytes),
        _int64(response.body_bytes) if response is not None else None,
        None if exchange.error is None else clean(exchange.error, 64),
        said.response_headers.cache_control,
        said.response_headers.age_s,
        said.request_headers.origin,
        said.response_headers.exposed,
        state.dialects,
        clean(",".join(dict.fromkeys(notes)), 1024) if notes else "",
    )


def _metadata(key: Key, target: bytes, config: "ExtractorConfig") -> RequestMetadata:
    (
        path,
        request_headers,
        response_headers,
        state,
        peer,
        proxy_user,
        method,
        scheme,
        host,
        port,
        version,
    ) = key
    secrets, host = state.secrets, host.lower()
    # One look at all texts at once: as a rule no secret is near any of them.
    about = "\0".join((peer or "", proxy_user or "", method, scheme, host, version))
    if (
        secrets.near(
            path.writings, request_headers.writings, response_headers.writings, *writings(about)
        )
        or secrets.known(path.names)
        or secrets.known(response_headers.words)
    ):
        hide = secrets.hide
        shown_path, endpoint = mask_path(target, config.fingerprinter, secrets)
        client, served = (
            config.headers.request_texts(request_headers, secrets),
            response_texts(response_headers, secrets),
        )
    else:
        hide = _as_it_is
        shown_path, endpoint = path.shown, path.endpoint
        client, served = request_headers.texts, response_headers.texts
    return RequestMetadata(
        peer=None if peer is None else clean(hide(peer), 64),
        proxy_user=None if proxy_user is None else clean(hide(proxy_user), 128),
        method=method if method in _METHODS else clean(hide(method), 32),
        scheme=scheme if scheme in _SCHEMES else clean(hide(scheme), 16),
        host=clean(hide(host), 255),
        port=max(0, min(port, 65_535)),
        path=shown_path,
        endpoint=endpoint,
        http_version=version if version in _VERSIONS else clean(hide(version), 16),
        request_headers=client,
        response_headers=served,
    )


def _is_small(request: Request) -> bool:
    texts = (request.method, request.scheme, request.host, request.http_version)
    return sum([len(text) for text in texts]) <= MAX_REMEMBERED


def _as_it_is(text: str) -> str:
    return text


def _int64(number: int | None) -> int | None:
    return number if number is not None and -_INT64 <= number < _INT64 else None


def _flow_id(flow_id: str, config: "ExtractorConfig", secrets: Secrets) -> str:
    """The flow id, which tells doubled exchanges: of a hostile file's its digest."""
    if _FLOW_ID.fullmatch(flow_id):
        written = flow_id.casefold()
        if not secrets.near(written) and not secrets.known((written,)):
            return flow_id
    return f"{config.fingerprinter.fingerprint(flow_id) % (2 * _INT64):016x}"
