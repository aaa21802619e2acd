"""The charts: marks stand where the axes say, foreign text stays text, and the size is bounded.

Places are held against what a reader does: two names of an axis give its scale, by which each mark
is read back into a number of the document.
"""

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from statetrail.errors import UsageError
from statetrail.report.audit import Audit
from statetrail.report.charts.expiry import FARTHEST, likelihood, survival
from statetrail.report.charts.gaps import gaps
from statetrail.report.charts.hues import hues
from statetrail.report.charts.labels import MAX_LANES, width_of
from statetrail.report.charts.palette import COLOURS, HUES, light, variable, variables
from statetrail.report.charts.svg import Picture
from statetrail.report.charts.timeline import MAX_SPANS, timeline
from statetrail.report.document import Document
from support.audits import BAD, document, planted
from support.hostile import PAYLOADS, assert_picture

CHARTS: tuple[Callable[..., Picture], ...] = (timeline, gaps, survival, likelihood)
WIDTHS = (1016, 358)
NOTHING: dict[str, Any] = dict.fromkeys(
    ("lifespans", "rotations", "gaps", "expiry", "survival", "likelihoods"), ()
)
KINDS = (float, datetime, int)
_COLOUR = re.compile(r"#[0-9a-f]{6}|var\([^)]*\)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def elements(picture: Picture, tag: str, **having: str) -> list[etree._Element]:
    """The elements of a picture with that name and those attributes."""
    found = etree.fromstring(picture.svg).iter(f"{{*}}{tag}")
    return [one for one in found if having.items() <= dict(one.attrib).items()]


def named(picture: Picture, name: str) -> tuple[float, float]:
    """The place of a name."""
    (found,) = (one for one in elements(picture, "text") if one.text == name)
    return float(found.get("x", "")), float(found.get("y", ""))


def corners(data: str) -> list[tuple[float, float]]:
    """The corners of a path of straight lines."""
    numbers = [float(number) for number in _NUMBER.findall(data)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_gap_is_a_mark_at_its_length_with_the_interval_behind(width: int) -> None:
    """On the scale of the axis's own names; area grows with the count."""
    picture = gaps(document(), width=width)
    second, minute = named(picture, "1 s")[0], named(picture, "1 min")[0]

    def length(x: float) -> float:
        return 60 ** ((x - second) / (minute - second))

    circles = elements(picture, "circle")[:3]
    radii = [float(one.get("r", "")) for one in circles]
    assert [length(float(one.get("cx", ""))) for one in circles] == pytest.approx(
        [low * math.sqrt(1.25) for low in (1, 60, 1500)], rel=0.03
    )
    assert math.pi * radii[0] ** 2 == pytest.approx(320, rel=0.01)
    assert math.pi * radii[1] ** 2 == pytest.approx(40 + 280 * 22 / 410, rel=0.01)
    _, *shades = elements(picture, "rect")
    ends = [
        (length(x), length(x + float(one.get("width", ""))))
        for one in shades
        for x in [float(one.get("x", ""))]
    ]
    assert ends == [pytest.approx(pair, rel=0.002) for pair in ((1680, 1860), (1740, 1810))]
    lane = named(picture, "_session_token")[1] - 4
    paths = [one.get("d", "") for one in elements(picture, "path")]
    diamonds = [corners(path) for path in paths if path.endswith("z")]
    for diamond, low in zip(diamonds[:2], (1860, 3600), strict=True):
        x, y = (sum(axis) / 4 for axis in zip(*diamond, strict=True))
        assert length(x) == pytest.approx(low * math.sqrt(1.25), rel=0.03)
        assert y == pytest.approx(lane + 8, abs=0.1)
    assert {float(one.get("cy", "")) for one in circles} == {lane - 8}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_value_is_a_bar_from_when_it_was_first_seen_to_when_last(width: int) -> None:
    """In its hue, a stroke at its start; where a value was replaced a mark stands above."""
    picture = timeline(document(), BAD, width=width)
    first, second = (named(picture, name)[0] for name in ("09:30", "10:00"))

    def minute(x: float) -> float:
        return 30 + 30 * (x - first) / (second - first)

    bars = elements(picture, "rect", rx="2")
    seen = [
        (minute(x), minute(x + float(one.get("width", ""))))
        for one in bars
        for x in [float(one.get("x", ""))]
    ]
    assert seen == [pytest.approx(pair, abs=0.01) for pair in ((1, 9), (40, 60), (60, 90))]
    hue_of = hues(document())
    assert [one.get("fill") for one in bars] == [
        HUES["light"][hue_of(span.value)] for span in document().lifespans
    ]
    (starts,) = (one for one in elements(picture, "path") if one.get("stroke-opacity"))
    assert [minute(float(x)) for x in re.findall(r"M(\S+) ", starts.get("d", ""))] == (
        pytest.approx([1, 40, 60], abs=0.01)
    )
    (marks,) = elements(picture, "g", **{"fill-opacity": "0.7"})
    lane = float(bars[0].get("y", "")) + 5
    places = [corners(str(one.get("d"))) for one in marks]
    middles = [[(min(axis) + max(axis)) / 2 for axis in zip(*one, strict=True)] for one in places]
    assert [minute(x) for x, _ in middles] == pytest.approx([40, 60], abs=0.01)
    assert [y for _, y in middles] == pytest.approx([lane - 10] * 2, abs=0.1)
    for word in ("reset", "reissue", "_session_token", "2026-03-02, UTC"):
        assert word in picture.svg


@pytest.mark.parametrize("width", WIDTHS)
def test_a_survival_curve_falls_where_its_intervals_end(width: int) -> None:
    """The line and the band, and a stroke for each client whose tokens were not seen to end."""
    picture = survival(document(), width=width)
    left, right = named(picture, "30 min")[0], named(picture, "1 h")[0]
    top, bottom = named(picture, "1.0")[1] - 4, named(picture, "0.0")[1] - 4

    def read(data: str) -> list[tuple[float, float]]:
        return [
            (1800 * 2 ** ((x - left) / (right - left)), (bottom - y) / (bottom - top))
            for x, y in corners(data)
        ]

    band, curve, strokes = (one.get("d", "") for one in elements(picture, "path")[-3:])
    beyond = 3600 * 1.3
    start = 900 / 1.3
    wanted = ((start, 1), (1860, 1), (1860, 0.4), (3600, 0.4), (3600, 0.1), (beyond, 0.1))
    assert read(curve) == [pytest.approx(pair, rel=0.002) for pair in wanted]
    high = ((start, 1), (1860, 1), (1860, 0.9), (3600, 0.9), (3600, 0.7), (beyond, 0.7))
    assert read(band)[:6] == [pytest.approx(pair, rel=0.002) for pair in high]
    assert {round(share, 3) for _, share in read(band)[6:]} == {0}
    marks = [corners(one) for one in strokes.replace("v12", "").split("M")[1:]]
    middles = read(f"{marks[0][0][0]} {marks[0][0][1] + 6} {marks[1][0][0]} {marks[1][0][1] + 6}")
    assert middles == [pytest.approx(pair, rel=0.002) for pair in ((900, 1), (2400, 0.4))]
    for word in ("share of clients", "limit longer than", "_session_token"):
        assert word in picture.svg


@pytest.mark.parametrize("width", WIDTHS)
def test_a_model_is_a_bar_that_ends_at_its_evidence(width: int) -> None:
    """Best first and in its colour; one that is hopeless has no bar."""
    picture = likelihood(document(), "_session_token", width=width)
    zero, least = (named(picture, name)[0] for name in ("0", f"\N{MINUS SIGN}{FARTHEST:.0f}"))
    bars = elements(picture, "rect", rx="2")
    ends = [float(one.get("x", "")) + float(one.get("width", "")) for one in bars]
    below = [FARTHEST * (zero - end) / (zero - least) for end in ends]
    assert below == pytest.approx([0, 4.2, FARTHEST], abs=0.4)
    heights = [named(picture, name)[1] for name in ("idle", "by chance", "each use")]
    assert heights == sorted(heights)
    assert [one.get("fill") for one in bars] == [
        COLOURS["light"][name] for name in ("accent", "muted", "muted")
    ]
    assert likelihood(document(), "another").svg.count("<rect") == 1


def test_the_timeline_of_an_unknown_client_names_it() -> None:
    """In an error that says where clients are listed."""
    with pytest.raises(UsageError, match=r"no lifespans of client 'nobody': see audit\.clients"):
        timeline(document(), "nobody")


@pytest.mark.parametrize("draw", CHARTS)
def test_a_chart_of_nothing_is_empty_and_no_error(draw: Callable[..., Picture]) -> None:
    """Without data there is an empty chart, and the same data give the same bytes."""
    assert_picture(draw(msgspec.structs.replace(document(), **NOTHING)).svg)
    assert draw(document()).svg == draw(document()).svg


def test_a_picture_is_shown_by_a_notebook_and_saved_as_svg(tmp_path: Path) -> None:
    """The same bytes; another format is refused with the name that would do."""
    picture = Audit(document()).plot_gaps()
    picture.save(tmp_path / "gaps.svg")
    assert (tmp_path / "gaps.svg").read_bytes().decode() == picture._repr_svg_()
    with pytest.raises(UsageError, match=r"'gaps\.png': a picture is SVG, save it as gaps\.svg"):
        picture.save(tmp_path / "gaps.png")
    assert list(tmp_path.iterdir()) == [tmp_path / "gaps.svg"]


@pytest.mark.parametrize("draw", CHARTS)
def test_a_chart_in_a_page_has_the_colours_of_its_style_sheet(draw: Callable[..., Picture]) -> None:
    """Every colour is a variable of the sheet; all else is as in the picture that stands alone."""
    within, alone = (draw(document(), paint=paint).svg for paint in (variable, light))
    used = set(re.findall(r"var\(([^)]+)\)", within))
    assert used
    assert all(f"{name}: " in variables(scheme) for name in used for scheme in ("light", "dark"))
    assert "#" not in within
    assert _COLOUR.sub("", within) == _COLOUR.sub("", alone)


@pytest.mark.parametrize("draw", CHARTS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_text_in_a_chart(payload: str, draw: Callable[..., Picture]) -> None:
    """In every name and value, also of closed lists: nothing else than marks and text is there."""
    assert_picture(draw(planted(document(), lambda text: payload), width=358).svg)


def crowded(count: int) -> Document:
    """Rows of so many parameters, clients, models and causes, each with a name of 1,000 letters."""
    sample = document()

    def many(name: str, *fields: str) -> tuple[Any, ...]:
        return tuple(
            msgspec.structs.replace(row, **dict.fromkeys(fields, f"{at} {'W' * 1000}"))
            for at in range(count)
            for row in getattr(sample, name)
        )

    found = {name: many(name, "param") for name in ("gaps", "expiry", "survival")}
    found["lifespans"] = many("lifespans", "param", "client")
    found["rotations"] = many("rotations", "param", "client", "cause")
    found["likelihoods"] = many("likelihoods", "model")
    return msgspec.structs.replace(sample, **found)


@pytest.mark.parametrize("draw", CHARTS)
def test_a_chart_of_very_many_rows_is_small(draw: Callable[..., Picture]) -> None:
    """The number of lanes, marks and entries is bounded, and no text is wider than the chart."""
    for width in WIDTHS:
        picture = draw(crowded(400), width=width)
        assert len(picture.svg) < 150_000
        assert picture.height < 1000
        for one in elements(picture, "text"):
            assert width_of(str(one.text), float(one.get("font-size", "12"))) <= width
        assert len(elements(picture, "rect")) <= 1 + max(MAX_SPANS, 2 * MAX_LANES)


ODD = st.floats() | st.sampled_from([0.0, -1.0, 1e-300, 1e300, math.inf, -math.inf, math.nan])
ZONES = st.sampled_from([timezone(timedelta(hours=hours)) for hours in (-14, 0, 14)])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ODD, min_size=1, max_size=7),
    st.lists(st.datetimes(timezones=ZONES), min_size=1, max_size=4),
    st.lists(st.integers(), min_size=1, max_size=3),
)
def test_no_number_leads_out_of_a_chart(
    floats: list[float], times: list[datetime], counts: list[int]
) -> None:
    """Spans, shares and moments of any size and none: each mark is within the picture."""
    some = {kind: cycle(found) for kind, found in zip(KINDS, (floats, times, counts), strict=True)}

    def odd(one: Any) -> Any:
        if isinstance(one, msgspec.Struct):
            return type(one)(**{name: odd(getattr(one, name)) for name in one.__struct_fields__})
        if isinstance(one, tuple):
            return tuple(map(odd, one))
        return next(some[type(one)]) if type(one) in some else one

    sample = document()
    hostile = msgspec.structs.replace(sample, **{n: odd(getattr(sample, n)) for n in NOTHING})
    for draw in CHARTS:
        picture = draw(hostile, width=358)
        for one in etree.fromstring(picture.svg).iter():
            for name in ("x", "y", "cx", "cy", "r", "width", "height", "d"):
                for number in re.findall(r"[^\sMLvz]+", one.get(name, "")):
                    assert -30 <= float(number) <= max(picture.width, picture.height), one.attrib
