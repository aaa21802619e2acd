"""The idle gaps that values survived or did not, with the interval of the timeout.

Enters: a `Document`. Leaves: a picture, the same for the page and for a notebook.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from statetrail.report.charts import scales
from statetrail.report.charts.frame import Entry, Frame, room_for
from statetrail.report.charts.labels import MAX_LANES, subject_labels
from statetrail.report.charts.palette import Paint, light
from statetrail.report.charts.svg import Picture, Shape, bar, element, symbol
from statetrail.report.document import Document
from statetrail.report.sections.expiry import Expiry, Gap

WORDS: Final = (
    "Idle gaps on a logarithmic axis, those that a value survived and those that were fatal, with "
    "the interval of the timeout shaded; the figures are in the table below."
)
"""The chart in words, for those who do not see it."""
_OUTCOMES: Final[dict[str, tuple[str, Shape, int]]] = {
    "survived": ("good", "circle", -8),
    "fatal": ("bad", "diamond", 8),
}
"""The colour, shape and offset of each outcome."""
_STEP: Final = 46
_AREA: Final = (40, 320)
"""Of the mark of no use and of as many as the largest stands for, in square pixels."""


def gaps(document: Document, *, width: int = 640, paint: Paint = light) -> Picture:
    """How long values were idle before a use that they survived or did not; the interval shaded.

    Only parameters with gaps are shown, those with most ends first, at most twelve.
    """
    ranked = sorted(document.expiry, key=lambda row: (-row.ended, row.origin, row.param))
    seen = {gap.subject for gap in document.gaps}
    chosen = {row.subject: row for row in ranked if row.subject in seen}
    chosen = dict([*chosen.items()][:MAX_LANES])
    found = [gap for gap in document.gaps if gap.subject in chosen]
    subjects = list(dict.fromkeys(gap.subject for gap in found))
    labels, shared = subject_labels(list(chosen))
    names = [labels[subject] for subject in subjects]
    frame = Frame(
        width=width,
        height=max(len(names), 1) * _STEP,
        left=room_for(names, width),
        title=shared,
        paint=paint,
    )
    edges = [edge for row in chosen.values() for edge in _interval(row)]
    axis = scales.seconds([*map(_middle, found), *edges], frame.left, frame.right, "idle for")
    lanes = dict(zip(subjects, frame.middles(len(subjects)), strict=True))
    shades = [
        bar(
            axis.at(ends[0]), axis.at(ends[1]), lanes[subject], _STEP,
            fill=paint("accent"), fill_opacity=opacity, stroke=paint("accent"),
        )
        for subject, row in chosen.items()
        for ends, opacity in ((_interval(row), 0.22), (_sharp(row), 0.3))
        if ends
    ]  # fmt: skip
    legend = [Entry(outcome, shape, colour) for outcome, (colour, shape, _) in _OUTCOMES.items()]
    marks = _marks(found, lanes, axis, paint)
    parts = [*frame.below(axis), *frame.lanes(names), *shades, *marks]
    return frame.picture(WORDS, parts, legend=legend, heading="the token")


def _marks(
    found: Iterable[Gap],
    lanes: Mapping[tuple[str, str, str], float],
    axis: scales.Axis,
    paint: Paint,
) -> Iterator[str]:
    """A group of marks for each outcome; gaps on the same pixel are one mark."""
    counts = Counter[tuple[str, float, int]]()
    for gap in found:
        counts[gap.outcome, lanes[gap.subject], round(axis.at(_middle(gap)))] += gap.count
    least, most = _AREA
    largest = max([1, *counts.values()])
    for outcome, (colour, shape, offset) in _OUTCOMES.items():
        marks = [
            symbol(shape, x, y + offset, least + (most - least) * max(count / largest, 0))
            for (kind, y, x), count in counts.items()
            if kind == outcome
        ]
        if marks:
            yield element("g", *marks, fill=paint(colour), fill_opacity=0.85)


def _middle(gap: Gap) -> float:
    """The geometric middle of a gap."""
    low, high = scales.span(gap.low_s), scales.span(gap.high_s)
    return math.sqrt(low * high)


def _interval(row: Expiry) -> tuple[float, ...]:
    """The interval of the timeout, if it has both ends."""
    if row.idle_low_s is None or row.idle_high_s is None:
        return ()
    return row.idle_low_s, row.idle_high_s


def _sharp(row: Expiry) -> tuple[float, ...]:
    """The sharp one, likewise."""
    if row.idle_high_s is None or row.idle_sharp_low_s is None or row.idle_sharp_high_s is None:
        return ()
    return row.idle_sharp_low_s, row.idle_sharp_high_s
