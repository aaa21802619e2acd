"""The interval of a limit against a plain count, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.expiry.bounds import Threshold, threshold

INF = np.inf
SPANS = st.sampled_from((0.0, 1.0, 2.0, 3.0, 5.0, 8.0))
SUMMARIES = st.lists(st.tuples(SPANS, SPANS.map(lambda s: s or INF)), max_size=12)


def contradicted(summaries: list[tuple[float, float]], limit: float) -> int:
    """How many values a limit does not explain: dead exactly when the span reaches it."""
    return sum(not outlived < limit <= ended for outlived, ended in summaries)


@given(SUMMARIES)
def test_the_interval_is_where_the_fewest_values_contradict(
    summaries: list[tuple[float, float]],
) -> None:
    """No limit is contradicted less than those at the ends, none outside is as little."""
    outlived, ended = (np.array([summary[i] for summary in summaries], dtype=float) for i in (0, 1))
    found = threshold(outlived, ended)
    tried = {
        limit: contradicted(summaries, limit) for limit in (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 9)
    }
    fewest = min(tried.values())
    best = [limit for limit, count in tried.items() if count == fewest]
    inside = [t for t in tried if (found.low_s or 0) < t <= (found.high_s or INF)]
    assert found.contradictions == fewest
    assert (inside[0], inside[-1]) == (best[0], best[-1])
    assert found.values == sum(summary != (0.0, INF) for summary in summaries)


@pytest.mark.parametrize(
    ("outlived", "ended", "expected"),
    [
        pytest.param([], [], Threshold(None, None, 0, 0), id="nothing seen"),
        pytest.param([60, 90], [INF, INF], Threshold(90, None, 2, 0), id="no end"),
        pytest.param([0, 0], [300, 200], Threshold(None, 200, 2, 0), id="nothing survived"),
        pytest.param([60, 90, 0], [INF, 200, 150], Threshold(90, 150, 3, 0), id="both"),
        pytest.param([60, 300], [100, INF], Threshold(60, None, 2, 1), id="two that disagree"),
        pytest.param([60, 60, 300], [100, 90, INF], Threshold(60, 90, 3, 1), id="one odd survivor"),
        pytest.param([5], [5], Threshold(None, None, 1, 1), id="a value that contradicts itself"),
    ],
)
def test_a_threshold_by_hand(
    outlived: list[float], ended: list[float], expected: Threshold
) -> None:
    """Each table of summaries gives this interval."""
    assert threshold(np.array(outlived, dtype=float), np.array(ended, dtype=float)) == expected
