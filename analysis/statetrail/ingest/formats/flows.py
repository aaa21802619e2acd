"""mitmproxy flow files, as ``mitmdump -w`` writes them."""

import re
from collections.abc import Iterator
from typing import Final

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.flowfile import opened_flows, read_flows
from statetrail.ingest.format import Format
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

_LENGTH: Final = re.compile(rb"[0-9]{1,12}:")
_PACKED: Final = re.compile(rb"[0-9]{1,12}:[0-9]{1,4}:[a-z]")


def _matches(source: Source) -> bool:
    # Text in a zip file may begin with a number and a colon.
    start = _LENGTH if source.packed is None else _PACKED
    return start.match(source.head) is not None


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    with opened_flows(source, report) as flows:
        yield from read_flows(flows, report)


FLOWS: Final = Format("flows", "a mitmproxy flow file", _matches, _read, one_client=False)
