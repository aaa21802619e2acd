"""The times of a HAR entry, from its timings.

Enters: a `HarEntry`, and what wrote it. Leaves: the four times of an exchange in microseconds, when
its request was composed, and how exact they are. By HAR 1.2 a request goes through ``blocked``,
``dns`` and ``connect`` (``ssl`` is inside it) before its first byte leaves; ``send``, ``wait`` and
``receive`` follow. Writers differ:

- Firefox has ``ssl`` beside ``connect``, and adds both to ``time``.
- Playwright has it inside, and adds both.
- chrome-har begins behind the browser's queue, and says how long a request was in it.
- mitmproxy begins with the first byte: ``connect`` and ``ssl`` are of the server's connection,
  which may be older. It adds both to ``time``.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec.structs import astuple

from statetrail.ingest.har.entry import EntryError, HarEntry, Timings

type Writer = Literal["mitmproxy", "playwright", "firefox"]
"""The writers whose timings differ."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
MAX_MS: Final = 1e12
"""Longest plausible duration (30 years)."""
SECOND_US: Final = 1_000_000
_LEAP_SECOND: Final = re.compile(r"(?<=:\d\d:)60(?=\D|$)", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d|[Tt ]\d{6}", re.ASCII)
_FRACTION: Final = re.compile(r":\d\d[.,]\d", re.ASCII)
_CREATOR: Final = re.compile(
    rb'"creator"\s{0,99}:\s{0,99}\{[^{}]{0,2000}?"name"\s{0,99}:\s{0,99}"([^"]{0,80})'
)
_MAX_TEXT: Final = 64
_NO_TIMINGS: Final = Timings()
_WRITERS: Final[tuple[Writer, ...]] = ("mitmproxy", "playwright", "firefox")


class Times(msgspec.Struct, frozen=True, gc=False):
    """Microseconds since the epoch, UTC; the fields as those of `Request` and `Response`."""

    request_start_us: int
    request_end_us: int | None = None
    response_start_us: int | None = None
    response_end_us: int | None = None
    notes: tuple[str, ...] = ()
    composed_us: int | None = None
    time_error_us: int | None = None


def writer_of(beginning: bytes) -> Writer | None:
    """What wrote a HAR file, by its beginning; `None` if the timings are those of HAR 1.2."""
    name = creator_of(beginning)
    return next((writer for writer in _WRITERS if writer in name), None)


def creator_of(beginning: bytes) -> str:
    """The name of the program that wrote a HAR file, in lower case, by its beginning."""
    creator = _CREATOR.search(beginning)
    return creator[1].lower().decode("ascii", "replace") if creator else ""


def times(entry: HarEntry, writer: Writer | None = None) -> Times:
    """The start and end of the entry's request and response.

    If the timings are missing or do not add up to `time` (within 1 ms and 1 %), only the start and,
    by `time`, the end are known, and the note ``har-timings`` is added. A time without a fraction
    of a second may be up to one later. Raises `EntryError` (``start``) if `startedDateTime` is no
    date and time.
    """
    start_us, error_us, notes = _start(entry.started)
    total, t = _given(entry.time), entry.timings or _NO_TIMINGS
    blocked, dns, connect, ssl, send, wait, receive, queued = [
        ms if ms is not None and 0 <= ms <= MAX_MS else None for ms in astuple(t)
    ]
    composed_us = start_us - round(queued * 1000) if queued else None
    if wait is not None and receive is not None:
        before = (blocked or 0) + (dns or 0) + (connect or 0)
        rest = (send or 0) + wait + receive
        inside = _adds_up(before + rest, total)
        if inside or _adds_up(before + rest + (ssl or 0), total):
            if writer == "mitmproxy":
                before = 0
            elif writer == "firefox" or (writer is None and not inside):
                before += ssl or 0
            last_byte = before + rest
            return Times(
                request_start_us=start_us + round(before * 1000),
                request_end_us=None if send is None else start_us + round((before + send) * 1000),
                response_start_us=start_us + round((last_byte - receive) * 1000),
                response_end_us=start_us + round(last_byte * 1000),
                notes=notes,
                composed_us=composed_us or (start_us if before else None),
                time_error_us=error_us,
            )
    return Times(
        request_start_us=start_us,
        response_end_us=None if total is None else start_us + round(total * 1000),
        notes=(*notes, "har-timings"),
        composed_us=composed_us,
        time_error_us=error_us,
    )


def _adds_up(summed: float, total: float | None) -> bool:
    return total is None or abs(summed - total) <= 1 + 0.01 * total


def start_of(text: str) -> datetime:
    """The moment that `startedDateTime` states. Raises `ValueError`."""
    if ":60" not in text and len(text) <= _MAX_TEXT:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # in lower case, perhaps, or between blanks
    # A leap second is the last second of its minute, as in Unix time.
    return datetime.fromisoformat(_LEAP_SECOND.sub("59", text[:_MAX_TEXT].strip().upper()))


def has_fraction(text: str) -> bool:
    """Whether `startedDateTime` is exact to less than a second."""
    return _FRACTION.search(text) is not None


def _start(text: str) -> tuple[int, int | None, tuple[str, ...]]:
    """Microseconds since the epoch, and how much later it may have been; a time without a zone is
    taken as UTC, with a note."""
    if _TIME.search(text[:_MAX_TEXT]) is None:  # a day, or a minute
        raise EntryError("start")
    try:
        moment = start_of(text)
        local = moment.tzinfo is None
        moment = moment.replace(tzinfo=UTC) if local else moment
        start_us = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise EntryError("start") from None
    is_whole = not start_us % SECOND_US and not has_fraction(text)
    notes = (("har-no-zone",) if local else ()) + (("whole-seconds",) if is_whole else ())
    return start_us, SECOND_US if is_whole else None, notes


def _given(milliseconds: float | None) -> float | None:
    """A plausible duration, else `None`; HAR writes -1 for none."""
    return milliseconds if milliseconds is not None and 0 <= milliseconds <= MAX_MS else None
