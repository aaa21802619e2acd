"""Scales and axes: numbers, spans and moments as places in a picture, and which of them to name.

Enters: values of a document, of any size. Leaves: `Axis`, whose places are finite and within its
two ends.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from statetrail.report.wording import duration

SHORTEST_S: Final = 0.001
"""Shorter spans are drawn here: a logarithmic axis has no zero."""
_YEAR_S: Final = 365 * 86_400
LONGEST_S: Final = 1000.0 * _YEAR_S
_TICKS_S: Final = (
    *(0.001, 0.01, 0.1, 1, 10, 60, 600, 1800, 3600, 4 * 3600, 24 * 3600),
    *(7 * 86_400, 30 * 86_400, _YEAR_S, 10 * _YEAR_S, 100 * _YEAR_S),
)
_FINER_S: Final = (
    *(0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2, 5, 20, 30, 120, 300, 900, 2700),
    *(2 * 3600, 8 * 3600, 12 * 3600, 2 * 86_400, 14 * 86_400, 90 * 86_400),
)
_FEW: Final = 3
"""With fewer ticks an axis cannot be read: then it has the finer ones."""
_ROOM: Final = {"number": 44, "moment": 80}
"""Pixels from one tick to the next."""
_MOST_MOMENTS: Final = 7

_DAY_MS: Final = 86_400_000
_STEPS_MS: Final = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000),
    *(_DAY_MS // 24, _DAY_MS // 12, _DAY_MS // 8, _DAY_MS // 4, _DAY_MS // 2),
    *(_DAY_MS, 2 * _DAY_MS, 7 * _DAY_MS, 14 * _DAY_MS),
)
_STEPS_MONTHS: Final = (1, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 500, 2000)))
_MONTH_MS: Final = 30.4 * _DAY_MS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY_MS: Final = 4 * _DAY_MS
"""The first Monday after the epoch: from it weeks are counted."""
_MS: Final = timedelta(milliseconds=1)
_FIRST_MS: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MS
_LAST_MS: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MS


class Tick(NamedTuple):
    """A place on an axis, in pixels, and its name."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its ticks: places values from `low` to `high` between the pixels of its ends.

    What lies outside is placed at the nearer end, and what is no number at the lower one.
    """

    low: float
    high: float
    start: float
    end: float
    title: str = ""
    is_logarithmic: bool = False
    ticks: tuple[Tick, ...] = ()

    def at(self, value: float) -> float:
        """The pixel of a value."""
        # In this order, which makes the lower end of NaN.
        low, value, high = self.low, min(max(self.low, value), self.high), self.high
        if self.is_logarithmic:
            low, value, high = math.log(low), math.log(value), math.log(high)
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def moment(self, at: datetime) -> float:
        """The pixel of a moment, on an axis of moments."""
        return self.at(_milliseconds(at))

    def named(self, names: Iterable[tuple[float, str]]) -> "Axis":
        """The axis with ticks at these values."""
        ticks = tuple(Tick(self.at(value), name) for value, name in names)
        return Axis(
            self.low, self.high, self.start, self.end, self.title, self.is_logarithmic, ticks
        )


def span(seconds: float) -> float:
    """A length of time that an axis can hold."""
    return min(max(SHORTEST_S, seconds), LONGEST_S)


def seconds(spans: Iterable[float], start: float, end: float, title: str) -> Axis:
    """A logarithmic axis of spans with plain labels."""
    known = [span(one) for one in spans] or [1.0, 3600.0]
    low, high = min(known) / 1.6, max(known) * 1.6
    ticks = [tick for tick in _TICKS_S if low <= tick <= high]
    if len(ticks) < _FEW:
        ticks = [tick for tick in sorted({*_TICKS_S, *_FINER_S}) if low <= tick <= high]
    axis = Axis(low, high, start, end, title, is_logarithmic=True)
    return axis.named((tick, duration(tick)) for tick in ticks)


def numbers(low: float, high: float, start: float, end: float, title: str) -> Axis:
    """A linear axis, with ticks at round numbers."""
    least = (high - low) * _ROOM["number"] / abs(end - start)
    size = 10.0 ** math.floor(math.log10(least))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= least * 0.999)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    multiples = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return Axis(low, high, start, end, title).named(
        (place * step, f"{place * step:.{digits}f}".replace("-", "\N{MINUS SIGN}"))
        for place in multiples
    )


def moments(times: Iterable[datetime], start: float, end: float) -> Axis:
    """An axis of UTC time with labels for its span; its title has what they leave out."""
    known = [_milliseconds(at) for at in times]
    if not known:
        return Axis(0, 1, start, end, "UTC")
    low, high = min(known), max(known)
    most = min(max(abs(end - start) / _ROOM["moment"], 2), _MOST_MOMENTS)
    length = max(high - low, 1)
    step = next((step for step in _STEPS_MS if length / step <= most), None)
    places: Iterable[tuple[float, str]]
    if step is not None:
        first = _MONDAY_MS + math.ceil((low - _MONDAY_MS) / step) * step
        places = [(at, _name(at, step, low)) for at in range(first, math.floor(high) + 1, step)]
    else:
        fitting = (n for n in _STEPS_MONTHS if length / (n * _MONTH_MS) <= most)
        places = _months(low, high, next(fitting, _STEPS_MONTHS[-1]))
    title = _title(_moment(low), _moment(high), step)
    if high == low:  # a single moment stands in the middle
        low, high = low - 1000, high + 1000
    return Axis(low, high, start, end, title).named(places)


def _milliseconds(at: datetime) -> float:
    """Since the epoch; an offset from UTC may lead out of the years that there are."""
    return min(max((at - _EPOCH) / _MS, _FIRST_MS), _LAST_MS)


def _moment(at: float) -> datetime:
    return _EPOCH + timedelta(milliseconds=math.floor(at))


def _name(at: int, step: int, first: float) -> str:
    moment = _moment(at)
    begins_later_day = at % _DAY_MS == 0 and at > first
    if step >= _DAY_MS or begins_later_day:
        return f"{moment:%d %b}"
    if step >= 60_000:
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 1000:03d}" if step < 1000 else "")


def _months(low: float, high: float, step: int) -> Iterable[tuple[float, str]]:
    first, last = _moment(low), _moment(high)
    index = -(-(first.year * 12 + first.month - 1) // step) * step
    for month in range(index, last.year * 12 + last.month, step):
        at = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        if first <= at <= last:
            yield _milliseconds(at), f"{at:%Y}" if step >= 12 else f"{at:%b %Y}"


def _title(first: datetime, last: datetime, step: int | None) -> str:
    if step is None:
        return "UTC"
    if step >= _DAY_MS:
        years = dict.fromkeys((first.year, last.year))
        return f"{' to '.join(map(str, years))}, UTC"
    day = f"{first:%Y-%m-%d}"
    return f"{day}, UTC" if first.date() == last.date() else f"from {day}, UTC"
