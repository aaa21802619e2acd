"""The times of a HAR entry."""

from typing import Any

import msgspec
import pytest

from statetrail.ingest.har.entry import EntryError, HarEntry, read_entry
from statetrail.ingest.har.times import Times, times, writer_of
from support.hars import STARTED_US as T
from support.hars import entry

NOTE = ("har-timings",)


def ms(start: float, *others: float | None, notes: tuple[str, ...] = ()) -> Times:
    """Times in milliseconds after the usual start, when the request was composed."""
    at = [None if t is None else T + round(t * 1000) for t in (start, *others)]
    return Times(*at, notes, T if start else None)


def read(**changed: Any) -> HarEntry:
    """The usual entry, changed."""
    return read_entry(msgspec.json.encode(entry(**changed)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, ms(300, 400, 800, 1000), id="ssl is inside connect"),
        pytest.param(
            {"timings__blocked": -1, "timings__dns": -1, "timings__connect": ..., "time": 700},
            ms(0, 100, 500, 700),
            id="phases that do not apply",
        ),
        pytest.param(
            {"timings": {"send": 0.25, "wait": 10.5, "receive": 0.125}, "time": 10.875},
            ms(0, 0.25, 10.75, 10.875),
            id="less than a millisecond",
        ),
        pytest.param({"time": 1010.9}, ms(300, 400, 800, 1000), id="within 1 ms and 1 %"),
        pytest.param({"time": 1012}, ms(0, None, None, 1012, notes=NOTE), id="sum too small"),
        pytest.param({"time": 900}, ms(0, None, None, 900, notes=NOTE), id="sum too large"),
        pytest.param({"time": -1}, ms(300, 400, 800, 1000), id="time is -1"),
        pytest.param({"time": ...}, ms(300, 400, 800, 1000), id="no time"),
        pytest.param({"time": "1000"}, ms(300, 400, 800, 1000), id="time is a string"),
        pytest.param({"timings": ...}, ms(0, None, None, 1000, notes=NOTE), id="no timings"),
        pytest.param({"timings": {}}, ms(0, None, None, 1000, notes=NOTE), id="empty timings"),
        pytest.param({"timings": [1]}, ms(0, None, None, 1000, notes=NOTE), id="timings is a list"),
        pytest.param(
            {"timings__wait": None}, ms(0, None, None, 1000, notes=NOTE), id="wait is null"
        ),
        pytest.param(
            {"timings__receive": -1, "time": 800},
            ms(0, None, None, 800, notes=NOTE),
            id="receive is not known",
        ),
        pytest.param(
            {"timings__send": -1, "time": 900}, ms(300, None, 700, 900), id="send is not known"
        ),
        pytest.param(
            {"timings": ..., "time": -1}, ms(0, None, None, None, notes=NOTE), id="nothing known"
        ),
        pytest.param(
            {"timings": ..., "time": 1e300}, ms(0, None, None, None, notes=NOTE), id="a huge time"
        ),
    ],
)
def test_the_four_times_follow_from_the_timings(changed: dict[str, Any], expected: Times) -> None:
    """Each way in which writers time an entry gives the times that it supports and no more."""
    assert times(read(**changed)) == expected


@pytest.mark.parametrize(
    ("started", "start_us", "notes"),
    [
        pytest.param("2024-05-01T10:00:00Z", T, (), id="Zulu"),
        pytest.param("2024-05-01t10:00:00z", T, (), id="lower case"),
        pytest.param("2024-05-01T12:00:00.000+02:00", T, (), id="offset"),
        pytest.param("2024-05-01T12:00:00+0200", T, (), id="offset without colon"),
        pytest.param("2024-05-01T05:30:00-04:30", T, (), id="behind Greenwich"),
        pytest.param("2024-05-01T10:00:00.000001Z", T + 1, (), id="microseconds"),
        pytest.param("2024-05-01T10:00:00.0000019Z", T + 1, (), id="100 nanoseconds"),
        pytest.param("2024-05-01T09:59:60Z", T - 1_000_000, (), id="leap second"),
        pytest.param("2024-05-01 10:00:00Z", T, (), id="a blank for the T"),
        pytest.param("2024-05-01T10:00:00", T, ("har-no-zone",), id="no zone"),
    ],
)
def test_the_start_is_read_in_every_form(
    started: str, start_us: int, notes: tuple[str, ...]
) -> None:
    """Fractions and zones of ISO 8601 come out exactly; a missing zone is noted."""
    whole = "." not in started
    entry_times = times(read(startedDateTime=started, timings=..., time=-1))
    notes += ("whole-seconds", *NOTE) if whole else NOTE
    assert entry_times == Times(start_us, notes=notes, time_error_us=1_000_000 if whole else None)


CONNECTED = {"blocked": -1, "connect": 120, "ssl": 240, "send": 2, "wait": 105, "receive": 3}


@pytest.mark.parametrize(
    ("creator", "expected"),
    [
        ("mitmproxy", ms(0, 2, 107, 110)),
        ("mitmproxy har_dump", ms(0, 2, 107, 110)),
        ("Playwright", ms(120, 122, 227, 230)),
        ("Firefox", ms(360, 362, 467, 470)),
        ("WebInspector", ms(360, 362, 467, 470)),
    ],
)
def test_writers_that_add_ssl_to_the_time_are_known(creator: str, expected: Times) -> None:
    """Whether TLS is a part of ``connect``, and the start is the first byte, the writer decides."""
    head = b'\xef\xbb\xbf{"log": {"version": "1.2", "creator": {"version": "1", "name": "%s"}, '
    writer = writer_of(head % creator.encode())
    assert times(read(timings=CONNECTED, time=470), writer) == expected


@pytest.mark.parametrize("timed", [CONNECTED, {}], ids=["timed", "not timed"])
def test_a_queue_before_the_start_is_known(timed: dict[str, int]) -> None:
    """chrome-har begins an entry behind the queue, in which its request was composed already."""
    queued = times(read(timings={**timed, "_queued": 3000}, time=470))
    assert (queued.composed_us, queued.request_start_us - T) == (
        T - 3_000_000,
        360_000 * bool(timed),
    )


@pytest.mark.parametrize(
    "started", ["yesterday", "2024-13-01T00:00:00Z", "9" * 400, "2024-05-01T10:00:00+99:00", "\x00"]
)
def test_a_start_that_is_none_is_a_reason_to_skip(started: str) -> None:
    """What is no date and time is named by one word, without its value."""
    with pytest.raises(EntryError, match=r"\Astart\Z"):
        times(read(startedDateTime=started))
