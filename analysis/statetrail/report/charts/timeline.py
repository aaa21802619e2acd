"""The timeline: from when to when each value was seen, and where it was replaced.

Enters: a `Document`. Leaves: an Altair chart, the same for the page and for a notebook.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import cycle, islice
from typing import Final

import altair as alt

from statetrail.errors import UsageError
from statetrail.report.charts import style
from statetrail.report.charts.hues import hues
from statetrail.report.charts.palette import COLOURS, HUES, Scheme
from statetrail.report.charts.style import Chart, Row
from statetrail.report.document import Document
from statetrail.report.wording import visible

WORDS: Final = (
    "Timeline: from when to when each value was seen, one lane for each client and parameter; "
    "the changes are listed in the table below."
)
"""The chart in words, for those who do not see it."""
MAX_SPANS: Final = 400
_CAUSE_SHAPES: Final = ("triangle-up", "diamond", "square", "cross", "circle", "triangle-down")
_NARROW: Final = 480
"""Charts below this width have the labels of their lanes inside."""
_LABELS: Final = 0.36
"""The share of a wide chart that these labels may take."""


def timeline(
    document: Document, client: str | None = None, *, width: int = 640, scheme: Scheme = "light"
) -> Chart:
    """When each value was seen, one lane for each client and parameter, with marks where replaced.

    Parameters
    ----------
    document
        The audit.
    client
        Show all of this client's parameters; by default those lanes that change most.

    Raises
    ------
    UsageError
        The audit keeps no lifespans of that client.
    """
    spans = [span for span in document.lifespans if client in (None, span.client)]
    if client is not None and not spans:
        raise UsageError(f"the audit keeps no lifespans of client {client!r}: see audit.clients")
    lanes: dict[tuple[str, ...], int] = {}
    for span in spans:
        lanes[span.lane] = lanes.get(span.lane, 0) + 1
    chosen = sorted(lanes, key=lambda lane: (-lanes[lane], lane))[: style.MAX_LANES]
    labels, shared = style.labels_of(chosen)
    labels = _fitting(labels, int(width * (1 if width < _NARROW else _LABELS) / style.LETTER))
    hue_of = hues(document)
    bars: list[Row] = [
        {
            "lane": labels[span.lane],
            "from": span.first.isoformat(),
            "to": span.last.isoformat(),
            "value": visible(span.value),
            "hue": str(hue_of(span.value)),
            "uses": span.uses,
        }
        for span in spans
        if span.lane in labels
    ][:MAX_SPANS]
    marks: list[Row] = [
        {
            "lane": labels[rotation.lane],
            "at": rotation.at.isoformat(),
            "cause": visible(rotation.cause),
            "to": visible(rotation.to),
        }
        for rotation in document.rotations
        if rotation.from_ is not None and rotation.lane in labels
    ][:MAX_SPANS]
    return _timeline(bars, marks, shared, width, scheme)


def _timeline(bars: list[Row], marks: list[Row], shared: str, width: int, scheme: Scheme) -> Chart:
    colours = COLOURS[scheme]
    lanes = list(dict.fromkeys(bar["lane"] for bar in bars))
    times = [bar[end] for bar in bars for end in ("from", "to")]
    x = alt.X("from:T", scale=alt.Scale(type="utc"), title=None, axis=_time_axis(times))
    narrow = width < _NARROW
    y = alt.Y("lane:N", title=None, sort=lanes, axis=_lane_axis(lanes, narrow=narrow))
    base = alt.Chart(style.inline(bars))
    spans = base.mark_bar(height=10, cornerRadius=2).encode(
        x=x,
        x2=alt.X2("to:T"),
        y=y,
        color=alt.Color(
            "hue:N",
            legend=None,
            scale=alt.Scale(
                domain=[str(at) for at in range(len(HUES[scheme]))], range=list(HUES[scheme])
            ),
        ),
        tooltip=["lane:N", "value:N", "uses:Q", "from:T", "to:T"],
    )
    starts = base.mark_tick(height=16, thickness=1.5, color=colours["text"]).encode(x=x, y=y)
    causes = sorted({mark["cause"] for mark in marks})
    changes = (
        alt.Chart(style.inline(marks))
        .mark_point(size=50, filled=True, color=colours["text"], yOffset=-10)
        .encode(
            x=alt.X("at:T"),
            y=y,
            shape=alt.Shape(
                "cause:N",
                title="replaced, cause",
                scale=alt.Scale(domain=causes, range=[*islice(cycle(_CAUSE_SHAPES), len(causes))]),
            ),
            tooltip=["lane:N", "cause:N", "to:N", "at:T"],
        )
    )
    layers = [spans, starts, changes] if marks else [spans, starts]
    step = 52 if narrow else 32
    return style.styled(layers, width, scheme, step=step, rows=len(lanes), title=shared)


def _fitting(labels: dict[tuple[str, ...], str], letters: int) -> dict[tuple[str, ...], str]:
    """Labels of at most so many letters: the parameter and the end of the client's name."""
    fitted: dict[tuple[str, ...], str] = {}
    for lane, label in labels.items():
        head, dot, tail = label.partition(" · ")
        room = max(letters - len(head) - len(dot) - 1, 8)
        short = label if len(label) <= letters else f"{head}{dot}…{tail[-room:]}"
        same = sum(other == short for other in fitted.values())
        fitted[lane] = f"{short} ({same + 1})" if same else short
    return fitted


def _lane_axis(lanes: Sequence[str], *, narrow: bool) -> alt.Axis:
    """Labels left of the lanes, with room in any font; on a phone above them."""
    if narrow:
        return alt.Axis(
            labelAlign="left",
            labelPadding=-2,
            labelOffset=-22,
            ticks=False,
            domain=False,
            minExtent=0,
            maxExtent=0,
            labelLimit=1000,
        )
    return alt.Axis(minExtent=style.label_room(lanes), labelLimit=1000)


def _time_axis(times: Sequence[str]) -> alt.Axis:
    """An axis with labels for its span of time; its title has what they leave out."""
    if not times:
        return alt.Axis(title="UTC")
    first, last = datetime.fromisoformat(min(times)), datetime.fromisoformat(max(times))
    span_s = (last - first).total_seconds()
    if span_s > 3 * 86_400:
        return alt.Axis(format="%d %b", title=f"{first:%Y}, UTC", tickCount=6)
    day = f"{first:%Y-%m-%d}, UTC" if first.date() == last.date() else f"from {first:%Y-%m-%d}, UTC"
    style = "%H:%M" if span_s > 600 else "%H:%M:%S"
    return alt.Axis(format=style, title=day, tickCount=6)
