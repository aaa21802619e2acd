"""mitmproxy flow files (``mitmdump -w``) as exchanges.

Enters: a flow file. Leaves: an `Exchange` a flow, by the same code as live traffic; what is no HTTP
flow or cannot be read is counted in a `ReadReport`; of a truncated file the complete flows are
read.

Each flow is preceded by its length, so the flows after an unreadable one are read; mitmproxy's own
reader stops there.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from typing import IO, Final

from mitmproxy import flow as mitmproxy_flow
from mitmproxy.http import HTTPFlow
from mitmproxy.io import compat, tnetstring
from mitmproxy.version import FLOW_FORMAT_VERSION

from statetrail.extract.records import Exchange
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.flowparts import exchange_of_parts
from statetrail.ingest.skipped import ReadReport, TruncatedError
from statetrail.ingest.source import Source

MAX_PACKED: Final = 1 << 26
"""Maximum bytes of a flow in a packed file, where any number of them may be a few on disk."""
_MAX_DIGITS = 12

type Frames = Iterator[tuple[int, bytes]]
"""Flows: the type and the content of a tnetstring each."""


class NewerError(ValueError):
    """A flow is of a later version of the format than this mitmproxy knows."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"flow format {version}")


@contextmanager
def opened_flows(source: Source, report: ReadReport) -> Iterator[Frames]:
    """The flows of a capture as they stand in it; a packed one is unpacked on disk first."""
    if source.packed is None:
        yield frames(source.file, report)
        return
    with source.on_disk() as unpacked:
        yield frames(unpacked.file, report, MAX_PACKED)
    report.truncation = source.fault or report.truncation
    if unpacked.is_damaged and report.truncation is None:
        report.truncation = "ends"


def read_flows(flows: Frames, report: ReadReport) -> Iterator[Exchange]:
    """The exchanges of flows, in their order (that of their completion); see `read_http_flows`.

    A usual flow is read without mitmproxy's object, which takes thrice the time.
    """
    for kind, data in flows:
        exchange = exchange_of_parts(kind, data)
        if exchange is None and (pair := _counted(kind, data, report)) is not None:
            _, exchange = pair
        if exchange is not None:
            yield exchange


def read_http_flows(flows: Frames, report: ReadReport) -> Iterator[tuple[HTTPFlow, Exchange]]:
    """The HTTP ones of flows with their exchanges.

    A request without a response at the end of the file has the error ``no-response``. The report
    counts skipped flows.
    """
    for kind, data in flows:
        if (pair := _counted(kind, data, report)) is not None:
            yield pair


def _counted(kind: int, data: bytes, report: ReadReport) -> tuple[HTTPFlow, Exchange] | None:
    """The flow of a frame with its exchange; a frame without one is counted."""
    try:
        pair = exchange_of_state(kind, data)
    except NewerError as error:
        report.skipped["newer"] += 1
        report.newer = max(report.newer, error.version)
        return None
    except Exception:  # a hostile state can raise anything
        report.skipped["unreadable"] += 1
        return None
    if pair is None:
        report.skipped["other"] += 1
    return pair


def frames(file: IO[bytes], report: ReadReport, most: int | None = None) -> Frames:
    """The flows of a flow file as they stand in it: a tnetstring's type and content each.

    One of more than `most` bytes is counted as skipped. The report says whether the file is
    truncated.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    while file.tell() < size:
        try:
            frame = _frame(file, size, most)
        except TruncatedError as error:
            report.truncation = str(error) or None
            return
        report.entries += 1
        if frame is None:
            report.skipped["large"] += 1
        else:
            yield frame


def _frame(file: IO[bytes], size: int, most: int | None) -> tuple[int, bytes] | None:
    """The next tnetstring's type and content: ``length:content`` and a type character; `None`: it
    has more than `most` bytes."""
    digits = b""
    # Editors end a file with a line feed, and some tools put one after each flow.
    while (byte := file.read(1)).isspace():
        pass
    if not byte:
        raise TruncatedError("")
    file.seek(-1, io.SEEK_CUR)
    while (byte := file.read(1)).isdigit() and len(digits) < _MAX_DIGITS:
        digits += byte
    if not byte:
        raise TruncatedError("ends")
    if not digits or byte != b":":
        raise TruncatedError("broken")
    # The claimed length is checked first: reading would allocate it.
    if (length := int(digits)) + 1 > size - file.tell():
        raise TruncatedError("ends")
    if most is not None and length > most:
        file.seek(length + 1, io.SEEK_CUR)
        return None
    data = file.read(length)
    return file.read(1)[0], data


def exchange_of_state(kind: int, data: bytes) -> tuple[HTTPFlow, Exchange] | None:
    """The HTTP flow of a frame with its exchange; `None` for a flow of another kind.

    A hostile state can raise anything; one of a later version raises `NewerError`.
    """
    state = tnetstring.parse(kind, memoryview(data))
    version = state.get("version") if isinstance(state, dict) else None
    if isinstance(version, int) and version > FLOW_FORMAT_VERSION:
        raise NewerError(version)
    flow = mitmproxy_flow.Flow.from_state(compat.migrate_flow(state))  # type: ignore[arg-type]
    if not isinstance(flow, HTTPFlow):
        return None
    if not isinstance(flow.id, str):
        raise TypeError("the id of a flow is a text")
    exchange = exchange_of(flow)
    if flow.response is None and flow.error is None:
        return flow, replace(exchange, error="no-response")
    return flow, exchange
