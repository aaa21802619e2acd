"""From an exchange to its copy without secrets.

Enters: an `Exchange`. Leaves: a `Copy`: what the recorder would store of the exchange, written as a
message again, so that reading the copy gives the same facts. Nothing else of the exchange is used:
the row's masked texts, the times, sizes and the status; state by pseudonyms that keep their form;
token candidates that are known state; header fields of a closed list (`fields`).
"""

import ipaddress
import re
import urllib.parse
from typing import Final, NamedTuple
from xml.sax.saxutils import quoteattr

from statetrail.dialects.place import OutgoingResponse
from statetrail.extract.cache import BoundedCache
from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, WireState, facts_with_state
from statetrail.extract.fingerprint import raw_bytes
from statetrail.extract.records import Exchange
from statetrail.extract.text import MAX_SEGMENTS, is_token, mask_free_text, target_segments
from statetrail.ingest.redact.documents import FORM, JSON, form_body, json_body, of_media
from statetrail.ingest.redact.fields import HarmlessFields
from statetrail.ingest.redact.pseudonyms import Pseudonyms
from statetrail.ingest.redact.state import Fields, Hide, StateCopier, encoded, query_field
from statetrail.schema import pseudonym

CACHED: Final = 4096
"""Texts, hosts and paths that are cached."""
MAX_CACHED: Final = 512
"""Bytes of such a path."""
_PATH_SAFE: Final = "/~;:@!$&'()*+,=-._"
_VERSION: Final = re.compile(r"HTTP/[0-9](?:\.[0-9])?|UNKNOWN|unknown", re.ASCII)
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*://)([^:\[\]]+)(:[0-9]+)?")
# Bodies in which nothing can be read for the same reason, and their content codings.
_UNREADABLE: Final = {
    "body-not-xml": (b"-", None),
    "body-no-root": (b"<", None),
    "body-dtd": (b"<!DOCTYPE r><r/>", None),
    "body-broken-coding": (b"----", "gzip"),
    "body-unknown-coding": (b"-", "x-unknown"),
}


class Copy(NamedTuple):
    """A message without secrets, for the writers of formats.

    `row` has the times, sizes, the status and the error. `sent` presents what the request's body
    did, and `body` issues what the response's did; `None` where the capture has none.
    """

    row: ExchangeRow
    notes: tuple[str, ...]
    method: str
    scheme: str
    host: str
    target: str
    http_version: str
    peer: str | None
    request_fields: Fields
    response_fields: Fields
    sent: bytes
    body: bytes | None


class Copier:
    """Makes the copies of a capture's exchanges.

    `hide` masks texts in which there is a secret of any exchange, where these are known.
    """

    def __init__(self, config: ExtractorConfig, pseudonyms: Pseudonyms, hide: Hide | None) -> None:
        self.pseudonyms = pseudonyms
        self._config = config
        self._fingerprinter = config.fingerprinter
        self._state = StateCopier(config.compiled, pseudonyms, config.fingerprinter, hide)
        self._hide = hide
        self._harmless = HarmlessFields()
        self._texts: BoundedCache[str, str] = BoundedCache(CACHED)
        self._hosts: BoundedCache[str, str] = BoundedCache(CACHED)
        self._paths: BoundedCache[tuple[bytes, str], tuple[str, ...]] = BoundedCache(CACHED)
        self._issuing = tuple(
            start.decode() for each in config.compiled for start in each.issuing_fields
        )
        self._words = frozenset(word for each in config.compiled for word in each.words)

    def copy(self, exchange: Exchange) -> tuple[Copy, WireState]:
        """The copy of an exchange, and the state that was in it, which holds secrets."""
        facts, wire = facts_with_state(exchange, self._config)
        row, request, response = facts.exchange, exchange.request, exchange.response
        presented = self._state.presented(wire.presented, facts.presented)
        issued = self._state.issued(wire.issued, facts.issued)
        target, candidates = self._target(exchange, facts, presented.query)
        body, coding = _stand_in(exchange, wire, issued)
        sent = [
            ("user-agent", self._text(row.user_agent)),
            ("origin", self._origin(row.request_origin)),
            ("sec-fetch-dest", row.fetch_dest),
            *self._harmless.of_request(request.headers),
            *presented.fields,
            *candidates,
        ]
        received: list[tuple[str, str | None]] = []
        if response is not None:
            received = [
                ("cache-control", row.cache_control),
                ("age", None if row.age_s is None else str(row.age_s)),
                ("access-control-expose-headers", self._exposed(row.exposed_headers)),
                ("location", self._location(row.redirect_endpoint)),
                ("content-encoding", coding),
                *self._harmless.of_response(response.headers),
                *issued.fields,
            ]
        sent_fields = [(name, value) for name, value in sent if value is not None]
        received_fields = [(name, value) for name, value in received if value is not None]
        content = b""
        if presented.members:
            content, sent_fields = json_body(presented.members), of_media(sent_fields, JSON)
        elif presented.form:
            content, sent_fields = form_body(presented.form), of_media(sent_fields, FORM)
        if issued.members and not issued.attributes:
            received_fields = of_media(received_fields, JSON)
        made = Copy(
            row=row,
            notes=exchange.notes,
            method=self._text(row.method) or "",
            scheme=self._text(row.scheme) or "",
            host=self._host(row.host),
            target=target,
            http_version=row.http_version if _VERSION.fullmatch(row.http_version) else "unknown",
            peer=self._peer(row.peer),
            request_fields=sent_fields,
            response_fields=received_fields,
            sent=content,
            body=body,
        )
        return made, wire

    def _target(
        self, exchange: Exchange, facts: ExchangeFacts, query: list[str]
    ) -> tuple[str, list[tuple[str, str]]]:
        """The target of the copy, and header fields: token candidates that are known state."""
        segments = [*self._segments(exchange.request.target, facts.exchange.path)]
        query = [*query]
        elsewhere: list[tuple[str, str]] = []
        for candidate in facts.token_candidates:
            if (value := self._state.known.get(candidate.fingerprint)) is None:
                continue
            masked = pseudonym(candidate.fingerprint)
            if candidate.place == "header":
                elsewhere.append(("x-other", value))
            elif candidate.place == "referer":
                elsewhere.append(("referer", f"https://other.invalid/?value={encoded(value)}"))
            elif candidate.place == "query":
                query.append(query_field("_value", value))
            elif masked in segments:
                segments[segments.index(masked)] = encoded(value)
            else:
                segments[-1] += f";value={encoded(value)}"
        return "/".join(segments) + ("?" + "&".join(query) if query else ""), elsewhere

    def _segments(self, target: bytes, path: str) -> tuple[str, ...]:
        """The masked path, percent-encoded; segments that a dialect knows stay."""
        key = target.partition(b"?")[0], path
        if (known := self._paths.get(key)) is None:
            known = self._new_segments(target, path)
            if len(key[0]) <= MAX_CACHED:
                self._paths.keep(key, known)
        return known

    def _new_segments(self, target: bytes, path: str) -> tuple[str, ...]:
        shown = path.split("/")
        names = [urllib.parse.unquote(segment) for segment in target_segments(target)]
        words = [name if name.casefold() in self._words else None for name in names]
        if shown[-1] == "…":
            shown[-1:] = [*(word for word in words[MAX_SEGMENTS:] if word), "…"]
        elif len(shown) < len(names):
            # Hidden as a whole: all but what the dialects are told by.
            shown = [name and self._fingerprinter.pseudonym(name) for name in names]
        for at, word in enumerate(words[: min(len(shown), MAX_SEGMENTS)]):
            if word is not None:
                shown[at] = word
            elif self._hide is not None:
                shown[at] = self._hide(shown[at])
        if self._hide is not None and self._hide("/".join(shown)) != "/".join(shown):
            shown = ["", *(self._fingerprinter.pseudonym(each) for each in shown[1:])]
        return tuple([urllib.parse.quote(segment, safe=_PATH_SAFE) for segment in shown])

    def _location(self, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        return "/".join(self._segments(endpoint.encode(), endpoint))

    def _text(self, text: str | None) -> str | None:
        if text is None or (cached := self._texts.get(text)) is not None:
            return None if text is None else cached
        masked = mask_free_text(text, self._fingerprinter)
        if self._hide is not None:
            masked = self._hide(masked)
        return self._texts.keep(text, masked)

    def _exposed(self, names: str | None) -> str | None:
        """The names of fields that a dialect reads; whether others are exposed says nothing."""
        if names is None:
            return None
        kept = [name for name in names.split(",") if name == "*" or name.startswith(self._issuing)]
        return self._text(",".join(kept))

    def _host(self, host: str) -> str:
        if (cached := self._hosts.get(host)) is not None:
            return cached
        labels = [host] if _is_address(host) else host.split(".")
        shown = ".".join(map(self._label, labels))
        if self._hide is not None and self._hide(shown) != shown:
            shown = self._label_name(shown)
        return self._hosts.keep(host, shown)

    def _label(self, label: str) -> str:
        opaque = (is_token(label) and not _is_address(label)) or "~" in label
        return self._label_name(label) if opaque else label

    def _label_name(self, text: str) -> str:
        """A pseudonym that a host name can have."""
        return f"x{self._fingerprinter.pseudonym(text)[1:]}"

    def _origin(self, origin: str | None) -> str | None:
        if origin is None or (parts := _ORIGIN.fullmatch(origin)) is None:
            return origin
        return f"{parts[1]}{self._host(parts[2])}{parts[3] or ''}"

    def _peer(self, peer: str | None) -> str | None:
        """Another address: of the network fd00::/8, which is nobody's."""
        if peer is None or not _is_address(peer):
            return None if peer is None else self._fingerprinter.pseudonym(peer)
        if ipaddress.ip_address(peer).is_loopback:
            return peer
        number = self._fingerprinter.fingerprint(peer) % 2**64
        return str(ipaddress.IPv6Address(0xFD << 120 | number))


def _stand_in(
    exchange: Exchange, wire: WireState, issued: OutgoingResponse
) -> tuple[bytes | None, str | None]:
    """The body of the copy, and its content coding."""
    if "body-unseen" in exchange.notes:
        return None, None
    if issued.attributes:
        pairs = "".join(f" {name}={quoteattr(value)}" for name, value in issued.attributes.items())
        return raw_bytes(f"<r{pairs}/>"), None
    if issued.members:
        return json_body(issued.members), None
    notes = [note for note in wire.notes if note in _UNREADABLE]
    return _UNREADABLE[notes[0]] if notes else (b"", None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
