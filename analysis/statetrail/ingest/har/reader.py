"""HAR 1.2 files as exchanges.

Enters: a HAR file's stream of bytes. Leaves: an `Exchange` an entry, one at a time, in the file's
order; unreadable entries are counted in a `ReadReport`. No content of a file raises an exception or
is quoted in a message.

A client is identified by
its ``User-Agent`` and, if the writer adds one, an address in an extension field.
"""

import base64
import ipaddress
import re
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from statetrail.errors import CaptureError
from statetrail.extract.bodies import MAX_SEARCHED
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import (
    ANSWERED,
    PERHAPS_CACHED,
    UNKNOWN_METHOD,
    Exchange,
    Request,
    Response,
)
from statetrail.ingest.flow import ERRORS
from statetrail.ingest.har.content import body_of
from statetrail.ingest.har.cookies import with_received, with_sent
from statetrail.ingest.har.digests import Digests
from statetrail.ingest.har.entry import (
    Content,
    EntryError,
    HarEntry,
    PostData,
    read_entries,
    read_entry,
)
from statetrail.ingest.har.heads import HeadReader, utf8
from statetrail.ingest.har.split import split_entries
from statetrail.ingest.har.times import Times, Writer, creator_of, times, writer_of
from statetrail.ingest.har.workers import Workers
from statetrail.ingest.skipped import ReadReport, TruncatedError
from statetrail.ingest.source import Continued, Stream

type Beside = Callable[[str], bytes | None]
"""Gives the beginning of a body that stands in a file of its own."""

MAX_INT: Final = 2**63 - 1
_BEGINNING: Final = 65_536
"""Bytes in which the name of the program that wrote a file is looked for."""

_VERSIONS: Final = {
    **dict.fromkeys(("H2", "H2C", "HTTP/2"), "HTTP/2.0"),
    **dict.fromkeys(("H3", "HTTP/3.0"), "HTTP/3"),
}
_PEER: Final = re.compile(
    r"\[(?P<v6>[^\]]{2,45})\](?::[0-9]{1,5})?|(?P<v4>[0-9.]{7,15}):[0-9]{1,5}", re.ASCII
)
_CAUSES: Final = (
    ("client-disconnected", r"(?<!connection.)aborted|cancel"),
    ("timeout", r"timed?[ _-]?out"),
    ("tls", r"SSL|CERT|TLS|PKIX|SEC_ERROR"),
    (
        "connect-failed",
        (
            r"internet.disconnected|name.not.resolved|unknown.host|unreachable|refused|offline"
            r"|connection.failed|network.changed|address.invalid|(?:proxy|tunnel|socks).connection"
            r"|access.denied|name.resolution|NOT_CONNECTED_TO_INTERNET|could not connect"
        ),
    ),
    (
        "server-disconnected",
        (
            r"connection.(?:reset|closed|aborted|was lost)|empty.response|incomplete|mismatch"
            r"|net.(?:reset|interrupt|partial)|socket.not.connected"
        ),
    ),
)
_CAUSED: Final = tuple((name, re.compile(text, re.IGNORECASE)) for name, text in _CAUSES)
"""Why a request failed: a word, and a pattern of what browsers call it."""
_BY_BROWSER: Final = b"non-authoritative-reason"
"""The header field of a redirect that the browser made up: the request was never sent (HSTS)."""
_BLOCKED: Final = re.compile(r"BLOCKED_BY_(?:CLIENT|CSP|ADMINISTRATOR|ORB)\b", re.IGNORECASE)


def read_har(
    stream: Stream,
    fingerprinter: Fingerprinter | None,
    report: ReadReport,
    beside: Beside | None = None,
) -> Iterator[Exchange]:
    """The exchanges of a HAR file. Raises `CaptureError` if it is JSON but no HAR file."""
    for some in read_har_entries(stream, fingerprinter, report, beside):
        for _, exchange in some:
            yield exchange


def read_har_entries(
    stream: Stream,
    fingerprinter: Fingerprinter | None,
    report: ReadReport,
    beside: Beside | None = None,
) -> Iterator[list[tuple[HarEntry, Exchange]]]:
    """The entries of a HAR file with their exchanges, some at a time. Raises as `read_har` does.

    An entry's `flow_id` is a keyed digest of its start, method and URL, so that it is the same in
    another file; entries of one file that share it are numbered. Without a fingerprinter it is
    empty. The report counts skipped entries, and says whether the file is truncated. `beside` has
    the bodies that stand in files of their own.
    """
    digests = Digests()
    repeats: Counter[int] = Counter()
    heads, workers, beginning = HeadReader(), Workers(), stream.read(_BEGINNING)
    writer = writer_of(beginning)
    # Chromium's developer tools, of late.
    report.unseen.credentials.sanitises = creator_of(beginning) == "webinspector"

    def read(entry: HarEntry | EntryError) -> tuple[HarEntry, Exchange] | None:
        report.entries += 1
        try:
            if isinstance(entry, EntryError):
                raise entry
            if beside is not None:
                _attach(entry, beside)
            if fingerprinter is None:
                return entry, exchange_from_entry(entry, "", heads, writer)
            digest = fingerprinter.fingerprint(_canonical(entry))
            flow_id = f"har-{digest & 0xFFFF_FFFF_FFFF_FFFF:016x}"
            if digest in digests:
                repeats[digest] += 1
                flow_id += f"-{repeats[digest] + 1}"
            exchange = exchange_from_entry(entry, flow_id, heads, writer)
        except EntryError as error:
            report.skipped[str(error)] += 1
            return None
        if digest not in repeats:
            digests.add(digest)
        return entry, exchange

    try:
        for entries in _entries(Continued(beginning, stream)):
            yield [each for each in map(read, workers.settled(entries)) if each is not None]
    except TruncatedError as error:
        if str(error) == "foreign":
            raise CaptureError("it is JSON, but has no list log.entries") from None
        report.truncation = str(error)
    yield [each for each in map(read, workers.rest()) if each is not None]


def _attach(entry: HarEntry, beside: Beside) -> None:
    """Put bodies that stand in files of their own into the entry."""
    form, answer = entry.request.post_data, entry.response
    if form is not None and form.text is None and (name := form.file or form.digest) is not None:
        form.text = (beside(name) or b"").decode("utf-8", "surrogateescape")
    content = answer.content if answer is not None else None
    if content is not None and (name := content.file or content.digest) is not None:
        body = beside(name)
        if body is not None and content.text is None:
            content.text, content.encoding = base64.b64encode(body).decode(), "base64"


def _entries(stream: Stream) -> Iterator[Sequence[HarEntry | EntryError]]:
    """The entries of a HAR file, or why one is none; those of a piece together."""
    for part in split_entries(stream, read_entries):
        if isinstance(part, list):
            yield part
            continue
        try:
            yield (read_entry(part) if part is not None else EntryError("large"),)
        except EntryError as error:
            yield (error,)


def exchange_from_entry(
    entry: HarEntry,
    flow_id: str,
    heads: HeadReader | None = None,
    writer: Writer | None = None,
) -> Exchange:
    """The exchange of an entry of a file that `writer` wrote; `heads` reads the heads of the file.

    Raises `EntryError` where there is none: ``other``, ``cached``, ``blocked``, ``internal``,
    ``url`` or ``start``.
    """
    if entry.is_cached or (writer == "firefox" and entry.is_cached_in_firefox):
        raise EntryError("cached")
    heads = heads or HeadReader()
    fault = entry.error or (entry.response.error if entry.response else None)
    if fault is not None and _BLOCKED.search(fault[:256]):
        raise EntryError("blocked")
    scheme, host, port, target, is_cut = heads.address(entry.request.url)
    when = times(entry, writer)
    notes = list(when.notes)
    if entry.is_overridden:
        notes.append(ANSWERED)
    version = (entry.request.http_version or "").upper()
    sent, sent_cut = heads.fields(entry.request.headers)
    if entry.request.cookies:
        sent = with_sent(sent, entry.request.cookies)
    request = Request(
        method=entry.request.method or UNKNOWN_METHOD,
        scheme=scheme,
        host=host,
        port=port,
        target=target,
        headers=sent,
        http_version=_VERSIONS.get(version, version) or "unknown",
        start_us=when.request_start_us,
        end_us=when.request_end_us,
        body_bytes=_size(entry.request.body_size),
        peer=peer_of(entry.client),
        body=_content(entry.request.post_data),
        composed_us=when.composed_us,
        time_error_us=when.time_error_us,
    )
    if entry.is_perhaps_cached:
        notes.append(PERHAPS_CACHED)
    is_open = bool(fault) or entry.is_perhaps_cached
    response, received_cut = _response(entry, when, notes, heads, cut_short=is_open)
    if (
        response is not None
        and response.status == 307
        and any(name.lower() == _BY_BROWSER for name, _ in response.headers)
    ):
        raise EntryError("internal")
    error = error_of(fault) if fault or response is None else None
    if is_cut or sent_cut or received_cut:
        notes.append("har-cut")
    return Exchange(flow_id, request, response, error, tuple(notes))


def _response(
    entry: HarEntry, when: Times, notes: list[str], heads: HeadReader, *, cut_short: bool
) -> tuple[Response | None, bool]:
    """The response of an entry; whether one of its header fields lacks its end."""
    answer = entry.response
    status = min(int(answer.status or 0), 999) if answer is not None else 0
    if answer is None or status <= 0:
        return None, False
    bodiless = status < 200 or status in (204, 304) or entry.request.method in ("HEAD", "head")
    fields, is_cut = heads.fields(answer.headers)
    if answer.cookies:
        fields = with_received(fields, answer.cookies)
    # What stands there is of the cache that was asked to use what it has.
    content = Content() if status == 304 else answer.content or Content()
    body = body_of(content, fields, MAX_SEARCHED, size=answer.body_size, bodiless=bodiless)
    if body.note is not None:
        notes.append(body.note)
    response = Response(
        status=status,
        headers=fields,
        start_us=when.response_start_us,
        end_us=None if cut_short else when.response_end_us,
        body=body.data,
        body_bytes=_size(answer.body_size),
        codings=body.codings,
    )
    return response, is_cut


def _content(posted: PostData | None) -> bytes:
    """What a request sent: its text, or the form that its fields make."""
    if posted is None:
        return b""
    if posted.text or not posted.params:
        return utf8((posted.text or "")[:MAX_SEARCHED])[:MAX_SEARCHED]
    pairs = [(each.name or "", each.value or "") for each in posted.params]
    return urllib.parse.urlencode(pairs, errors="surrogatepass").encode()[:MAX_SEARCHED]


def _size(size: float | None) -> int | None:
    return int(size) if size is not None and 0 <= size < MAX_INT else None


def peer_of(address: str | None) -> str | None:
    """The client's address without its port; `None` for a text that is no address."""
    if address is None or len(address) > 64:
        return None
    ported = _PEER.fullmatch(address.strip())
    bare = (ported["v6"] or ported["v4"]) if ported else address.strip()
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def error_of(fault: str | None) -> str:
    """The word of the closed list for an error; its text may quote anything."""
    if not fault:
        return "no-response"
    for name, pattern in _CAUSED:
        if pattern.search(fault[:256]):
            return name
    plain = fault[:256].replace("_", " ")
    return next(name for name, pattern in ERRORS if pattern.search(plain))


def _canonical(entry: HarEntry) -> bytes:
    """What identifies a request, in whichever export it is."""
    request = entry.request
    return f"{entry.started}\0{request.method}\0{request.url}".encode("utf-8", "surrogatepass")
