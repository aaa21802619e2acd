"""The timeline: from when to when each value was seen, and where it was replaced.

Enters: a `Document`. Leaves: a picture, the same for the page and for a notebook.
"""

from collections import Counter
from itertools import cycle
from typing import Final

from statetrail.errors import UsageError
from statetrail.report.charts import scales
from statetrail.report.charts.frame import NARROW, Entry, Frame, room_for
from statetrail.report.charts.hues import hues
from statetrail.report.charts.labels import MAX_LANES, labels_of
from statetrail.report.charts.palette import Paint, light, of_hue
from statetrail.report.charts.svg import Picture, Shape, bar, element, strokes, symbol
from statetrail.report.document import Document

WORDS: Final = (
    "Timeline: from when to when each value was seen, one lane for each client and parameter; "
    "the changes are listed in the table below."
)
"""The chart in words, for those who do not see it."""
MAX_SPANS: Final = 400
_SHAPES: Final[tuple[Shape, ...]] = (
    *("triangle-up", "diamond", "square", "cross", "circle", "triangle-down"),
)
_STEP, _STEP_NARROW = 32, 52
_ABOVE: Final = 10
"""How far above its lane a change is marked."""


def timeline(
    document: Document, client: str | None = None, *, width: int = 640, paint: Paint = light
) -> Picture:
    """When each value was seen, one lane for each client and parameter, with marks where replaced.

    Parameters
    ----------
    document
        The audit.
    client
        Show all of this client's parameters; by default those lanes that change most.
    width, paint
        Pixels, and what makes colours of names.

    Raises
    ------
    UsageError
        The audit keeps no lifespans of that client.
    """
    spans = [span for span in document.lifespans if client in (None, span.client)]
    if client is not None and not spans:
        raise UsageError(f"the audit keeps no lifespans of client {client!r}: see audit.clients")
    counts = Counter(span.lane for span in spans)
    chosen = sorted(counts, key=lambda lane: (-counts[lane], lane))[:MAX_LANES]
    labels, shared = labels_of(chosen)
    spans = [span for span in spans if span.lane in labels][:MAX_SPANS]
    lanes = list(dict.fromkeys(span.lane for span in spans))
    names = [labels[lane] for lane in lanes]
    is_narrow = width < NARROW
    frame = Frame(
        width=width,
        height=max(len(lanes), 1) * (_STEP_NARROW if is_narrow else _STEP),
        left=8 if is_narrow else room_for(names, width),
        title=shared,
        paint=paint,
    )
    middles = dict(zip(lanes, frame.middles(len(lanes)), strict=True))
    changes = [one for one in document.rotations if one.from_ is not None and one.lane in middles]
    changes = changes[:MAX_SPANS]
    times = [at for span in spans for at in (span.first, span.last)]
    axis = scales.moments([*times, *(one.at for one in changes)], frame.left, frame.right)
    hue_of = hues(document)
    bars = [
        bar(
            axis.moment(span.first), axis.moment(span.last), middles[span.lane], 10,
            rx=2, fill=paint(of_hue(hue_of(span.value))),
        )
        for span in spans
    ]  # fmt: skip
    starts = strokes(((axis.moment(span.first), middles[span.lane]) for span in spans), 16)
    shapes = dict(zip(sorted({one.cause for one in changes}), cycle(_SHAPES), strict=False))
    marks = [
        symbol(shapes[one.cause], axis.moment(one.at), middles[one.lane] - _ABOVE, 50)
        for one in changes
    ]
    parts = [
        *frame.below(axis),
        *(frame.lanes_inside(names, 18) if is_narrow else frame.lanes(names)),
        *bars,
        element("path", d=starts, stroke=paint("text"), stroke_width=1.5, stroke_opacity=0.7),
        element("g", *marks, fill=paint("text"), fill_opacity=0.7),
    ]
    legend = [Entry(cause, shape, "text") for cause, shape in shapes.items()]
    return frame.picture(WORDS, parts, legend=legend, heading="replaced, cause")
