"""HAR 1.2 files as exchanges.

Enters: a HAR file's stream of bytes. Leaves: an `Exchange` an entry, one at a time, in the file's
order; unreadable entries are counted in a `ReadReport`. No content of a file raises an exception or
is quoted in a message.

HAR has the response's content decoded, so `Response.codings` is empty; a client is identified by
its ``User-Agent`` and, if the writer adds one, an address in an extension field.
"""

import base64
import ipaddress
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from statetrail.errors import CaptureError
from statetrail.extract import Exchange, Fingerprinter, Request, Response
from statetrail.extract.bodies import MAX_SEARCHED
from statetrail.extract.records import Fields
from statetrail.ingest.flow import ERRORS
from statetrail.ingest.har.entry import (
    Content,
    EntryError,
    HarEntry,
    HarResponse,
    Header,
    PostData,
    read_entry,
)
from statetrail.ingest.har.split import CUT, Stream, split_entries
from statetrail.ingest.har.times import Times, times
from statetrail.ingest.skipped import ReadReport, TruncatedError

MAX_INT: Final = 2**63 - 1
_CUT: Final = CUT.encode()

_URL: Final = re.compile(
    r"(?P<scheme>https?|wss?)://(?:[^@/?#]*@)?"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<host>[^:/?#\[\]@\s]+))(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<target>(?:[/?][^#]*)?)(?:#|\Z)",
    re.IGNORECASE,
)
_PORTS: Final = {"http": 80, "https": 443}
_VERSIONS: Final = {
    **dict.fromkeys(("H2", "H2C", "HTTP/2"), "HTTP/2.0"),
    **dict.fromkeys(("H3", "HTTP/3.0"), "HTTP/3"),
}
_PEER: Final = re.compile(
    r"\[(?P<v6>[^\]]{2,45})\](?::[0-9]{1,5})?|(?P<v4>[0-9.]{7,15}):[0-9]{1,5}", re.ASCII
)
# The text is decoded, so the encoding in its XML declaration is no longer true.
_XML_ENCODING: Final = re.compile(
    r"""(\A\ufeff?\s*<\?xml\s[^>]{0,200}?)encoding\s*=\s*(?:"[^">]*"|'[^'>]*')"""
)
_ABORTED: Final = re.compile(r"abort|cancel", re.IGNORECASE)


def read_har(
    stream: Stream, fingerprinter: Fingerprinter | None, report: ReadReport
) -> Iterator[Exchange]:
    """The exchanges of a HAR file. Raises `CaptureError` if it is JSON but no HAR file."""
    return (exchange for _, exchange in read_har_entries(stream, fingerprinter, report))


def read_har_entries(
    stream: Stream, fingerprinter: Fingerprinter | None, report: ReadReport
) -> Iterator[tuple[HarEntry, Exchange]]:
    """The entries of a HAR file with their exchanges. Raises as `read_har` does.

    An entry's `flow_id` is a keyed digest of it, so that the same entry in another file is the same
    exchange; identical entries of one file are numbered. Without a fingerprinter it is empty. The
    report counts skipped entries, and
    says whether the file is truncated.
    """
    # One number an entry: a million entries take about 100 MB.
    digests: set[int] = set()
    repeats: Counter[int] = Counter()
    try:
        for raw in split_entries(stream):
            report.entries += 1
            try:
                if raw is None:
                    raise EntryError("large")
                entry = read_entry(raw)
                if fingerprinter is None:
                    yield entry, exchange_from_entry(entry, "")
                    continue
                digest = fingerprinter.fingerprint(_canonical(entry))
                flow_id = f"har-{digest & 0xFFFF_FFFF_FFFF_FFFF:016x}"
                if digest in digests:
                    repeats[digest] += 1
                    flow_id += f"-{repeats[digest] + 1}"
                exchange = exchange_from_entry(entry, flow_id)
            except EntryError as error:
                report.skipped[str(error)] += 1
                continue
            digests.add(digest)
            yield entry, exchange
    except TruncatedError as error:
        if str(error) == "foreign":
            raise CaptureError("it is JSON, but has no list log.entries") from None
        report.truncation = str(error)


def exchange_from_entry(entry: HarEntry, flow_id: str) -> Exchange:
    """The exchange of an entry.

    Raises `EntryError` where there is none: ``other``, ``cached``, ``url`` or ``start``.
    """
    if entry.from_cache:
        raise EntryError("cached")
    url = _URL.match(entry.request.url)
    if url is None:
        web = entry.request.url[:5].lower().startswith(("http", "ws:", "wss:"))
        raise EntryError("url" if web else "other")
    scheme = {"ws": "http", "wss": "https"}.get(url["scheme"].lower(), url["scheme"].lower())
    port = int(url["port"]) if url["port"] else _PORTS[scheme]
    if port > 65_535:
        raise EntryError("url")
    target = url["target"]
    when = times(entry)
    notes = list(when.notes)
    version = (entry.request.http_version or "").upper()
    request = Request(
        method=entry.request.method,
        scheme=scheme,
        host=url["v6"] or url["host"],
        port=port,
        target=_utf8(target if target.startswith("/") else f"/{target}"),
        headers=_fields(entry.request.headers),
        http_version=_VERSIONS.get(version, version) or "unknown",
        start_us=when.request_start_us,
        end_us=when.request_end_us,
        body_bytes=_size(entry.request.body_size),
        peer=_peer(entry.client),
        body=_content(entry.request.post_data),
    )
    fault = entry.error or (entry.response.error if entry.response else None)
    response = _response(entry.response, entry.request.method, when, notes, cut_short=bool(fault))
    error = _error(fault) if fault or response is None else None
    answer = response.headers if response else ()
    values = (_utf8(target), *(value for _, value in (*request.headers, *answer)))
    if any(value.endswith(_CUT) for value in values):
        notes.append("har-cut")
    return Exchange(flow_id, request, response, error, tuple(notes))


def _response(
    answer: HarResponse | None, method: str, when: Times, notes: list[str], *, cut_short: bool
) -> Response | None:
    status = min(int(answer.status or 0), 999) if answer is not None else 0
    if answer is None or status <= 0:
        return None
    bodiless = method.upper() == "HEAD" or status < 200 or status in (204, 304)
    return Response(
        status=status,
        headers=_fields(answer.headers),
        start_us=when.response_start_us,
        end_us=None if cut_short else when.response_end_us,
        body=_body(answer.content or Content(), notes, bodiless=bodiless),
        body_bytes=_size(answer.body_size),
        codings=(),
    )


def _body(content: Content, notes: list[str], *, bodiless: bool) -> bytes:
    """The beginning of the content; a note if there was content that the file lacks."""
    if not content.text:
        if not bodiless and (
            content.size != 0 if content.text is None else (content.size or 0) > 0
        ):
            notes.append("body-unseen")
        return b""
    if (content.encoding or "").lower() == "base64":
        encoded = "".join(content.text[: 2 * MAX_SEARCHED].split())
        try:
            return base64.b64decode(encoded[: len(encoded) // 4 * 4])[:MAX_SEARCHED]
        except ValueError:
            notes.append("body-broken-coding")
            return b""
    return _utf8(_XML_ENCODING.sub(r"\1", content.text[:MAX_SEARCHED], count=1))[:MAX_SEARCHED]


def _fields(headers: list[Header]) -> Fields:
    """Header fields as bytes, without HTTP/2's pseudo fields.

    No field has a line feed: with one, writers join the fields of one name.
    """
    return tuple(
        (_wire(header.name), _wire(value))
        for header in headers
        if not header.name.startswith(":")
        for value in header.value.split("\n")
    )


def _content(posted: PostData | None) -> bytes:
    """What a request sent: its text, or the form that its fields make."""
    if posted is None:
        return b""
    if posted.text or not posted.params:
        return _utf8((posted.text or "")[:MAX_SEARCHED])[:MAX_SEARCHED]
    pairs = [(each.name or "", each.value or "") for each in posted.params]
    return urllib.parse.urlencode(pairs, errors="surrogatepass").encode()[:MAX_SEARCHED]


def _wire(text: str) -> bytes:
    # Most writers decode a header as Latin-1, some as UTF-8 with surrogates.
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return _utf8(text)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _size(size: float | None) -> int | None:
    return int(size) if size is not None and 0 <= size < MAX_INT else None


def _peer(address: str | None) -> str | None:
    """The client's address without its port; `None` for a text that is no address."""
    if address is None or len(address) > 64:
        return None
    ported = _PEER.fullmatch(address.strip())
    bare = (ported["v6"] or ported["v4"]) if ported else address.strip()
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        return None


def _error(fault: str | None) -> str:
    """The word of the closed list for an error; its text may quote anything."""
    if not fault:
        return "no-response"
    if _ABORTED.search(fault):
        return "client-disconnected"
    plain = fault[:256].replace("_", " ")
    return next(name for name, pattern in ERRORS if pattern.search(plain))


def _canonical(entry: HarEntry) -> bytes:
    """A digest of the fields that identify an entry."""
    answer = entry.response
    parts = (
        *(entry.started, entry.time, entry.request.method, entry.request.url),
        *(entry.request.headers, answer.status if answer else None, answer and answer.headers),
    )
    try:
        raw = msgspec.msgpack.encode(parts)
    except UnicodeEncodeError:  # lone surrogates
        raw = repr(parts).encode("utf-8", "backslashreplace")
    return blake2b(raw, digest_size=32).digest()
