"""The idle gaps that values survived or did not, with the interval of the timeout.

Enters: a `Document`. Leaves: an Altair chart, the same for the page and for a notebook.
"""

from collections.abc import Iterable
from typing import Final

import altair as alt

from statetrail.report.charts.palette import COLOURS, Scheme
from statetrail.report.charts.style import (
    MAX_LANES,
    Chart,
    Row,
    inline,
    label_axis,
    labels_of,
    layered,
    seconds_axis,
    styled,
)
from statetrail.report.document import Document
from statetrail.report.sections.expiry import Expiry
from statetrail.report.wording import duration

WORDS: Final = (
    "Idle gaps on a logarithmic axis, those that a value survived and those that were fatal, with "
    "the interval of the timeout shaded; the figures are in the table below."
)
"""The chart in words, for those who do not see it."""


def gaps(document: Document, *, width: int = 640, scheme: Scheme = "light") -> Chart:
    """How long values lay idle before a use that they survived or did not; the interval shaded.

    Only parameters with gaps are shown, those with most ends first, at most twelve.
    """
    ranked = sorted(document.expiry, key=lambda row: (-row.ended, row.origin, row.param))
    seen = {(gap.origin, gap.dialect, gap.param) for gap in document.gaps}
    chosen = [row for row in ranked if (row.origin, row.dialect, row.param) in seen][:MAX_LANES]
    by_subject, shared = labels_of([("", row.origin, row.dialect, row.param) for row in chosen])
    labels = {(lane[1], lane[2], lane[3]): label for lane, label in by_subject.items()}
    points: list[Row] = [
        {
            "lane": labels[subject],
            "seconds": (gap.low_s * gap.high_s) ** 0.5,
            "outcome": gap.outcome,
            "count": gap.count,
            "gap": f"{duration(gap.low_s)} to {duration(gap.high_s)}",
        }
        for gap in document.gaps
        if (subject := (gap.origin, gap.dialect, gap.param)) in labels
    ]
    return _gaps(points, _bands(chosen, labels), shared.strip(" ·"), width, scheme)


def _bands(chosen: Iterable[Expiry], labels: dict[tuple[str, str, str], str]) -> list[Row]:
    """The intervals that have both ends."""
    return [
        {
            "lane": labels[row.origin, row.dialect, row.param],
            "low": max(row.idle_low_s, 0.001),
            "high": max(row.idle_high_s, 0.001),
        }
        for row in chosen
        if row.idle_low_s is not None and row.idle_high_s is not None
    ]


def _gaps(points: list[Row], bands: list[Row], shared: str, width: int, scheme: Scheme) -> Chart:
    colours = COLOURS[scheme]
    edges = [edge for band in bands for edge in (band["low"], band["high"])]
    x = seconds_axis("seconds", [point["seconds"] for point in points] + edges, "idle for")
    lanes = list(dict.fromkeys(point["lane"] for point in points))
    y = alt.Y("lane:N", title=None, sort=lanes, axis=label_axis(lanes, width))
    shade = (
        alt.Chart(inline(bands))
        .mark_rect(color=colours["accent"], fillOpacity=0.22, stroke=colours["accent"])
        .encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y)
    )
    looks = {"survived": ("good", "circle", -8), "fatal": ("bad", "diamond", 8)}
    outcomes = list(looks)
    # An offset in the mark and not in the encoding: that would halve the shaded band.
    dots = [
        alt.Chart(inline([point for point in points if point["outcome"] == outcome]))
        .mark_point(filled=True, opacity=0.85, yOffset=looks[outcome][2])
        .encode(
            x=x,
            y=y,
            size=alt.Size("count:Q", scale=alt.Scale(range=[40, 320]), legend=None),
            color=alt.Color(
                "outcome:N",
                title="the token",
                scale=alt.Scale(
                    domain=outcomes, range=[colours[looks[name][0]] for name in outcomes]
                ),
            ),
            shape=alt.Shape(
                "outcome:N",
                title="the token",
                scale=alt.Scale(domain=outcomes, range=[looks[name][1] for name in outcomes]),
            ),
            tooltip=[
                alt.Tooltip("lane:N"),
                alt.Tooltip("outcome:N"),
                alt.Tooltip("gap:N"),
                alt.Tooltip("count:Q"),
            ],
        )
        for outcome in outcomes
    ]
    layers = [shade, *dots] if bands else dots
    return styled(layered(*layers), width, scheme, step=46, rows=len(lanes), title=shared)
