"""Axes: values in their order between two ends, and names that fit the span."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.report.charts.frame import Frame
from statetrail.report.charts.labels import width_of
from statetrail.report.charts.palette import light
from statetrail.report.charts.scales import Axis, moments, numbers, seconds

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "width", "names", "title"),
    [
        (0, 640, ["09:00:00.000"], "2026-03-02, UTC"),
        (0.2, 340, ["09:00:00.000", "09:00:00.050", "09:00:00.100", "09:00:00.150", "09:00:00.200"],
         "2026-03-02, UTC"),
        (36, 640, ["09:00:00", "09:00:10", "09:00:20", "09:00:30"], "2026-03-02, UTC"),
        (3000, 340, ["09:00", "09:15", "09:30", "09:45"], "2026-03-02, UTC"),
        (86_400, 640, ["12:00", "18:00", "03 Mar", "06:00"], "from 2026-03-02, UTC"),
        (3_456_000, 340, ["16 Mar", "30 Mar"], "2026, UTC"),
        (3_456_000, 640, ["09 Mar", "16 Mar", "23 Mar", "30 Mar", "06 Apr"], "2026, UTC"),
        (17_280_000, 340, ["Apr 2026", "Jul 2026"], "UTC"),
        (777_600_000, 340, ["2030", "2040", "2050"], "UTC"),
    ],
    ids=["moment", "instant", "seconds", "minutes", "day", "weeks", "mondays", "months", "decades"],
)  # fmt: skip
def test_an_axis_of_time_has_names_for_its_span(
    span: float, width: int, names: list[str], title: str
) -> None:
    """Round moments, few enough to read; the title has what they leave out."""
    axis = moments([MONDAY, MONDAY + timedelta(seconds=span)], 0, width)
    assert [tick.label for tick in axis.ticks] == names
    assert axis.title == title


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=5), st.sampled_from([200, 640, 1016]))
def test_spans_are_placed_by_their_logarithm(spans: list[float], width: int) -> None:
    """In order, within the ends, tenfold spans equally far apart; each tick at its own span."""
    axis = seconds(spans, 20, width, "idle for")
    places = [axis.at(span) for span in sorted(spans)]
    assert places == sorted(places)
    assert all(20 < place < width for place in places)
    low, high = math.log10(axis.low), math.log10(axis.high)
    for span in spans:
        wanted = 20 + (width - 20) * (math.log10(span) - low) / (high - low)
        assert axis.at(span) == pytest.approx(wanted)


@given(st.sampled_from([(-40.0, 0.0), (0.0, 1.0), (0.0, 7.3)]), st.integers(60, 2000))
def test_numbers_have_round_ticks_with_room_between(ends: tuple[float, float], width: int) -> None:
    """Each name is the number at its place."""
    axis = numbers(*ends, 0, width, "")
    for tick in axis.ticks:
        number = float(tick.label.replace("\N{MINUS SIGN}", "-"))
        assert axis.at(number) == pytest.approx(tick.at, abs=1e-6)
    assert all(after.at - before.at >= 43 for before, after in pairwise(axis.ticks))


@given(st.lists(st.tuples(st.floats(0, 358), st.text(max_size=20)), max_size=12))
def test_no_name_of_an_axis_lies_on_another(named: list[tuple[float, str]]) -> None:
    """Nor is one cut at an end of the picture; those that have no room are left out."""
    frame = Frame(width=358, height=50, left=0, title="", paint=light)
    shown = frame.apart(Axis(0, 358, 0, 358).named(sorted(named)))
    ends = [(x - width_of(name) / 2, x + width_of(name) / 2) for x, name in shown]
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert all(low >= -1e-9 and high <= 358 + 1e-9 for low, high in ends)
    assert bool(shown) == bool(named)
