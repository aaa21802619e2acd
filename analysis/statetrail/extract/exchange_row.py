"""The storable facts of an exchange besides its values.

Enters: an `Exchange` with its header fields and its state. Leaves: an `ExchangeRow`: every text
bounded, printable and without the exchange's secrets, every number within 64 bits.
"""

import re
import urllib.parse
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.headers import HeaderReader, RequestHeaders, ResponseHeaders
from statetrail.extract.known_values import KnownValues
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.records import IDS, PROXY_USER, UNKNOWN_METHOD, Exchange
from statetrail.extract.state import State
from statetrail.extract.target import Path
from statetrail.extract.text import (
    clean,
    is_address,
    is_token,
    mask_free_text,
    mask_host,
    mask_path,
)

_SCHEMES: Final = frozenset(["http", "https"])
_METHODS: Final = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", UNKNOWN_METHOD]
)
_VERSIONS: Final = frozenset(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0"])
_FLOW_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# What mitmproxy and the reader of HAR files make.
_OWN_ID: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|har-[0-9a-f]{16}(?:-[0-9]{1,6})?"
)
_INT64: Final = 2**63
MAX_ENDS: Final = 2048
"""Pairs of a client and a host whose form as kept is cached."""
MAX_CACHED: Final = 512
"""Characters of such a pair."""
MAX_LOCATION: Final = 4096
"""Characters of a `Location` that are read."""


class ExchangeRow(msgspec.Struct, frozen=True, gc=False):
    """The storable facts of an exchange: table `exchanges` without its id, in column order after
    the capture."""

    flow_id: str
    request_start_us: int
    request_end_us: int | None
    response_start_us: int | None
    response_end_us: int | None
    peer: str | None
    user_agent: str | None
    proxy_user: str | None
    client_header: str | None
    method: str
    scheme: str
    host: str
    port: int
    path: str
    endpoint: str
    status: int | None
    http_version: str
    request_bytes: int | None
    response_bytes: int | None
    error: str | None
    cache_control: str | None
    age_s: int | None
    request_origin: str | None
    exposed_headers: str | None
    dialects: str
    notes: str
    source: str | None = None
    fetch_dest: str | None = None
    redirect_endpoint: str | None = None
    fetch_site: str | None = None
    fetch_mode: str | None = None
    fetch_storage_access: str | None = None
    has_cookies: int | None = None
    refused: str | None = None
    request_composed_us: int | None = None
    time_error_s: int | None = None


class _Ends(NamedTuple):
    """Client and host of a request, masked; `shown_…`: as kept where no secret is near.

    Secrets are looked for in `writings`, which has the other words of the request as well.
    """

    peer: str | None
    user: str | None
    host: str
    writings: str
    shown_peer: str | None
    shown_user: str | None
    shown_host: str


class RowReader(msgspec.Struct, frozen=True, gc=False):
    """Makes the rows of exchanges."""

    fingerprinter: Fingerprinter
    headers: HeaderReader
    known: KnownValues
    clear: frozenset[str]
    ends: BoundedCache[tuple[str | None, ...], _Ends] = msgspec.field(
        default_factory=lambda: BoundedCache(MAX_ENDS)
    )

    def read(
        self,
        exchange: Exchange,
        sent: RequestHeaders,
        received: ResponseHeaders,
        path: Path,
        state: State,
        *,
        notes: Iterable[str],
        source: str | None,
        refused: str | None = None,
        carries_key: bool = False,
    ) -> ExchangeRow:
        """The row of an exchange; `sent` and `received` are its header fields.

        `carries_key`: the target of a redirect has the key of a session.
        """
        request, response, secrets = exchange.request, exchange.response, state.secrets
        method, scheme, version = request.method, request.scheme, request.http_version
        parts = (request.peer, request.proxy_user, request.host, method, scheme, version)
        if (ends := self.ends.get(parts)) is None:
            ends = self._ends(*parts)
        # One look at all texts at once: as a rule no secret is near any of them.
        if (
            secrets.near(path.writings, sent.writings, received.writings, ends.writings)
            or secrets.known(path.names)
            or secrets.known(received.words)
            or self.known.near(
                *(path.shown, sent.kept, received.kept, ends.host, ends.peer, ends.user)
            )
        ):
            hide = secrets.hide
            peer = None if ends.peer is None else clean(hide(ends.peer), 64)
            user = None if ends.user is None else clean(hide(ends.user), 128)
            host = clean(hide(ends.host), 255)
            shown_path, endpoint = mask_path(
                request.target, self.fingerprinter, secrets, numbers=IDS in self.clear
            )
            client = self.headers.request_texts(sent, secrets)
            server = self.headers.response_texts(received, secrets)
        else:
            peer, user, host = ends.shown_peer, ends.shown_user, ends.shown_host
            shown_path, endpoint = path.shown, path.endpoint
            client, server = sent.texts, received.texts
        return ExchangeRow(
            self._flow_id(exchange.flow_id, secrets),
            max(-_INT64, min(request.start_us, _INT64 - 1)),
            _int64(request.end_us),
            _int64(response.start_us) if response is not None else None,
            _int64(response.end_us) if response is not None else None,
            peer,
            client.agent,
            user,
            client.client,
            method if method in _METHODS else clean(self._word(method, secrets), 32),
            scheme if scheme in _SCHEMES else clean(self._word(scheme, secrets), 16),
            host,
            max(0, min(request.port, 65_535)),
            shown_path,
            endpoint,
            _int64(response.status) if response is not None else None,
            version if version in _VERSIONS else clean(self._word(version, secrets), 16),
            _int64(request.body_bytes),
            _int64(response.body_bytes) if response is not None else None,
            None if exchange.error is None else clean(exchange.error, 64),
            server.cache_control,
            server.age_s,
            client.origin,
            server.exposed,
            state.dialects,
            clean(",".join(dict.fromkeys(notes)), 1024) if notes else "",
            source,
            sent.fetch_dest,
            None
            if carries_key or received.location is None
            else self._redirect(exchange, received, secrets),
            sent.fetch_site,
            sent.fetch_mode,
            sent.fetch_storage_access,
            int(sent.has_cookies),
            refused,
            _int64(request.composed_us),
            None if request.time_error_us is None else -(-request.time_error_us // 1_000_000),
        )

    def _ends(
        self,
        peer: str | None,
        user: str | None,
        host: str,
        method: str,
        scheme: str,
        version: str,
    ) -> _Ends:
        parts = (peer, user, host, method, scheme, version)
        host = mask_host(host.lower(), self.fingerprinter)
        if user is not None and PROXY_USER not in self.clear:
            user = self.fingerprinter.pseudonym(user)
        if peer is not None and not is_address(peer.partition("%")[0]):
            peer = self.fingerprinter.pseudonym(peer)
        others = "\0".join((peer or "", user or "", method, scheme, host, version))
        ends = _Ends(
            *(peer, user, host, "\0".join(writings(others))),
            None if peer is None else clean(peer, 64),
            None if user is None else clean(user, 128),
            clean(host, 255),
        )
        if sum([len(each) for each in parts if each]) <= MAX_CACHED:
            self.ends.keep(parts, ends)
        return ends

    def _word(self, text: str, secrets: Secrets) -> str:
        """A method, scheme or version that is none of those that are known."""
        return mask_free_text(secrets.hide(text), self.fingerprinter)

    def _redirect(
        self, exchange: Exchange, received: ResponseHeaders, secrets: Secrets
    ) -> str | None:
        """The endpoint that a redirect leads to, at the same host (RFC 9110, section 10.2.2)."""
        request, response, location = exchange.request, exchange.response, received.location
        if location is None or response is None or not 300 <= response.status < 400:
            return None
        try:
            here = f"{request.scheme}://{request.host}:{request.port}"
            base = urllib.parse.urljoin(here, request.target.decode("latin-1"))
            there = urllib.parse.urlsplit(urllib.parse.urljoin(base, location[:MAX_LOCATION]))
            if (there.hostname or "").lower() != request.host.lower():
                return None
        except ValueError:
            return None
        target = (there.path or "/").encode("utf-8", "surrogateescape")
        return mask_path(target, self.fingerprinter, secrets)[1]

    def _flow_id(self, flow_id: str, secrets: Secrets) -> str:
        """The flow id, which tells doubled exchanges apart: of a hostile file's its digest."""
        own = _OWN_ID.fullmatch(flow_id)
        if own or _FLOW_ID.fullmatch(flow_id):
            folded = flow_id.casefold()
            near = secrets.near_id(folded) if own else secrets.near(folded)
            known = near or secrets.known((folded,)) or self.known.holds(folded)
            if not known and (own or not (is_token(flow_id) or self.known.within(folded))):
                return flow_id
        return f"{self.fingerprinter.fingerprint(flow_id) % (2 * _INT64):016x}"


def _int64(number: int | None) -> int | None:
    return number if number is not None and -_INT64 <= number < _INT64 else None
