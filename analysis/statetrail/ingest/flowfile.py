"""mitmproxy flow files (``mitmdump -w``) as exchanges.

Enters: a flow file. Leaves: an `Exchange` a flow, by the same code as live traffic; what is no HTTP
flow or cannot be understood is counted in `Losses`, a torn file keeps its complete prefix.

Each flow has its length written before it, so one that cannot be understood does not hide the next;
mitmproxy's own reader stops there.
"""

import io
from collections.abc import Iterator
from copy import replace

from mitmproxy import flow as flows
from mitmproxy.http import HTTPFlow
from mitmproxy.io import compat, tnetstring

from statetrail.extract import Exchange
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.skipped import Losses

_MAX_DIGITS = 12


class _TornError(ValueError):
    """The file ended or broke; the message says which."""


def read_flows(file: io.BufferedIOBase, losses: Losses) -> Iterator[Exchange]:
    """The exchanges of a flow file, in its order (that of their completion).

    A request that was still without an answer when the file was closed has the error
    ``no-response``.

    Parameters
    ----------
    file
        The file, open for reading bytes.
    losses
        Counts what was skipped and says where the file was torn.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    while file.tell() < size:
        try:
            kind, data = _frame(file, size)
        except _TornError as error:
            losses.torn = str(error)
            return
        losses.complete += 1
        try:
            exchange = _exchange(kind, data)
        except Exception:  # a hostile state fails in any way it likes
            losses.skipped["unreadable"] += 1
            continue
        if exchange is None:
            losses.skipped["other"] += 1
        else:
            yield exchange


def _frame(file: io.BufferedIOBase, size: int) -> tuple[int, bytes]:
    """The next tnetstring's type and content: ``length:content`` and a type character."""
    digits = b""
    while (byte := file.read(1)).isdigit() and len(digits) < _MAX_DIGITS:
        digits += byte
    if not byte:
        raise _TornError("ends")
    if not digits or byte != b":":
        raise _TornError("broken")
    # What the file only claims to hold is not asked for: it would be allocated first.
    if (length := int(digits)) + 1 > size - file.tell():
        raise _TornError("ends")
    data = file.read(length)
    return file.read(1)[0], data


def _exchange(kind: int, data: bytes) -> Exchange | None:
    state = tnetstring.parse(kind, memoryview(data))
    flow = flows.Flow.from_state(compat.migrate_flow(state))  # type: ignore[arg-type]
    if not isinstance(flow, HTTPFlow):
        return None
    exchange = exchange_of(flow)
    if flow.response is None and flow.error is None:
        return replace(exchange, error="no-response")
    return exchange
