"""The idle gaps that values survived or did not, with the interval of the timeout.

Enters: a `Document`. Leaves: an Altair chart, the same for the page and for a notebook.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import altair as alt

from statetrail.report.charts import style
from statetrail.report.charts.palette import COLOURS, Scheme
from statetrail.report.charts.style import Chart, Row, Subject
from statetrail.report.document import Document
from statetrail.report.sections.expiry import Expiry
from statetrail.report.wording import duration

WORDS: Final = (
    "Idle gaps on a logarithmic axis, those that a value survived and those that were fatal, with "
    "the interval of the timeout shaded; the figures are in the table below."
)
"""The chart in words, for those who do not see it."""
_OUTCOMES: Final = {"survived": ("good", "circle", -8), "fatal": ("bad", "diamond", 8)}
"""The colour, shape and offset of each outcome."""


def gaps(document: Document, *, width: int = 640, scheme: Scheme = "light") -> Chart:
    """How long values were idle before a use that they survived or did not; the interval shaded.

    Only parameters with gaps are shown, those with most ends first, at most twelve.
    """
    ranked = sorted(document.expiry, key=lambda row: (-row.ended, row.origin, row.param))
    seen = {gap.subject for gap in document.gaps}
    chosen = [row for row in ranked if row.subject in seen][: style.MAX_LANES]
    labels, shared = style.subject_labels([row.subject for row in chosen])
    points: list[Row] = [
        {
            "lane": labels[gap.subject],
            "seconds": (gap.low_s * gap.high_s) ** 0.5,
            "outcome": gap.outcome,
            "count": gap.count,
            "gap": f"{duration(gap.low_s)} to {duration(gap.high_s)}",
        }
        for gap in document.gaps
        if gap.subject in labels
    ]
    bands = _bands(chosen, labels), _sharp_bands(chosen, labels)
    return _gaps(points, bands, shared, width, scheme)


def _bands(chosen: Iterable[Expiry], labels: Mapping[Subject, str]) -> list[Row]:
    """The intervals that have both ends."""
    return [
        {
            "lane": labels[row.subject],
            "low": max(row.idle_low_s, style.SHORTEST_S),
            "high": max(row.idle_high_s, style.SHORTEST_S),
        }
        for row in chosen
        if row.idle_low_s is not None and row.idle_high_s is not None
    ]


def _sharp_bands(chosen: Iterable[Expiry], labels: Mapping[Subject, str]) -> list[Row]:
    """The sharp intervals that have both ends."""
    return [
        {
            "lane": labels[row.subject],
            "low": max(row.idle_sharp_low_s, style.SHORTEST_S),
            "high": max(row.idle_sharp_high_s, style.SHORTEST_S),
        }
        for row in chosen
        if row.idle_high_s is not None
        if row.idle_sharp_low_s is not None and row.idle_sharp_high_s is not None
    ]


def _gaps(
    points: list[Row],
    bands: tuple[list[Row], list[Row]],
    shared: str,
    width: int,
    scheme: Scheme,
) -> Chart:
    colours = COLOURS[scheme]
    edges = [edge for band in bands[0] for edge in (band["low"], band["high"])]
    x = style.seconds_axis("seconds", [point["seconds"] for point in points] + edges, "idle for")
    lanes = list(dict.fromkeys(point["lane"] for point in points))
    y = alt.Y("lane:N", title=None, sort=lanes, axis=style.label_axis(lanes, width))
    shades = [
        alt.Chart(style.inline(shaded))
        .mark_rect(color=colours["accent"], fillOpacity=opacity, stroke=colours["accent"])
        .encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y)
        for shaded, opacity in zip(bands, (0.22, 0.3), strict=True)
        if shaded
    ]
    fills = alt.Scale(domain=[*_OUTCOMES], range=[colours[fill] for fill, *_ in _OUTCOMES.values()])
    shapes = alt.Scale(domain=[*_OUTCOMES], range=[shape for _, shape, _ in _OUTCOMES.values()])
    # The offset is in the mark: in the encoding it would halve the shaded band.
    dots = [
        alt.Chart(style.inline([point for point in points if point["outcome"] == outcome]))
        .mark_point(filled=True, opacity=0.85, yOffset=offset)
        .encode(
            x=x,
            y=y,
            size=alt.Size("count:Q", scale=alt.Scale(range=[40, 320]), legend=None),
            color=alt.Color("outcome:N", title="the token", scale=fills),
            shape=alt.Shape("outcome:N", title="the token", scale=shapes),
            tooltip=["lane:N", "outcome:N", "gap:N", "count:Q"],
        )
        for outcome, (_, _, offset) in _OUTCOMES.items()
    ]
    return style.styled([*shades, *dots], width, scheme, step=46, rows=len(lanes), title=shared)
