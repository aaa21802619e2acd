"""mitmproxy flow files (``mitmdump -w``) as exchanges.

Enters: a flow file. Leaves: an `Exchange` a flow, by the same code as live traffic; what is no HTTP
flow or cannot be read is counted in a `ReadReport`; of a truncated file the complete flows are
read.

Each flow is preceded by its length, so the flows after an unreadable one are read; mitmproxy's own
reader stops there.
"""

import io
from collections.abc import Iterator
from copy import replace

from mitmproxy import flow as flows
from mitmproxy.http import HTTPFlow
from mitmproxy.io import compat, tnetstring
from mitmproxy.version import FLOW_FORMAT_VERSION

from statetrail.extract import Exchange
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.flowparts import exchange_of_parts
from statetrail.ingest.skipped import ReadReport, TruncatedError

_MAX_DIGITS = 12


class NewerError(ValueError):
    """A flow is of a later version of the format than this mitmproxy knows."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"flow format {version}")


def read_flows(file: io.BufferedIOBase, report: ReadReport) -> Iterator[Exchange]:
    """The exchanges of a flow file, in its order (that of their completion); see `read_http_flows`.

    A usual flow is read without mitmproxy's object, which takes thrice the time.
    """
    for kind, data in frames(file, report):
        exchange = exchange_of_parts(kind, data)
        if exchange is None and (pair := _counted(kind, data, report)) is not None:
            _, exchange = pair
        if exchange is not None:
            yield exchange


def read_http_flows(
    file: io.BufferedIOBase, report: ReadReport
) -> Iterator[tuple[HTTPFlow, Exchange]]:
    """The HTTP flows of a flow file with their exchanges.

    A request without a response at the end of the file has the error ``no-response``. The report
    counts skipped flows, and says whether the file is truncated.
    """
    for kind, data in frames(file, report):
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


def frames(file: io.BufferedIOBase, report: ReadReport) -> Iterator[tuple[int, bytes]]:
    """The flows of a flow file as they stand in it: a tnetstring's type and content each."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    while file.tell() < size:
        try:
            frame = _frame(file, size)
        except TruncatedError as error:
            report.truncation = str(error) or None
            return
        report.entries += 1
        yield frame


def _frame(file: io.BufferedIOBase, size: int) -> tuple[int, bytes]:
    """The next tnetstring's type and content: ``length:content`` and a type character."""
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
    flow = flows.Flow.from_state(compat.migrate_flow(state))  # type: ignore[arg-type]
    if not isinstance(flow, HTTPFlow):
        return None
    if not isinstance(flow.id, str):
        raise TypeError("the id of a flow is a text")
    exchange = exchange_of(flow)
    if flow.response is None and flow.error is None:
        return flow, replace(exchange, error="no-response")
    return flow, exchange
