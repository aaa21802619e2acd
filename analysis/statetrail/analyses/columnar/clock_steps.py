"""Clock steps: where the clock of a capture was set back, and times as if it had not been.

Enters: a recording. Leaves: `ClockSteps`, and times of a bucket's exchanges.

In a capture, exchanges are numbered in the order in which they arrived (rule L2): at the earliest
when their responses began, at the latest when they ended. So each ends after every exchange with a
smaller number began. Where one ends `TOLERANCE_US` or more before that, the clock was set back in
between. From there on times are moved so that this exchange begins with the last response before
it: its client may have known that, and need not have. Times that an exchange took before the step
are later than its end; they stay, and what is moved comes after them. Order and causality are right
then, and durations across the step are wrong by what is not known: no limit is inferred from them.

Imported HAR files are left out: their entries may stand in any order. So may those of a flow file
that was sorted by hand: a capture in which more than one exchange of `RARE` steps back is taken as
its times have it.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import Bools, Ints, unique
from statetrail.analyses.columnar.coding import integers
from statetrail.analyses.columnar.executor import Facts, artifact
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.engines import is_among
from statetrail.recording.frames import Recording

TOLERANCE_US: Final = 2_000_000
"""Times of one exchange are taken by several threads, and clocks are slewed by little."""

RARE: Final = 4
SPARSE: Final = 4
"""Of so many numbers one is an exchange's: fewer are not laid out by number."""
MAX_STEP_US: Final = 2**58
"""Nine thousand years: times that are further apart are no times of one clock."""
_NEVER: Final = -(2**62)
_TIMES: Final = ("request_start_us", "response_start_us", "response_end_us")


@dataclass(frozen=True, slots=True)
class ClockSteps:
    """Steps in order of (capture, exchange): from an exchange on, times lack microseconds.

    `offset` is how many, with those of the steps before. On the clock that was put right, what
    started before a step did so at `until_us` at the latest, what started after it at `since_us` at
    the earliest.
    """

    capture: Ints
    exchange: Ints
    offset: Ints
    since_us: Ints
    until_us: Ints

    def __len__(self) -> int:
        return len(self.exchange)

    def corrected(self, capture: Ints, exchange: Ints, times: tuple[Ints, ...]) -> list[Ints]:
        """Times of exchanges as if no clock had been set back, in microseconds.

        The last of `times` is the end of the exchange. What is beyond 2**61 in size stands for no
        time, and stays.
        """
        if not len(self):
            return list(times)
        offset, known = np.zeros(len(exchange), np.int64), [np.abs(time) < 2**61 for time in times]
        ends, over = np.where(known[-1], times[-1], -_NEVER), known[-1]
        for number in unique(self.capture).tolist():
            steps, rows = self.capture == number, np.flatnonzero(capture == number)
            rows = rows[np.argsort(exchange[rows])]
            place = np.searchsorted(self.exchange[steps], exchange[rows], "right")
            offset[rows] = np.append(0, self.offset[steps])[place]
            # What was given up without an end had arrived when a later one ended.
            for step in range(1, int(place.max(initial=0)) + 1):
                own = rows[place == step][::-1]
                arrived = np.minimum.accumulate(ends[own]) + TOLERANCE_US
                ends[own] = np.where(over[own], ends[own], arrived)
        return [
            np.where(is_known & (time <= ends), time + offset, time)
            for time, is_known in zip(times, known, strict=True)
        ]

    def crossed(self, from_us: Ints, to_us: Ints) -> Bools:
        """Whether a clock was set back between the starts of two exchanges, on the right clock.

        If it was, or may have been, nobody knows how much time passed between them.
        """
        crossed = np.zeros(len(to_us), dtype=np.bool_)
        for since_us, until_us in zip(self.since_us, self.until_us, strict=True):
            crossed |= (from_us <= until_us) & (to_us >= since_us)
        return crossed


@artifact(reads={"exchanges": ("exchange_id", "capture_id", "source", *_TIMES)})
def _recorded(facts: Facts) -> pa.Table:
    """The times of a bucket's exchanges that a recorder captured, for one class of dialects."""
    rows = facts["exchanges"]
    kept = pc.and_(pc.is_null(rows["source"]), pc.is_valid(rows["capture_id"]))
    rows = rows.select(["capture_id", "exchange_id", *_TIMES])
    return rows.filter(kept) if facts[CLASS] == 0 else rows.slice(0, 0)


@artifact(needs=(_recorded,), scope="whole")
def clock_steps(rec: Recording, recorded: Iterator[pa.Table]) -> ClockSteps:
    """The steps of the recording's clocks."""
    extent = rec.exchanges.lazy.select(
        first=nw.col("exchange_id").min(), last=nw.col("exchange_id").max(), count=nw.len()
    ).collect("pyarrow")
    first, last, count = (extent[name].to_list()[0] for name in ("first", "last", "count"))
    if not count:
        return ClockSteps(*np.empty((5, 0), dtype=np.int64))
    live = rec.exchanges.lazy.filter(nw.col("source").is_null(), ~nw.col("capture_id").is_null())
    if last - first < SPARSE * count:
        suspects = _suspects(recorded, first, last)
        live = live.filter(is_among("capture_id", suspects))
    else:
        deque(recorded, maxlen=0)
    rows = live.select("capture_id", "exchange_id", *_TIMES).collect("pyarrow").to_native()
    capture, exchange, start = (
        integers(rows[name]) for name in ("capture_id", "exchange_id", _TIMES[0])
    )
    response = integers(pc.coalesce(rows[_TIMES[1]], rows[_TIMES[0]]))
    end = integers(rows[_TIMES[2]], missing=2**62)
    order = np.lexsort((exchange, capture))
    capture, exchange, *times = (each[order] for each in (capture, exchange, start, response, end))
    found: list[list[int]] = []
    for begin, beyond in _runs(capture):
        of = slice(begin, beyond)
        found += _steps(exchange[of], [each[of] for each in times], int(capture[begin]))
    columns = np.array(found, dtype=np.int64).reshape(len(found), 5).T
    return ClockSteps(*columns)


def _runs(capture: Ints) -> list[tuple[int, int]]:
    cuts = [0, *(np.flatnonzero(np.diff(capture)) + 1).tolist(), len(capture)]
    return [pair for pair in itertools.pairwise(cuts) if pair[0] < pair[1]]


def _suspects(recorded: Iterable[pa.Table], first: int, last: int) -> list[int]:
    """The captures in which an exchange ends long before an earlier one began.

    The numbers of exchanges are places here, so that few bytes of each are held.
    """
    began, ends = np.full(last - first + 1, _NEVER), np.full(last - first + 1, -_NEVER)
    of = np.zeros(last - first + 1, dtype=np.int32)
    captures: dict[int, int] = {}
    for rows in recorded:
        place = integers(rows["exchange_id"]) - first
        start, end = integers(rows[_TIMES[0]]), integers(rows[_TIMES[2]], missing=-_NEVER)
        # A request that began before the step is later than its end.
        began[place], ends[place] = np.minimum(start, end), end
        numbers, at = np.unique(integers(rows["capture_id"]), return_inverse=True)
        codes = [captures.setdefault(one, len(captures) + 1) for one in numbers.tolist()]
        of[place] = np.array(codes, dtype=np.int32)[at]
    found = []
    for capture, code in captures.items():
        own = slice(None) if len(captures) == 1 else of == code
        latest = np.maximum.accumulate(began[own])
        if (ends[own][1:] < latest[:-1] - TOLERANCE_US).any():
            found.append(capture)
    return found


def _steps(exchange: Ints, times: Sequence[Ints], capture: int) -> list[list[int]]:
    """The steps of one capture, as rows of `ClockSteps`."""
    start, response, end = times
    # A request that began before the step is later than its end, or than that of a later one.
    arrived = np.minimum.accumulate(end[::-1])[::-1]
    arrived = np.where(end < -_NEVER, end, arrived)
    began = np.minimum(start, arrived)
    latest = np.maximum.accumulate(np.append(_NEVER, began[:-1]))
    back = np.flatnonzero(end < latest - TOLERANCE_US)
    if not len(back):
        return []
    found: list[list[int]] = []
    first = int(back[0])
    offset, until, answered = 0, int(latest[first]), int(response[:first].max())
    columns = (each[first:].tolist() for each in (exchange, start, began, response, end))
    for number, start_us, at, response_us, ended in zip(*columns, strict=True):
        if ended + offset < until - TOLERANCE_US:
            offset = max(until, answered) - at
            found.append([capture, number, offset, at + offset, at + offset])
        if start_us > ended:
            found[-1][-1] = max(found[-1][-1], start_us)
        until = max(until, at + offset)
        answered = max(answered, min(response_us, ended) + offset)
    _move_on(found, *(each[first:] for each in (exchange, start, response, arrived)))
    few = len(found) <= max(1, len(exchange) // RARE)
    return found if few and all(offset < MAX_STEP_US for *_, offset in found) else []


def _move_on(
    found: list[list[int]], exchange: Ints, start: Ints, response: Ints, arrived: Ints
) -> None:
    """Move what follows each step on, so that all of it comes after what was before the step.

    What an exchange took before a step is later than when it had `arrived`.
    """
    taken, before, further = np.maximum(start, response), 0, 0
    for row, beyond in itertools.zip_longest(found, [row[1] for row in found[1:]]):
        number, offset, since_us = row[1:4]
        own = exchange >= number
        if beyond is not None:
            own &= exchange < beyond
        latest = int(np.max(taken[own & (taken > arrived)], initial=_NEVER)) + before
        earliest = int(np.min(start[own & (start <= arrived)], initial=since_us - offset))
        further = max(further, max(latest, since_us + further) - (earliest + offset))
        row[2:] = offset + further, since_us + further, row[4] + further
        before = offset + further
