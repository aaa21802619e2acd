"""The times of a HAR entry, from its timings.

Enters: a `HarEntry`. Leaves: the four times of an exchange in microseconds, and whether the timings
are consistent. By HAR 1.2 a request goes through ``blocked``, ``dns`` and ``connect`` (``ssl``
is inside it) before its first byte leaves; ``send``, ``wait`` and ``receive`` follow.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from statetrail.ingest.har.entry import EntryError, HarEntry, Timings

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
MAX_MS: Final = 1e12
"""Longest plausible duration (30 years)."""
_LEAP_SECOND: Final = re.compile(r"(?<=:\d\d:)60(?=\D|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds since the epoch, UTC; the fields as those of `Request` and `Response`."""

    request_start_us: int
    request_end_us: int | None = None
    response_start_us: int | None = None
    response_end_us: int | None = None
    notes: tuple[str, ...] = ()


def times(entry: HarEntry) -> Times:
    """The start and end of the entry's request and response.

    If the timings are missing or do not add up to `time` (within 1 ms and 1 %), only the start and,
    by `time`, the end are known, and the note ``har-timings`` is added. Raises `EntryError`
    (``start``) if `startedDateTime` is no date and time.
    """
    start_us, notes = _start(entry.started)
    total = entry.time if entry.time is not None and 0 <= entry.time <= MAX_MS else None
    t = entry.timings or Timings()
    if (wait := _given(t.wait)) is not None and (receive := _given(t.receive)) is not None:
        before = sum(_given(phase) or 0 for phase in (t.blocked, t.dns, t.connect))
        send = _given(t.send)
        first_byte = before + (send or 0) + wait
        last_byte = first_byte + receive
        if total is None or abs(last_byte - total) <= 1 + 0.01 * total:
            return Times(
                request_start_us=start_us + _us(before),
                request_end_us=None if send is None else start_us + _us(before + send),
                response_start_us=start_us + _us(first_byte),
                response_end_us=start_us + _us(last_byte),
                notes=notes,
            )
    return Times(
        request_start_us=start_us,
        response_end_us=None if total is None else start_us + _us(total),
        notes=(*notes, "har-timings"),
    )


def start_of(text: str) -> datetime:
    """The moment that `startedDateTime` states. Raises `ValueError`."""
    # A leap second is the last second of its minute, as in Unix time.
    return datetime.fromisoformat(_LEAP_SECOND.sub("59", text[:64].strip().upper()))


def _start(text: str) -> tuple[int, tuple[str, ...]]:
    """Microseconds since the epoch; a time without a zone is taken as UTC, with a note."""
    try:
        moment = start_of(text)
        local = moment.tzinfo is None
        moment = moment.replace(tzinfo=UTC) if local else moment
        return (moment - _EPOCH) // _MICROSECOND, ("har-no-zone",) if local else ()
    except (ValueError, OverflowError):
        raise EntryError("start") from None


def _given(milliseconds: float | None) -> float | None:
    """A plausible duration, else `None`; HAR writes -1 for none."""
    return milliseconds if milliseconds is not None and 0 <= milliseconds <= MAX_MS else None


def _us(milliseconds: float) -> int:
    return round(milliseconds * 1000)
