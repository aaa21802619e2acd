"""Redacting a capture: its exchanges are read once, copied, and the copy is searched.

Enters: a capture file. Leaves: a new file (of mitmproxy flows for one of these, else a HAR; for a
zip file of several captures a zip file) with a copy of each exchange that an import would read, of
mode 0600; or an error, and no file. The secrets that were met on the way live in memory; at the end
the copy is searched for all of them. Where a text that stayed turns out to be a secret of another
exchange, the copy is made again with all known.
"""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from mitmproxy.http import HTTPFlow, Message
from mitmproxy.io import FlowWriter

from statetrail.dialects import Dialect
from statetrail.dialects.grammar import PRIORITIES, USAGES
from statetrail.dialects.wire import BodyError
from statetrail.errors import CaptureError
from statetrail.extract.bodies import BodyBeginning
from statetrail.extract.cache import BoundedCache
from statetrail.extract.extractor import ExtractorConfig
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.extract.wire_values import in_body
from statetrail.ingest.captures import FoundCapture, captures_in
from statetrail.ingest.flow import ERRORS
from statetrail.ingest.flowfile import opened_flows, read_http_flows
from statetrail.ingest.formats.flows import FLOWS
from statetrail.ingest.redact.bodies import copied_body
from statetrail.ingest.redact.collecting import SecretCollector
from statetrail.ingest.redact.copier import Copier, Copy
from statetrail.ingest.redact.fields import VOCABULARY
from statetrail.ingest.redact.flows import copied_flow
from statetrail.ingest.redact.har import HEAD, TAIL, har_entry
from statetrail.ingest.redact.matcher import OVERLAP, Matcher
from statetrail.ingest.redact.pseudonyms import Pseudonyms
from statetrail.ingest.redact.state import Hide
from statetrail.ingest.skipped import ReadReport

_CHUNK: Final = 1 << 18
_CACHED: Final = 4096
# Lower-case words of every copy.
_SKELETON: Final = (
    "log version creator name statetrail redact entries request method url httpversion headers "
    "querystring cookies headerssize bodysize postdata mimetype text starteddatetime time "
    "response cache timings _fetchtype inspector override _error _clientaddress status "
    "statustext content size encoding "
    "base64 redirecturl value blocked connect receive user-agent origin access-control-expose- "
    "headers location content-encoding x-unknown x-other referer https other.invalid get head "
    "post put patch delete options trace unknown proxyauth backup client_conn server_conn "
    "certificate_list alpn_offers cipher_list peername sockname timestamp_start "
    "timestamp_tcp_setup timestamp_tls_setup timestamp_end timestamp_created tls_established "
    "tls_version address authority headers host path port scheme trailers reason status_code "
    "intercepted is_replay marked metadata comment error websocket regular state "
    "transport_protocol proxy_mode via sni cipher server client request http_version doctype "
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """The result: exchanges in the copy, secrets that were looked for, what could not be read."""

    exchanges: int
    secrets: int
    problem: str | None


def redact(
    source: Path, target: Path, dialects: tuple[Dialect, ...], key: bytes, *, bodies: bool = False
) -> Redacted:
    """Write a capture's copy without secrets.

    Parameters
    ----------
    key
        For the pseudonyms: with the same key captures get the same ones.
    bodies
        Whether bodies of JSON, XML and forms stay, with pseudonyms for their values.

    Raises
    ------
    CaptureError
        The file is no capture, nothing in it is an exchange, or a secret would be in the copy; then
        there is no copy.
    """
    run = _Run(source, dialects, key, bodies=bodies)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            report, exchanges = run.write(file, None)
            if not exchanges and (report.skipped or report.truncation):
                raise CaptureError(f"{source} holds no exchange to copy: {report.sentence()}")
            matcher = run.matcher()
            if found := _holds(file, matcher):
                file.seek(0)
                file.truncate()
                run.write(file, matcher)
                found = _holds(file, matcher)
            if found:
                raise CaptureError(
                    f"{source} cannot be redacted: a secret of it is still in the copy, which was "
                    "therefore not kept"
                )
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Redacted(exchanges, len(matcher), report.sentence())


class _Run:
    """One capture, whose copy is written once or twice."""

    def __init__(
        self, source: Path, dialects: tuple[Dialect, ...], key: bytes, *, bodies: bool
    ) -> None:
        self._captures = captures_in(source)
        self._config = ExtractorConfig(dialects, Fingerprinter(key), max_known=0)
        establish = {p.establish for d in dialects for p in d.params if p.establish is not None}
        self._pseudonyms = Pseudonyms(key, frozenset(establish))
        self._bodies = bodies
        self._matcher: Matcher | None = None
        self.secrets = SecretCollector(self._config)

    def matcher(self) -> Matcher:
        """What finds the secrets that were met."""
        dialects = [each.dialect for each in self._config.compiled]
        names = [name for d in dialects for name in (d.name, *(p.name for p in d.params))]
        words = (*USAGES, *PRIORITIES, *(name.replace("-", " ") for name, _ in ERRORS))
        vocabulary = " ".join((_SKELETON, VOCABULARY, *words, *names, *self.secrets.clear))
        return self.secrets.matcher.built(vocabulary.casefold())

    def write(self, file: BinaryIO, matcher: Matcher | None) -> tuple[ReadReport, int]:
        """Write the copy; with a matcher, texts in which it finds a secret are masked."""
        self._matcher = matcher
        hide = _hider(matcher, self._config.fingerprinter) if matcher is not None else None
        copier = Copier(self._config, self._pseudonyms, hide)
        report, count = ReadReport(), 0
        for number, found in enumerate(self._captures):
            write = self._write_flows if found.format is FLOWS else self._write_har
            with self._member(file, number) as copied:
                count += write(copied, found, copier, report)
        file.flush()
        return report, count

    @contextmanager
    def _member(self, file: BinaryIO, number: int) -> Iterator[IO[bytes]]:
        """Where the copy of a capture is written: of several, which are clients of their own, to a
        member of a zip file, not compressed, so that the file can be searched."""
        if len(self._captures) == 1:
            yield file
            return
        with (
            zipfile.ZipFile(file, "a" if number else "w", zipfile.ZIP_STORED) as archive,
            archive.open(zipfile.ZipInfo(f"{number + 1}"), "w", force_zip64=True) as member,
        ):
            yield member

    def _write_flows(
        self, file: IO[bytes], found: FoundCapture, copier: Copier, report: ReadReport
    ) -> int:
        """Write the copies of a capture's flows as a flow file. Returns how many there are."""
        count, writer = 0, FlowWriter(cast("BinaryIO", file))  # type: ignore[no-untyped-call]
        with found.open() as opened, opened_flows(opened, report) as flows:
            for flow, exchange in read_http_flows(flows, report):
                copy = self._copy(exchange, copier)
                bodies = self._of_flow(flow, copy)
                writer.add(copied_flow(flow, copy, bodies, self._config.fingerprinter))
                count += 1
        return count

    def _write_har(
        self, file: IO[bytes], found: FoundCapture, copier: Copier, report: ReadReport
    ) -> int:
        """Write the copies of a capture's exchanges as a HAR. Returns how many there are."""
        count = 0
        file.write(HEAD)
        with found.open() as opened:
            for exchange, sent, received in found.format.with_bodies(
                opened, report, responses=self._bodies
            ):
                copy = self._copy(exchange, copier)
                bodies = ("", "")
                if self._bodies:
                    bodies = self._both(_plain(sent), _plain(received), copy)
                file.write((b",\n" if count else b"\n") + har_entry(exchange, copy, bodies))
                count += 1
        file.write(TAIL)
        return count

    def _copy(self, exchange: Exchange, copier: Copier) -> Copy:
        copy, wire = copier.copy(exchange)
        self.secrets.add(exchange, wire)
        return copy

    def _of_flow(self, flow: HTTPFlow, copy: Copy) -> tuple[str, str]:
        return (
            self._both(_text(flow.request), _text(flow.response), copy)
            if self._bodies
            else ("", "")
        )

    def _both(self, sent: str, received: str, copy: Copy) -> tuple[str, str]:
        """What stays of both bodies; the response's only if the same state is read in it."""
        answer = self._body(received) if copy.body is not None else ""
        if self._state_of(answer.encode()) != self._state_of(copy.body or b""):
            answer = ""
        return self._body(sent), answer

    def _body(self, body: str) -> str:
        """What stays of a body: nothing where one of its names turned out to be a secret."""
        copied = copied_body(body, self._pseudonyms)
        return "" if self._matcher is not None and self._matcher.holds(copied) else copied

    def _state_of(self, body: bytes) -> list[object]:
        found: list[object] = []
        for compiled in self._config.compiled:
            for reading in compiled.body_readers:
                try:
                    found.append(in_body(BodyBeginning(body, (), None), reading.reader))
                except BodyError:
                    found.append((None,) * len(reading.reader.params))
        return found


def _hider(matcher: Matcher, fingerprinter: Fingerprinter) -> Hide:
    cache: BoundedCache[str, str] = BoundedCache(_CACHED)

    def hide(text: str) -> str:
        if (cached := cache.get(text)) is not None:
            return cached
        return cache.keep(text, fingerprinter.pseudonym(text) if matcher.holds(text) else text)

    return hide


def _holds(file: BinaryIO, matcher: Matcher) -> bool:
    """Whether a secret is in the file."""
    return any(next(matcher.find(piece), None) is not None for piece in pieces(file))


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file's content in pieces that overlap."""
    file.seek(0)
    before = b""
    while chunk := file.read(_CHUNK):
        yield before + chunk
        before = (before + chunk)[-OVERLAP:]


def _text(message: Message | None) -> str:
    if message is None:
        return ""
    return _plain(message.get_content(strict=False) or b"")


def _plain(content: bytes) -> str:
    """A body as text; nothing if it is none."""
    return content.decode("utf-8", "replace") if b"\0" not in content[:1024] else ""
