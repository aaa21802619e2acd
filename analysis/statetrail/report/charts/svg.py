"""Pictures as SVG: the marks of charts, in a form in which nothing can run.

Enters: places in pixels, names of colours, text. Leaves: SVG. All text is escaped; what else is in
a picture is a number or a word of ours. No identifier, link, style or script is in it, so that it
may stand in a page as often as it likes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from markupsafe import escape

from statetrail.errors import UsageError
from statetrail.report.charts.labels import SIZE
from statetrail.report.wording import visible

type Shape = Literal["circle", "diamond", "square", "cross", "triangle-up", "triangle-down"]
type Point = tuple[float, float]

FONT: Final = "Arial, Helvetica, sans-serif"
# The corners of each shape in halves of the side of a square of the same size.
_CROSS: Final = 0.4
_CORNERS: Final[dict[Shape, tuple[Point, ...]]] = {
    "diamond": ((0, -1), (1, 0), (0, 1), (-1, 0)),
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "cross": (
        *((-1, -_CROSS), (-_CROSS, -_CROSS), (-_CROSS, -1), (_CROSS, -1)),
        *((_CROSS, -_CROSS), (1, -_CROSS), (1, _CROSS), (_CROSS, _CROSS)),
        *((_CROSS, 1), (-_CROSS, 1), (-_CROSS, _CROSS), (-1, _CROSS)),
    ),
    "triangle-up": ((0, -0.87), (1, 0.87), (-1, 0.87)),
    "triangle-down": ((0, 0.87), (-1, -0.87), (1, -0.87)),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart: a notebook shows it, `save` writes it, a page has its SVG in it.

    Attributes
    ----------
    svg
        The whole picture.
    width, height
        In pixels.
    """

    svg: str
    width: int
    height: int

    def save(self, path: Path | str) -> None:
        """Write the picture to a file.

        Raises
        ------
        UsageError
            The file's name is that of another format.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise UsageError(f"{path.name!r}: a picture is SVG, save it as {path.stem}.svg")
        path.write_text(self.svg, "utf-8", newline="\n")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Picture of {self.width} x {self.height} pixels>"


def picture(parts: Iterable[str], width: int, height: int, words: str, ground: str) -> Picture:
    """A picture of these elements, the first at the bottom; `words` say what it shows."""
    svg = element(
        "svg",
        element("rect", width=width, height=height, fill=ground),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=words,
        font_family=FONT,
        font_size=SIZE,
    )
    return Picture(svg, width, height)


def element(tag: str, *inner: str, **attributes: float | str) -> str:
    """An element; `inner` is SVG already."""
    written = "".join(
        f' {name.replace("_", "-")}="{_value(one)}"' for name, one in attributes.items()
    )
    return f"<{tag}{written}>{''.join(inner)}</{tag}>" if inner else f"<{tag}{written}/>"


def pixels(number: float) -> str:
    """A number to a hundredth, which is less than anybody sees.

    >>> pixels(2), pixels(0.25), pixels(-0.001), pixels(100 / 3)
    ('2', '0.25', '0', '33.33')
    """
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _value(one: float | str) -> str:
    return escape(visible(one)) if isinstance(one, str) else pixels(one)


def text(words: str, x: float, y: float, **attributes: float | str) -> str:
    """Text at a place."""
    return element("text", escape(visible(words)), x=x, y=y, **attributes)


def bar(x: float, x2: float, y: float, height: float, **attributes: float | str) -> str:
    """A bar from one place to another, `y` its middle."""
    low, high = sorted((x, x2))
    return element("rect", x=low, y=y - height / 2, width=high - low, height=height, **attributes)


def symbol(shape: Shape, x: float, y: float, area: float) -> str:
    """A mark of about such an area in square pixels."""
    if shape == "circle":
        return element("circle", cx=x, cy=y, r=math.sqrt(area / math.pi))
    half = math.sqrt(area) / 2
    corners = ((x + dx * half, y + dy * half) for dx, dy in _CORNERS[shape])
    return element("path", d=f"{line(corners)}z")


def strokes(places: Iterable[Point], height: float) -> str:
    """Vertical strokes of a height, each around its place, as data of a path."""
    return "".join(f"M{pixels(x)} {pixels(y - height / 2)}v{pixels(height)}" for x, y in places)


def steps(corners: Sequence[Point]) -> list[Point]:
    """The corners of a curve that keeps its height up to the next one."""
    found = list(corners[:1])
    for (_, before), (x, y) in pairwise(corners):
        found += [(x, before), (x, y)] if y != before else [(x, y)]
    return found


def line(corners: Iterable[Point]) -> str:
    """A line through corners, as data of a path."""
    return "M" + "L".join(f"{pixels(x)} {pixels(y)}" for x, y in corners)
