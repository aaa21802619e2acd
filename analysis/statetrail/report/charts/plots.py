"""The charts: a timeline of values and their rotations, and the idle gaps survived or fatal.

Enters: a `Document`. Leaves: Altair charts, the same ones for the page and for a notebook.
Whatever text they show is data to them: no expression, no link and no field name is made from it.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import cycle, islice
from typing import Any, Final

import altair as alt

from statetrail.errors import UsageError
from statetrail.report.charts.palette import COLOURS, HUES, Scheme, hue
from statetrail.report.document import Document, Expiry
from statetrail.report.wording import duration, visible

MAX_LANES: Final = 12
MAX_SPANS: Final = 400
_CAUSE_SHAPES: Final = ("triangle-up", "diamond", "square", "cross", "circle", "triangle-down")
_TICKS_S: Final = (
    *(0.001, 0.01, 0.1, 1, 10, 60, 600, 1800, 3600, 4 * 3600, 24 * 3600),
    *(7 * 86400, 30 * 86400, 365 * 86400),
)
_FINER_S: Final = (
    *(0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2, 5, 20, 30, 120, 300, 900, 2700),
    *(2 * 3600, 8 * 3600, 12 * 3600, 2 * 86400, 14 * 86400, 90 * 86400),
)
_FEW: Final = 3
"""Fewer ticks tell nothing of an axis: then there are finer ones."""
_NARROW: Final = 480
"""Charts below this width have the labels of their lanes inside."""
_LETTER: Final = 7.3
"""Width in pixels of a letter of a lane's label, in the widest of the usual fonts."""
_WIDER: Final = 1.2
"""How much wider another font is than the one by which labels are limited."""
_LABELS: Final = 0.36
"""The share of a wide chart that these labels may take."""

type Chart = alt.LayerChart
type Row = dict[str, Any]


def timeline(
    document: Document,
    client: str | None = None,
    *,
    width: int = 640,
    scheme: Scheme = "light",
) -> Chart:
    """When each value lived, one lane a client and parameter, with a mark where it was replaced.

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
        lane = (span.client, span.origin, span.dialect, span.param)
        lanes[lane] = lanes.get(lane, 0) + 1
    chosen = sorted(lanes, key=lambda lane: (-lanes[lane], lane))[:MAX_LANES]
    labels, shared = labels_of(chosen)
    labels = _fitting(labels, int(width * (1 if width < _NARROW else _LABELS) / _LETTER))
    bars: list[Row] = [
        {
            "lane": labels[lane],
            "from": span.first.isoformat(),
            "to": span.last.isoformat(),
            "value": visible(span.value),
            "hue": str(hue(span.value)),
            "uses": span.uses,
        }
        for span in spans
        if (lane := (span.client, span.origin, span.dialect, span.param)) in labels
    ][:MAX_SPANS]
    marks: list[Row] = [
        {
            "lane": labels[lane],
            "at": rotation.at.isoformat(),
            "cause": visible(rotation.cause),
            "to": visible(rotation.to),
        }
        for rotation in document.rotations
        if rotation.from_ is not None
        and (lane := (rotation.client, rotation.origin, rotation.dialect, rotation.param)) in labels
    ][:MAX_SPANS]
    return _timeline(bars, marks, shared, width, scheme)


def labels_of(lanes: Sequence[tuple[str, ...]]) -> tuple[dict[tuple[str, ...], str], str]:
    """What tells the lanes apart, as their labels, and what they share, as a title."""
    cells = [(visible(lane[0]).split(" | "), [*map(visible, lane[1:])]) for lane in lanes]
    width = max((len(client) for client, _ in cells), default=1)
    # Clients of one recording have equally many attributes; else they are kept whole.
    rows = [
        (rest[-1], *(client if len(client) == width else ["?"] * width), rest[0])
        for client, rest in cells
    ]
    varying = [at for at in range(width + 2) if len({row[at] for row in rows}) > 1]
    # The origin comes last, and only where nothing else tells two lanes apart.
    if width + 1 in varying and len({row[:-1] for row in rows}) == len(rows):
        varying.remove(width + 1)
    shown = varying or [0]
    labels = {
        lane: " · ".join(row[at] for at in shown) for lane, row in zip(lanes, rows, strict=True)
    }
    fixed = [rows[0][at] for at in range(width + 2) if len({row[at] for row in rows}) == 1]
    fixed = fixed if varying else fixed[1:]
    return labels, " · ".join(fixed)


def _timeline(bars: list[Row], marks: list[Row], shared: str, width: int, scheme: Scheme) -> Chart:
    colours = COLOURS[scheme]
    lanes = list(dict.fromkeys(bar["lane"] for bar in bars))
    times = [bar[end] for bar in bars for end in ("from", "to")]
    x = alt.X("from:T", scale=alt.Scale(type="utc"), title=None, axis=_time_axis(times))
    narrow = width < _NARROW
    y = alt.Y("lane:N", title=None, sort=lanes, axis=_lane_axis(lanes, narrow=narrow))
    base = alt.Chart(inline(bars))
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
        tooltip=[
            alt.Tooltip("lane:N"),
            alt.Tooltip("value:N"),
            alt.Tooltip("uses:Q"),
            alt.Tooltip("from:T"),
            alt.Tooltip("to:T"),
        ],
    )
    starts = base.mark_tick(height=16, thickness=1.5, color=colours["text"]).encode(x=x, y=y)
    causes = sorted({mark["cause"] for mark in marks})
    changes = (
        alt.Chart(inline(marks))
        .mark_point(size=50, filled=True, color=colours["text"], yOffset=-10)
        .encode(
            x=alt.X("at:T"),
            y=y,
            shape=alt.Shape(
                "cause:N",
                title="replaced, cause",
                scale=alt.Scale(domain=causes, range=[*islice(cycle(_CAUSE_SHAPES), len(causes))]),
            ),
            tooltip=[
                alt.Tooltip("lane:N"),
                alt.Tooltip("cause:N"),
                alt.Tooltip("to:N"),
                alt.Tooltip("at:T"),
            ],
        )
    )
    layers = [spans, starts, changes] if marks else [spans, starts]
    step = 52 if narrow else 32
    return styled(layered(*layers), width, scheme, step=step, rows=len(lanes), title=shared)


def _fitting(labels: dict[tuple[str, ...], str], letters: int) -> dict[tuple[str, ...], str]:
    """Labels of at most so many letters: the parameter and the end of what tells clients apart."""
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
    return alt.Axis(minExtent=_room(lanes), labelLimit=1000)


def label_axis(labels: Sequence[str], width: int) -> alt.Axis:
    """Labels left of the rows, with room in any font, up to a third of the width."""
    return alt.Axis(minExtent=min(_room(labels), int(width / 3 * _WIDER) + 12))


def _room(labels: Sequence[str]) -> int:
    return int(max(map(len, labels), default=0) * _LETTER) + 12


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


def seconds_axis(field: str, spans: Sequence[float], title: str) -> alt.X:
    """A logarithmic axis of spans with plain labels."""
    known = list(spans) or [1.0, 3600.0]
    low, high = min(known) / 1.6, max(known) * 1.6
    ticks = [tick for tick in _TICKS_S if low <= tick <= high]
    if len(ticks) < _FEW:
        ticks = [tick for tick in sorted({*_TICKS_S, *_FINER_S}) if low <= tick <= high]
    names = {tick: duration(tick) for tick in ticks}
    spoken = " : ".join(f"datum.value == {tick} ? '{name}'" for tick, name in names.items())
    return alt.X(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"{spoken} : ''" if spoken else "''"),
    )


def inline(rows: list[Row]) -> alt.InlineData:
    """Rows as a chart's data."""
    # As text: of a list each of its cells is copied with every step by which a chart is made.
    return alt.InlineData(values=json.dumps(rows), format={"type": "json"})


def layered(*layers: alt.Chart) -> Chart:
    """Charts drawn over one another, the first at the bottom."""
    chart = alt.layer(*layers)
    assert isinstance(chart, alt.LayerChart)
    return chart


def _time_axis(times: Sequence[str]) -> alt.Axis:
    """An axis whose labels fit the time it spans; what they leave out stands in its title."""
    if not times:
        return alt.Axis(title="UTC")
    first, last = datetime.fromisoformat(min(times)), datetime.fromisoformat(max(times))
    span_s = (last - first).total_seconds()
    if span_s > 3 * 86_400:
        return alt.Axis(format="%d %b", title=f"{first:%Y}, UTC", tickCount=6)
    day = f"{first:%Y-%m-%d}, UTC" if first.date() == last.date() else f"from {first:%Y-%m-%d}, UTC"
    style = "%H:%M" if span_s > 600 else "%H:%M:%S"
    return alt.Axis(format=style, title=day, tickCount=6)


def styled(chart: Chart, width: int, scheme: Scheme, *, step: int, rows: int, title: str) -> Chart:
    """The look that all charts share."""
    colours = COLOURS[scheme]
    label_room = width // 3
    chosen: Chart = (
        chart.properties(
            width=width,
            height=max(rows, 1) * step,
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
            title=alt.TitleParams(title, anchor="start", frame="bounds", limit=width),
        )
        # At once: each call copies the chart.
        .configure(
            background=colours["page"],
            # A font whose widths the renderer knows, so that no label is cut.
            font="Arial, Helvetica, sans-serif",
            title=alt.TitleConfig(color=colours["muted"], fontSize=12, fontWeight="normal"),
            view=alt.ViewConfig(stroke=None),
            axis=alt.AxisConfig(
                labelColor=colours["text"],
                titleColor=colours["muted"],
                gridColor=colours["line"],
                domainColor=colours["line"],
                tickColor=colours["line"],
                labelLimit=label_room,
                labelFontSize=12,
                titleFontWeight="normal",
            ),
            legend=alt.LegendConfig(
                orient="bottom",
                labelColor=colours["text"],
                titleColor=colours["muted"],
                titleFontWeight="normal",
                labelLimit=220,
                labelFontSize=12,
                titleFontSize=12,
            ),
        )
    )
    return chosen
