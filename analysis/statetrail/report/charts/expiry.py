"""The charts of expiry: survival curves by client, and the likelihood of each model.

Enters: a `Document`. Leaves: pictures, the same for the page and for a notebook.
"""

from collections.abc import Iterator
from typing import Final

from statetrail.report.charts import scales
from statetrail.report.charts.frame import Entry, Frame, room_for
from statetrail.report.charts.labels import subject_labels
from statetrail.report.charts.palette import Paint, light, of_hue
from statetrail.report.charts.svg import Picture, bar, element, line, steps, strokes
from statetrail.report.document import Document
from statetrail.report.sections.expiry import Survival

MAX_CURVES: Final = 4
MAX_BARS: Final = 40
"""Models that are shown: more than there are."""
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
_LEFT: Final = 48
_STEP, _BAR = 22, 12
_BEYOND: Final = 1.3
"""How far a curve goes on before its first point and after its last."""


def survival(document: Document, *, width: int = 640, paint: Paint = light) -> Picture:
    """The share of clients whose limit is longer than a span, with its band.

    Ticks: clients whose tokens were not seen to end. Only parameters of which tokens ended are
    shown, those with most ends first, at most `MAX_CURVES`.
    """
    ends = {row.subject: row.ended for row in document.expiry}
    ranked = sorted(document.survival, key=lambda one: (-ends.get(one.subject, 0), one.subject))
    chosen = ranked[:MAX_CURVES]
    labels, shared = subject_labels([one.subject for one in chosen])
    names = [labels[one.subject] for one in chosen]
    frame = Frame(
        width=width,
        height=_HEIGHT,
        left=_LEFT,
        title=" · ".join(part for part in (*names[: len(names) == 1], shared) if part),
        paint=paint,
    )
    curves = [_corners(one) for one in chosen]
    spans = [corner[0] for corners in curves for corner in corners]
    spans += [at for one in chosen for at in one.censored_s]
    x = scales.seconds(spans, frame.left, frame.right, "limit longer than")
    y = scales.numbers(0, 1, frame.bottom, frame.top, "share of clients")
    colours = [paint(of_hue(at)) for at in range(len(chosen))]
    parts = [*frame.below(x), *frame.beside(y)]
    for corners, colour in zip(curves, colours, strict=True):
        low, high = ([(x.at(one[0]), y.at(one[at])) for one in corners] for at in (2, 3))
        band = f"{line([*steps(high), *reversed(steps(low))])}z"
        parts.append(element("path", d=band, fill=colour, fill_opacity=0.18))
    for one, corners, colour in zip(chosen, curves, colours, strict=True):
        curve = line(steps([(x.at(span), y.at(share)) for span, share, *_ in corners]))
        marks = strokes(((x.at(at), y.at(share)) for at, share in _censored(one)), 12)
        parts.append(element("path", d=curve, fill="none", stroke=colour, stroke_width=1.8))
        if marks:
            parts.append(element("path", d=marks, stroke=colour, stroke_width=1.4))
    legend = [Entry(name, "circle", of_hue(at)) for at, name in enumerate(names)]
    return frame.picture(SURVIVAL_WORDS, parts, legend=legend if len(legend) > 1 else ())


def likelihood(
    document: Document, param: str | None = None, *, width: int = 640, paint: Paint = light
) -> Picture:
    """How far each model's evidence is below that of the best, in natural logarithms.

    Of the parameter of that name with most ends, or of all parameters.
    """
    ends = {row.subject: row.ended for row in document.expiry}
    found = [one for one in document.likelihoods if param in (None, one.param)]
    subject = min((one.subject for one in found), key=lambda s: (-ends.get(s, 0), s), default=())
    rows = [one for one in found if one.subject == subject][:MAX_BARS]
    names = [one.model for one in rows]
    frame = Frame(
        width=width,
        height=max(len(rows), 1) * _STEP,
        left=room_for(names, width),
        title=" · ".join(reversed(subject)),
        paint=paint,
    )
    title = "log-evidence below the best model"
    axis = scales.numbers(-FARTHEST, 0, frame.left, frame.right, title)
    bars = [
        bar(
            frame.left, axis.at(-one.below), middle, _BAR,
            rx=2, fill=paint("accent" if one.policy == rows[0].policy else "muted"),
        )
        for one, middle in zip(rows, frame.middles(len(rows)), strict=True)
    ]  # fmt: skip
    parts = [*frame.below(axis), *frame.lanes(names), *bars]
    return frame.picture(LIKELIHOOD_WORDS, parts)


def _corners(one: Survival) -> list[tuple[float, float, float, float]]:
    """Where a curve changes: the span, the share that is left after it, and its band.

    It starts at one and falls at the end of each interval.
    """
    known = [fall.left_s for fall in one.falls if fall.left_s > 0] + list(one.censored_s)
    first = one.falls[0].band_low if one.falls else 0.0
    corners = [(scales.span(min(known, default=1.0) / _BEYOND), 1.0, first, 1.0)]
    corners += [
        (scales.span(fall.right_s), fall.survival, fall.band_low, fall.band_high)
        for fall in one.falls
        if fall.right_s is not None
    ]
    beyond = max([corners[-1][0], *one.censored_s]) * _BEYOND
    return [*corners, (scales.span(beyond), *corners[-1][1:])]


def _censored(one: Survival) -> Iterator[tuple[float, float]]:
    """Where the capture of a client ended with its token alive, on the curve."""
    falls = [(fall.right_s, fall.survival) for fall in one.falls if fall.right_s is not None]
    for at in one.censored_s:
        yield at, min((rest for end, rest in falls if end <= at), default=1.0)
