"""Burp Suite's XML of saved items.

An item has the request and the response as they were on the wire, mostly in base64, and one time:
that of the request, in whole seconds. When its response came is not known.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import IO, Final, cast

from lxml import etree

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.format import Format
from statetrail.ingest.har.entry import EntryError
from statetrail.ingest.har.heads import Address
from statetrail.ingest.messages import (
    NO_RESPONSE_TIMES,
    SECOND_US,
    WHOLE_SECONDS,
    Times,
    exchange_of_parts,
    from_base64,
    identified,
    message_of,
    request_of_message,
    response_of_raw,
)
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

_ROOT: Final = re.compile(rb"<items\b[^>]*\bburpVersion\b")
_DATE: Final = re.compile(
    r"[A-Za-z]{3} ([A-Za-z]{3}) ([0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) (\S{1,16}) ([0-9]{4})"
)
_OFFSET: Final = re.compile(r"(?:GMT|UTC)?([+-])([0-9]{2}):?([0-9]{2})")
# Java's names of zones, of which most are used in several places.
_ZONES: Final = {
    "UTC": 0,
    "GMT": 0,
    "Z": 0,
    "WET": 0,
    "BST": 1,
    "WEST": 1,
    "IST": 5.5,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "JST": 9,
    "KST": 9,
    "SGT": 8,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "BRT": -3,
}


def _matches(source: Source) -> bool:
    return _ROOT.search(source.head) is not None


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "burp", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    stream = source.stream()
    items = etree.iterparse(
        cast("IO[bytes]", stream),
        events=("end",),
        tag="item",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        for _, item in items:
            report.entries += 1
            try:
                yield _exchange(item)
            except EntryError as error:
                report.skipped[str(error)] += 1
            item.clear()
            while (before := item.getprevious()) is not None:
                cast("etree._Element", item.getparent()).remove(before)
    except etree.XMLSyntaxError:
        # A torn file ends between two of its tags, or within one.
        report.truncation = "ends" if stream.ended else "broken"


def _exchange(item: etree._Element) -> Exchange:
    raw = _raw(item, "request")
    if not raw:
        raise EntryError("incomplete")
    start_us = _start(item.findtext("time") or "")
    message = message_of(raw)
    method, address, version = request_of_message(message, _address(item))
    received = response_of_raw(_raw(item, "response"))
    return exchange_of_parts(
        method,
        address,
        version,
        Times(start_us, error=SECOND_US),
        (message.fields, message.body),
        received,
        notes=(WHOLE_SECONDS, *((NO_RESPONSE_TIMES,) if received is not None else ())),
    )


def _address(item: etree._Element) -> Address:
    scheme, host = item.findtext("protocol") or "", item.findtext("host") or ""
    port = item.findtext("port") or ""
    if scheme not in ("http", "https") or not host or not port.isdecimal() or len(port) > 5:
        raise EntryError("url")
    return Address(scheme, host.strip("[]"), int(port), b"/")


def _raw(item: etree._Element, name: str) -> bytes:
    """A message's bytes."""
    element = item.find(name)
    if element is None or not element.text:
        return b""
    if element.get("base64") == "true":
        return from_base64(element.text)
    return element.text.encode("latin-1", "replace").replace(b"\r\n", b"\n")


def _start(text: str) -> int:
    """Microseconds since the epoch. Raises `EntryError` (``start``)."""
    date = _DATE.fullmatch(text.strip())
    if date is None:
        raise EntryError("start")
    month, day, clock, zone, year = date.groups()
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        hours = float(f"{offset[1]}1") * (int(offset[2]) + int(offset[3]) / 60)
    else:
        hours = _ZONES.get(zone, 0)
    try:
        moment = datetime.strptime(f"{month} {day} {clock} {year}", "%b %d %H:%M:%S %Y").replace(
            tzinfo=timezone(timedelta(hours=hours))
        )
    except ValueError:
        raise EntryError("start") from None
    # Java's zero stands for a time that Burp does not know.
    if (since := int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())) < 86_400:
        raise EntryError("start")
    return since * SECOND_US


BURP: Final = Format("burp", "an XML file of Burp Suite", _matches, _read)
