"""What the charts share: labels, axes and looks.

Text from the network is data to a chart: no expression, link or field name is made from it.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from statetrail.report.charts.palette import COLOURS, Scheme
from statetrail.report.wording import duration, visible

MAX_LANES: Final = 12
SHORTEST_S: Final = 0.001
"""Shorter spans are drawn here: a logarithmic axis has no zero."""
_TICKS_S: Final = (
    *(0.001, 0.01, 0.1, 1, 10, 60, 600, 1800, 3600, 4 * 3600, 24 * 3600),
    *(7 * 86400, 30 * 86400, 365 * 86400),
)
_FINER_S: Final = (
    *(0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2, 5, 20, 30, 120, 300, 900, 2700),
    *(2 * 3600, 8 * 3600, 12 * 3600, 2 * 86400, 14 * 86400, 90 * 86400),
)
_FEW: Final = 3
"""With fewer ticks an axis cannot be read: then it has the finer ones."""
LETTER: Final = 7.3
"""Width in pixels of a letter of a lane's label, in the widest of the usual fonts."""
_WIDER: Final = 1.2
"""How much wider another font is than the one by which labels are limited."""

type Chart = alt.LayerChart
type Row = dict[str, Any]
type Subject = tuple[str, ...]


def labels_of(lanes: Sequence[tuple[str, ...]]) -> tuple[dict[tuple[str, ...], str], str]:
    """What differs between lanes, as their labels, and what they share, as a title."""
    cells = [(visible(lane[0]).split(" | "), [*map(visible, lane[1:])]) for lane in lanes]
    width = max((len(client) for client, _ in cells), default=1)
    # Clients of one recording have equally many attributes; otherwise they are kept whole.
    rows = [
        (rest[-1], *(client if len(client) == width else ["?"] * width), rest[0])
        for client, rest in cells
    ]
    varying = [at for at in range(width + 2) if len({row[at] for row in rows}) > 1]
    # The origin comes last, and only where two lanes differ in nothing else.
    if width + 1 in varying and len({row[:-1] for row in rows}) == len(rows):
        varying.remove(width + 1)
    shown = varying or [0]
    labels = {
        lane: " · ".join(row[at] for at in shown) for lane, row in zip(lanes, rows, strict=True)
    }
    fixed = [rows[0][at] for at in range(width + 2) if len({row[at] for row in rows}) == 1]
    fixed = fixed if varying else fixed[1:]
    return labels, " · ".join(fixed)


def subject_labels(subjects: Sequence[Subject]) -> tuple[dict[Subject, str], str]:
    """As `labels_of`, for parameters at origins."""
    labels, shared = labels_of([("", *subject) for subject in subjects])
    return {lane[1:]: label for lane, label in labels.items()}, shared.strip(" ·")


def label_axis(labels: Sequence[str], width: int) -> alt.Axis:
    """Labels left of the rows, with room in any font, up to a third of the width."""
    return alt.Axis(minExtent=min(label_room(labels), int(width / 3 * _WIDER) + 12))


def label_room(labels: Sequence[str]) -> int:
    """The width in pixels that these labels take."""
    return int(max(map(len, labels), default=0) * LETTER) + 12


def seconds_axis(field: str, spans: Sequence[float], title: str) -> alt.X:
    """A logarithmic axis of spans with plain labels."""
    known = list(spans) or [1.0, 3600.0]
    low, high = min(known) / 1.6, max(known) * 1.6
    ticks = [tick for tick in _TICKS_S if low <= tick <= high]
    if len(ticks) < _FEW:
        ticks = [tick for tick in sorted({*_TICKS_S, *_FINER_S}) if low <= tick <= high]
    names = {tick: duration(tick) for tick in ticks}
    named = " : ".join(f"datum.value == {tick} ? '{name}'" for tick, name in names.items())
    return alt.X(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"{named} : ''" if named else "''"),
    )


def inline(rows: list[Row]) -> alt.InlineData:
    """Rows as a chart's data."""
    # As text: Altair copies each cell of a list with every step by which a chart is made.
    return alt.InlineData(values=json.dumps(rows), format={"type": "json"})


def styled(
    layers: Sequence[alt.Chart], width: int, scheme: Scheme, *, step: int, rows: int, title: str
) -> Chart:
    """Charts drawn over one another, the first at the bottom, in the look that all charts share."""
    colours = COLOURS[scheme]
    limit = width // 3
    chosen: Chart = (
        alt.layer(*layers)
        .properties(
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
                labelLimit=limit,
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
