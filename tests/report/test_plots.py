"""The charts: the same data gives the same picture, and foreign text stays text."""

import msgspec
import pytest

from statetrail.errors import UsageError
from statetrail.report import plots
from statetrail.report.svg import svg
from support.audits import BAD, document


def test_a_chart_is_drawn_the_same_every_time() -> None:
    """Two drawings of a chart are the same bytes, whatever was drawn before."""
    first = svg(plots.timeline(document()))
    assert svg(plots.gaps(document())) == svg(plots.gaps(document()))
    assert svg(plots.timeline(document())) == first


def test_the_timeline_of_one_client_is_its_own() -> None:
    """A client's lanes are shown by its name; an unknown client is named in the error."""
    drawn = svg(plots.timeline(document(), BAD))
    assert "stale-app/0.9" in drawn
    assert "reissue" in drawn
    with pytest.raises(UsageError, match="no lifespans of client 'nobody'"):
        plots.timeline(document(), "nobody")


def test_the_gaps_are_drawn_with_their_outcome_and_interval() -> None:
    """Survived and fatal gaps and the shaded interval are there, on an axis in plain units."""
    drawn = svg(plots.gaps(document()))
    for word in ("survived", "fatal", "30 min", "_session_token"):
        assert word in drawn


@pytest.mark.parametrize("plot", [plots.timeline, plots.gaps], ids=["timeline", "gaps"])
def test_a_chart_of_nothing_is_empty_and_no_error(plot) -> None:  # type: ignore[no-untyped-def]
    """Without data there is an empty chart."""
    empty = msgspec.structs.replace(document(), lifespans=(), rotations=(), gaps=(), expiry=())
    assert svg(plot(empty)).startswith("<svg")
