"""The charts: the same data gives the same picture, and foreign text stays text."""

import json
from collections.abc import Callable

import altair as alt
import msgspec
import pytest

from statetrail.errors import UsageError
from statetrail.report.charts.expiry import FARTHEST, likelihood, survival
from statetrail.report.charts.gaps import gaps
from statetrail.report.charts.svg import darkened, svg
from statetrail.report.charts.timeline import timeline
from support.audits import BAD, document


def test_a_chart_is_drawn_the_same_every_time() -> None:
    """Two drawings of a chart are the same bytes, whatever was drawn before."""
    first = svg(timeline(document()))
    assert svg(gaps(document())) == svg(gaps(document()))
    assert svg(timeline(document())) == first


@pytest.mark.parametrize("width", [1040, 358])
@pytest.mark.parametrize("draw", [timeline, gaps, survival, likelihood])
def test_a_chart_keeps_to_the_schema_of_its_library(
    draw: Callable[..., alt.LayerChart], width: int
) -> None:
    """Drawing for a report leaves this check out: it costs more than the drawing."""
    for scheme in ("light", "dark"):
        assert draw(document(), width=width, scheme=scheme).to_dict(validate=True)["layer"]


@pytest.mark.parametrize("draw", [timeline, gaps, survival, likelihood])
def test_a_chart_turned_dark_is_the_chart_drawn_dark(draw: Callable[..., alt.LayerChart]) -> None:
    """The report draws each chart once, and gives its other picture the other colours."""
    light, dark = (svg(draw(document(), scheme=scheme)) for scheme in ("light", "dark"))
    assert light != dark
    assert darkened(light) == dark


def test_the_timeline_of_one_client_is_its_own() -> None:
    """A client's lanes are shown by its name; an unknown client is named in the error."""
    drawn = svg(timeline(document(), BAD))
    assert "stale-app/0.9" in drawn
    assert "reissue" in drawn
    with pytest.raises(UsageError, match="no lifespans of client 'nobody'"):
        timeline(document(), "nobody")


def test_the_gaps_are_drawn_with_their_outcome_and_interval() -> None:
    """Survived and fatal gaps and the shaded interval are there, on an axis in plain units."""
    drawn = svg(gaps(document()))
    for word in ("survived", "fatal", "30 min", "_session_token"):
        assert word in drawn


@pytest.mark.parametrize(
    "plot",
    [timeline, gaps, survival, likelihood],
    ids=["timeline", "gaps", "survival", "likelihood"],
)
def test_a_chart_of_nothing_is_empty_and_no_error(plot) -> None:  # type: ignore[no-untyped-def]
    """Without data there is an empty chart."""
    empty = msgspec.structs.replace(
        document(), lifespans=(), rotations=(), gaps=(), expiry=(), survival=(), likelihoods=()
    )
    assert svg(plot(empty)).startswith("<svg")


def test_the_survival_curve_has_its_band_and_marks() -> None:
    """A line, a band and a tick a censored client, on an axis in plain units."""
    chart = survival(document())
    marks = [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]
    assert marks == ["area", "line", "tick"]
    drawn = svg(chart)
    for word in ("share of clients", "30 min", "1 h", "_session_token"):
        assert word in drawn


def test_the_likelihoods_are_drawn_best_first_and_cut_off() -> None:
    """Every model by its name; one that is hopeless has no bar."""
    chart = likelihood(document()).to_dict()
    rows = json.loads(*chart["datasets"].values())
    assert [row["model"] for row in rows] == ["idle", "by chance", "each use"]
    assert [row["below"] for row in rows] == [0.0, -4.2, -FARTHEST]
    assert "by chance" in svg(likelihood(document(), "_session_token"))
