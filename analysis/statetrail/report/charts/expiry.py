"""The charts of expiry: survival curves by client, and the likelihood of each model.

Enters: a `Document`. Leaves: Altair charts, the same ones for the page and for a notebook.
"""

from typing import Final

import altair as alt

from statetrail.report.charts import style
from statetrail.report.charts.palette import COLOURS, HUES, Scheme
from statetrail.report.charts.style import Chart, Row
from statetrail.report.document import Document
from statetrail.report.sections.expiry import Survival
from statetrail.report.wording import visible

MAX_CURVES: Final = 4
FARTHEST: Final = 40.0
"""Bars end here: a model that lies further below the best explains nothing."""
SURVIVAL_WORDS: Final = (
    "Survival curve on a logarithmic axis: the share of the clients whose limit is longer than a "
    "span, with a band of 95 % confidence and marks where a capture ended with the token alive."
)
LIKELIHOOD_WORDS: Final = (
    "Bars, one for each model of the server: how far the logarithm of its evidence is below that "
    "of the best model."
)
"""The charts in words, for those who do not see them."""

_HEIGHT: Final = 260
_BAR: Final = 22


def survival(document: Document, *, width: int = 640, scheme: Scheme = "light") -> Chart:
    """The share of clients whose limit is longer than a span, with its band.

    Ticks: clients whose tokens were not seen to end. Only parameters of which tokens ended are
    shown, those with most ends first, at most `MAX_CURVES`.
    """
    ends = {row.subject: row.ended for row in document.expiry}
    ranked = sorted(document.survival, key=lambda one: (-ends.get(one.subject, 0), one.subject))
    chosen = ranked[:MAX_CURVES]
    labels, shared = style.subject_labels([one.subject for one in chosen])
    falls = [row for one in chosen for row in _falls(one, labels[one.subject])]
    marks = [row for one in chosen for row in _marks(one, labels[one.subject])]
    order = list(dict.fromkeys(row["of"] for row in falls))
    colour = alt.Color(
        "of:N",
        title=None,
        legend=alt.Legend() if len(order) > 1 else None,
        scale=alt.Scale(domain=order, range=[HUES[scheme][at] for at in range(len(order))]),
    )
    x = style.seconds_axis(
        "seconds", [row["seconds"] for row in falls + marks], "limit longer than"
    )
    y = alt.Y("survival:Q", title="share of clients", scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(style.inline(falls))
    band = base.mark_area(opacity=0.18, interpolate="step-after").encode(
        x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(
        x=x, y=y, color=colour, tooltip=["of:N", "seconds:Q", "survival:Q", "low:Q", "high:Q"]
    )
    ticks = (
        alt.Chart(style.inline(marks))
        .mark_tick(orient="vertical", thickness=1.4, height=12)
        .encode(x=x, y=y, color=colour)
    )
    layers = [band, line, ticks] if marks else [band, line]
    title = " · ".join(part for part in (*order[: len(order) == 1], shared) if part)
    return style.styled(layers, width, scheme, step=_HEIGHT, rows=1, title=title)


def likelihood(
    document: Document, param: str | None = None, *, width: int = 640, scheme: Scheme = "light"
) -> Chart:
    """How far each model's evidence is below that of the best, in natural logarithms.

    Of the parameter of that name with most ends, or of all parameters.
    """
    ends = {row.subject: row.ended for row in document.expiry}
    found = [one for one in document.likelihoods if param in (None, one.param)]
    subjects = sorted({one.subject for one in found}, key=lambda s: (-ends.get(s, 0), s))
    rows: list[Row] = [
        {
            "model": visible(one.model),
            "policy": visible(one.policy),
            "below": -min(one.below, FARTHEST),
            "exactly": -one.below,
        }
        for one in found
        if subjects and one.subject == subjects[0]
    ]
    colours = COLOURS[scheme]
    names, models = [row["policy"] for row in rows], [row["model"] for row in rows]
    best = names[0] if names else ""
    bars = (
        alt.Chart(style.inline(rows))
        .mark_bar(height=12, cornerRadius=2)
        .encode(
            x=alt.X(
                "below:Q",
                title="log-evidence below the best model",
                scale=alt.Scale(domain=[-FARTHEST, 0]),
            ),
            x2=alt.X2Datum(-FARTHEST),
            y=alt.Y("model:N", title=None, sort=models, axis=style.label_axis(models, width)),
            color=alt.Color(
                "policy:N",
                legend=None,
                scale=alt.Scale(
                    domain=list(dict.fromkeys(names)),
                    range=[
                        colours["accent" if name == best else "muted"]
                        for name in dict.fromkeys(names)
                    ],
                ),
            ),
            tooltip=["model:N", "policy:N", "exactly:Q"],
        )
    )
    title = " · ".join(visible(part) for part in reversed(subjects[0])) if subjects else ""
    return style.styled([bars], width, scheme, step=_BAR, rows=len(rows), title=title)


def _falls(one: Survival, label: str) -> list[Row]:
    """The corners of a curve: it starts at one and falls at the end of each interval."""
    known = [fall.left_s for fall in one.falls if fall.left_s > 0] + list(one.censored_s)
    start = max(min(known, default=1.0) / 1.3, style.SHORTEST_S)
    first = one.falls[0].band_low if one.falls else 0.0
    corners = [(start, 1.0, first, 1.0)]
    corners += [
        (max(fall.right_s, style.SHORTEST_S), fall.survival, fall.band_low, fall.band_high)
        for fall in one.falls
        if fall.right_s is not None
    ]
    beyond = max([corners[-1][0], *one.censored_s]) * 1.3
    corners.append((beyond, *corners[-1][1:]))
    names = ("seconds", "survival", "low", "high")
    return [{"of": label} | dict(zip(names, corner, strict=True)) for corner in corners]


def _marks(one: Survival, label: str) -> list[Row]:
    """Where the capture of a client ended with its token alive, on the curve."""
    falls = [(fall.right_s, fall.survival) for fall in one.falls if fall.right_s is not None]
    return [
        {
            "of": label,
            "seconds": at,
            "survival": min([rest for end, rest in falls if end <= at], default=1.0),
        }
        for at in one.censored_s
    ]
