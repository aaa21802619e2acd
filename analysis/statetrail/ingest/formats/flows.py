"""mitmproxy flow files, as ``mitmdump -w`` writes them."""

import re
from collections.abc import Iterator
from typing import Final

from statetrail.errors import CaptureError
from statetrail.extract import Exchange, Fingerprinter
from statetrail.ingest.flowfile import read_flows
from statetrail.ingest.format import Format
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

_LENGTH: Final = re.compile(rb"[0-9]{1,12}:")
_PACKED: Final = re.compile(rb"[0-9]{1,12}:[0-9]{1,4}:[a-z]")


def _matches(source: Source) -> bool:
    if not _LENGTH.match(source.head):
        return False
    if source.packed is not None:
        if not _PACKED.match(source.head):
            return False
        # Its lengths could claim any amount of memory.
        raise CaptureError(f"is a flow file packed with {source.packed}: unpack it first")
    return True


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return read_flows(source.file, report)


FLOWS: Final = Format("flows", "a mitmproxy flow file", _matches, _read, one_client=False)
