"""What stands around the marks of every chart: title, axes, names of lanes, legend.

Enters: the size of a chart and its axes. Leaves: elements, and at last the whole picture.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from statetrail.report.charts.labels import SIZE, all_fitted, fitted, width_of
from statetrail.report.charts.palette import Paint
from statetrail.report.charts.scales import Axis
from statetrail.report.charts.svg import (
    Picture,
    Shape,
    element,
    line,
    picture,
    pixels,
    strokes,
    symbol,
    text,
)

NARROW: Final = 480
"""Charts below this width are for phones."""
MAX_ENTRIES: Final = 12
"""Entries of a legend."""
_SHARE, _SHARE_NARROW = 0.36, 0.42
"""Of the width, for the names of lanes at most."""
_SMALL: Final = 11
_TITLE: Final = 24
_MARGIN: Final = 8
_GAP: Final = 8
"""Between two labels."""
_TICK: Final = 5
_LINE: Final = 20
_ENTRY: Final = 220
_SYMBOL, _AREA = 16, 100
_HALO: Final[dict[str, float | str]] = {
    "stroke_width": 4,
    "stroke_linejoin": "round",
    "paint_order": "stroke",
}


class Entry(NamedTuple):
    """A row of a legend: a name, and its mark."""

    label: str
    shape: Shape
    colour: str


def room_for(names: Sequence[str], width: int) -> int:
    """What these names take of a chart's width."""
    most = width * (_SHARE_NARROW if width < NARROW else _SHARE)
    return math.ceil(min(max(map(width_of, names), default=0), most)) + _GAP + _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The room of a chart, in pixels from its top left corner.

    Attributes
    ----------
    width
        Of the whole picture.
    height
        Of the part with the marks.
    left
        What that part leaves free for names.
    title
        What all lanes share; empty for none.
    paint
        Makes colours of their names.
    """

    width: int
    height: int
    left: int
    title: str
    paint: Paint

    @property
    def right(self) -> int:
        """Where the marks end."""
        return self.width - _MARGIN

    @property
    def top(self) -> int:
        """Where they begin."""
        return _TITLE if self.title else _MARGIN

    @property
    def bottom(self) -> int:
        """Where they end."""
        return self.top + self.height

    def below(self, axis: Axis) -> list[str]:
        """The axis below the marks, with its grid."""
        bottom, height = self.bottom, self.height + _TICK
        grid = strokes(((tick.at, self.top + height / 2) for tick in axis.ticks), height)
        labels = [text(name, x, bottom + 18) for x, name in self.apart(axis)]
        middle = self._inside((self.left + self.right) / 2, width_of(axis.title, _SMALL))
        return [
            self._rule(grid + line([(self.left, bottom), (self.right, bottom)])),
            element("g", *labels, fill=self.paint("text"), text_anchor="middle"),
            self._small(axis.title, middle, bottom + 34, text_anchor="middle"),
        ]

    def beside(self, axis: Axis) -> list[str]:
        """The axis left of the marks, with its grid."""
        start, middle = self.left - _TICK, (self.top + self.bottom) / 2
        grid = "".join(line([(start, tick.at), (self.right, tick.at)]) for tick in axis.ticks)
        turned = f"rotate(-90 {_SMALL} {pixels(middle)})"
        return [
            self._rule(grid + self._edge()),
            self._names((tick.at, tick.label) for tick in axis.ticks),
            self._small(axis.title, _SMALL, middle, text_anchor="middle", transform=turned),
        ]

    def lanes(self, labels: Sequence[str]) -> list[str]:
        """Names left of the lanes."""
        middles = self.middles(len(labels))
        start = self.left - _TICK
        ticks = "".join(line([(start, y), (self.left, y)]) for y in middles)
        names = all_fitted(labels, self.left - _GAP - 2)
        return [
            self._rule(ticks + self._edge()),
            self._names(zip(middles, names, strict=True)),
        ]

    def lanes_inside(self, labels: Sequence[str], above: float) -> list[str]:
        """Names within the lanes, so far above their middles; the grid passes behind them."""
        names = all_fitted(labels, self.width - 4)
        named = zip(self.middles(len(labels)), names, strict=True)
        drawn = [text(name, 2, y - above) for y, name in named]
        look = {"fill": self.paint("text"), "stroke": self.paint("page")}
        return [element("g", *drawn, **look, **_HALO)]

    def middles(self, lanes: int) -> list[float]:
        """The middle of each lane."""
        step = self.height / max(lanes, 1)
        return [self.top + step * (lane + 0.5) for lane in range(lanes)]

    def picture(
        self, words: str, parts: Iterable[str], *, legend: Sequence[Entry] = (), heading: str = ""
    ) -> Picture:
        """The whole chart.

        Parameters
        ----------
        words
            The chart in words.
        parts
            Its elements, the first at the bottom.
        legend, heading
            What its marks stand for, and the heading of that.
        """
        rows, height = self._legend(legend, heading) if legend else ([], self.bottom + 2 * _LINE)
        if self.title:
            rows.append(self._small(fitted(self.title, self.width), 0, 14, size=SIZE))
        return picture([*parts, *rows], self.width, height, words, self.paint("page"))

    def _legend(self, entries: Sequence[Entry], heading: str) -> tuple[list[str], int]:
        """Its elements, in as many lines as it takes, and where the picture ends."""
        left = 2 if self.width < NARROW else self.left
        x: float = left
        y = self.bottom + 3 * _LINE
        found = []
        if heading:
            found.append(self._small(heading, x, y, size=SIZE))
            y += _LINE
        for entry in entries[:MAX_ENTRIES]:
            name = fitted(entry.label, _ENTRY)
            width = _SYMBOL + width_of(name)
            if x > left and x + width > self.width:
                x, y = left, y + _LINE
            mark = symbol(entry.shape, x + _SYMBOL / 2 - 2, y - 4, _AREA)
            found.append(element("g", mark, fill=self.paint(entry.colour)))
            found.append(text(name, x + _SYMBOL, y, fill=self.paint("text")))
            x += width + 2 * _GAP
        if (more := len(entries) - MAX_ENTRIES) > 0:
            y += _LINE
            found.append(self._small(f"and {more:,} more", left, y, size=SIZE))
        return found, y + _GAP

    def apart(self, axis: Axis) -> list[tuple[float, str]]:
        """The names of ticks with their middles; those for which there is no room are left out."""
        found, free = [], 0.0
        for tick in axis.ticks:
            width = width_of(tick.label)
            x = self._inside(tick.at, width)
            if x - width / 2 >= free:
                found.append((x, tick.label))
                free = x + width / 2 + _GAP
        return found

    def _inside(self, middle: float, width: float) -> float:
        """Where text stands that is not cut at an end of the picture."""
        return min(max(middle, width / 2), self.width - width / 2)

    def _names(self, named: Iterable[tuple[float, str]]) -> str:
        """Text left of the marks, each at its height."""
        drawn = [text(name, self.left - _GAP, y + 4) for y, name in named]
        return element("g", *drawn, fill=self.paint("text"), text_anchor="end")

    def _edge(self) -> str:
        return line([(self.left, self.top), (self.left, self.bottom)])

    def _small(self, words: str, x: float, y: float, size: int = _SMALL, **attributes: str) -> str:
        return text(words, x, y, fill=self.paint("muted"), font_size=size, **attributes)

    def _rule(self, path: str) -> str:
        return element("path", d=path, stroke=self.paint("line"), fill="none")
