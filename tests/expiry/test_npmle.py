"""The survival curve against a published one, and against any other curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.errors import UsageError
from statetrail.expiry.npmle import isotonic, npmle

INF = np.inf
# Finkelstein and Wolfe (1985): months until breast retraction, radiotherapy alone.
RETRACTION = """45- 6-10 0-7 46- 46- 7-16 17- 7-14 37-44 0-8 4-11 15- 11-15 22- 46- 46- 25-37 46-
26-40 46- 27-34 36-44 46- 36-48 37- 40- 17-25 46- 11-18 38- 5-12 37- 0-5 18- 24- 36- 5-11 19-35
17-25 24- 32- 33- 19-26 37- 34- 36-"""
PUBLISHED = {
    (4, 5): 0.0463,
    (6, 7): 0.0334,
    (7, 8): 0.0887,
    (11, 12): 0.0708,
    (24, 25): 0.0926,
    (33, 34): 0.0818,
    (38, 40): 0.1209,
    (46, 48): 0.4656,
}
INTERVALS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 5), st.booleans()).map(
        lambda x: (float(x[0]), INF if x[2] else float(x[0] + x[1]))
    ),
    min_size=1,
    max_size=25,
)


def test_the_published_curve() -> None:
    """The masses that Turnbull's estimate has on the textbook's data."""
    bounds = [part.split("-") for part in RETRACTION.split()]
    left = np.array([float(low) for low, _ in bounds])
    right = np.array([float(high or INF) for _, high in bounds])
    curve = npmle(left, right)
    falls = zip(curve.left_s, curve.right_s, curve.mass, strict=True)
    found = {(int(a), int(b)): round(float(m), 4) for a, b, m in falls if m > 1e-4}
    assert found == pytest.approx(PUBLISHED, abs=2e-4)
    assert (curve.values, curve.censored) == (46, 25)
    assert curve.quantile(0.5) == (38, 40)


@given(INTERVALS, st.randoms(use_true_random=False))
def test_no_other_curve_is_likelier(intervals: list[tuple[float, float]], random: object) -> None:
    """The certificate bounds what random masses could gain, and the band holds the estimate."""
    left, right = (np.array(side) for side in zip(*intervals, strict=True))
    curve = npmle(left, right)
    holds = (left[:, None] <= curve.left_s) & (curve.right_s <= right[:, None])
    rng = np.random.default_rng(len(intervals))
    for masses in rng.dirichlet(np.full(len(curve.mass), 0.5), 20):
        chances = np.maximum(holds @ masses, 1e-300)
        assert np.log(chances).sum() <= curve.log_likelihood + len(left) * (curve.gain + 1e-9)
    assert curve.gain <= 1e-5
    assert (curve.band_low <= curve.survival + 1e-9).all()
    assert (curve.survival <= curve.band_high + 1e-9).all()


def test_an_interval_that_holds_nothing_is_named() -> None:
    """Misuse says which."""
    with pytest.raises(UsageError, match=r"\(5\.0, 5\.0\] is empty"):
        npmle(np.array([1.0, 5.0]), np.array([2.0, 5.0]))


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1, max_size=12))
def test_isotonic_regression_is_that_of_the_minimax_formula(
    points: list[tuple[float, float]],
) -> None:
    """Each value is the largest of the least weighted means of runs about it."""
    values, weights = (np.array(side) for side in zip(*points, strict=True))
    count = len(values)

    def mean(a: int, b: int) -> float:
        return float(np.average(values[a : b + 1], weights=weights[a : b + 1]))

    slow = [
        max(min(mean(a, b) for b in range(i, count)) for a in range(i + 1)) for i in range(count)
    ]
    assert isotonic(values, weights) == pytest.approx(slow, abs=1e-9)
