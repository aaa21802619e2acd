"""Fiddler's session archive (SAZ): a zip file of messages as they were on the wire.

Of the session with number ``n`` the request is in ``raw/n_c.txt``, the response in ``raw/n_s.txt``,
and its times and the client's address in ``raw/n_m.xml``.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.format import Format
from statetrail.ingest.har.entry import EntryError
from statetrail.ingest.har.heads import Address
from statetrail.ingest.messages import (
    NO_RESPONSE_TIMES,
    Times,
    exchange_of_parts,
    identified,
    message_of,
    moment_us,
    request_of_message,
    response_of_raw,
)
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

_REQUEST: Final = re.compile(r"raw[/\\]0*([0-9]{1,9})_c\.txt", re.ASCII | re.IGNORECASE)
_MAX_META: Final = 1 << 20
_MAX_MESSAGE: Final = 1 << 27
_STARTS: Final = ("ClientBeginRequest", "GotRequestHeaders", "FiddlerBeginRequest")
_PORT: Final = re.compile(rb"\]?:([0-9]{1,5})\Z")


def _matches(source: Source) -> bool:
    return source.archive is not None and any(map(_REQUEST.fullmatch, source.archive.namelist()))


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "fiddler", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    names = source.archive.namelist() if source.archive is not None else []
    found = [(int(match[1]), name) for name in names if (match := _REQUEST.fullmatch(name))]
    for _, name in sorted(found):
        report.entries += 1
        try:
            yield _exchange(source, name[: -len("c.txt")])
        except EntryError as error:
            report.skipped[str(error)] += 1


def _exchange(source: Source, prefix: str) -> Exchange:
    raw = source.member(f"{prefix}c.txt", _MAX_MESSAGE)
    if raw is None:
        raise EntryError("unreadable")
    timers, flags = _meta(source.member(f"{prefix}m.xml", _MAX_META))
    start = next((us for name in _STARTS if (us := moment_us(timers.get(name, "")))), None)
    if start is None:
        raise EntryError("start")
    message = message_of(raw)
    method, address, version = request_of_message(message, _address(message.fields, flags))
    answer = source.member(f"{prefix}s.txt", _MAX_MESSAGE)
    received = response_of_raw(answer) if answer else None
    begin = moment_us(timers.get("ServerBeginResponse", ""))
    end = moment_us(timers.get("ServerDoneResponse", ""))
    lacks = received is not None and (begin is None or end is None)
    return exchange_of_parts(
        method,
        address,
        version,
        Times(start, moment_us(timers.get("ClientDoneRequest", "")), begin, end),
        (message.fields, message.body),
        received,
        peer=flags.get("x-clientip"),
        error="client-disconnected" if "x-abortedby" in flags else None,
        notes=(NO_RESPONSE_TIMES,) if lacks else (),
    )


def _address(fields: tuple[tuple[bytes, bytes], ...], flags: dict[str, str]) -> Address | None:
    """The address of a request whose line has the path alone."""
    host = next((value for name, value in fields if name.lower() == b"host"), b"")
    if not host:
        return None
    scheme = "https" if "https-client-sessionid" in flags else "http"
    port = _PORT.search(host)
    bare = host[: port.start()] if port else host
    number = int(port[1]) if port else 443 if scheme == "https" else 80
    return Address(scheme, bare.decode("utf-8", "surrogateescape").strip("[]"), number, b"/")


def _meta(raw: bytes | None) -> tuple[dict[str, str], dict[str, str]]:
    """The timers of a session, and its flags in lower case."""
    if raw is None:
        return {}, {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return {}, {}
    timers = root.find("SessionTimers")
    flags = {
        (flag.get("N") or "").lower(): flag.get("V") or "" for flag in root.iter("SessionFlag")
    }
    return ({str(k): str(v) for k, v in timers.attrib.items()} if timers is not None else {}), flags


FIDDLER: Final = Format("fiddler", "a session archive of Fiddler", _matches, _read)
