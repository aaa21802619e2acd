"""Per-value summaries against a plain loop."""

import numpy as np
import pytest

from expiry.samples import evidence
from statetrail.expiry import ValueSummaries
from statetrail.expiry.summaries import even


def test_summaries_are_those_of_a_loop() -> None:
    """The longest survived and the fatal span of each value."""
    uses = evidence(lambda idle, age: idle >= 1800)
    summaries = ValueSummaries.of(uses)
    for value in range(uses.values):
        own = uses.value == value
        lived, dead = uses.idle_low_s[own & uses.survived], uses.idle_high_s[own & uses.ended]
        assert summaries.outlived["idle"][value] == max(lived, default=0.0)
        assert summaries.ended["idle"][value] == min(dead, default=np.inf)


@pytest.mark.parametrize(
    ("bracket", "evened"),
    [
        pytest.param((0.9, 1.1), (1.0, 1.0), id="a second, and the latency of two requests"),
        pytest.param((0.2, 0.6), (0.4, 0.4), id="less than the latency"),
        pytest.param((1000.0, 1001.0), (1000.0, 1001.0), id="hardly any"),
        pytest.param((0.0, 1.1), (0.0, 1.1), id="a use that may have been touched meanwhile"),
        pytest.param((0.2, 900.0), (0.2, 900.0), id="a refused use in between: no latency"),
    ],
)
def test_a_bracket_is_evened_only_where_latency_made_it_wide(
    bracket: tuple[float, float], evened: tuple[float, float]
) -> None:
    """The middle of a bracket is no estimate where it is unknown whether a use in it counted."""
    low, high = (np.array([end]) for end in bracket)
    ends = even(low, high)
    assert [float(end[0]) for end in ends] == pytest.approx(list(evened))
