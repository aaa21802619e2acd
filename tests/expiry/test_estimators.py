"""The contract of the estimators: settings, fit, summary, plot, repr."""

import sys

import numpy as np
import pytest

from expiry.samples import evidence
from statetrail.errors import MissingExtraError, UsageError
from statetrail.expiry.estimators import ExpiryEstimator, SurvivalEstimator, by_client


def test_an_expiry_estimator_says_what_it_found() -> None:
    """Attributes, a frame, charts, a repr with the numbers."""
    estimator = ExpiryEstimator()
    assert repr(estimator) == "<ExpiryEstimator, not fitted>"
    found = estimator.fit(evidence(lambda idle, age: idle >= 1800))
    assert found is estimator
    assert found.policy_ == "idle"
    assert found.low_s_ is not None
    assert found.high_s_ is not None
    assert found.low_s_ < 1800 <= found.high_s_
    assert list(found.summary.index) == ["idle", "age"]
    assert found.plot().to_dict()["title"] == "idle"
    assert found.plot_models().to_dict()["mark"]["type"] == "bar"
    assert repr(found).startswith("<ExpiryEstimator: idle, ")


def test_a_survival_estimator_recovers_a_seeded_curve() -> None:
    """Exponential lives seen by rounds: the curve, its band and its median."""
    rng = np.random.default_rng(4)
    lives, step = rng.exponential(100, 3000), rng.uniform(5, 30, 3000)
    left = np.floor(lives / step) * step
    found = SurvivalEstimator().fit(left, left + step)
    low, high = found.median_s_
    assert low - 8 <= 100 * np.log(2) <= high + 8
    true = np.exp(-found.summary["right_s"] / 100)
    assert (found.summary["band_low"] <= true + 1e-9).all()
    assert (true <= found.summary["band_high"] + 1e-9).all()
    assert repr(found) == "<SurvivalEstimator: 3000 values, 0 censored>"
    assert len(found.plot().to_dict()["layer"]) == 2


def test_clients_have_one_interval_each() -> None:
    """The longest idle time that a client's values outlived, and the shortest that ended one."""
    left, right, contradicting = by_client(evidence(lambda idle, age: idle >= 1800), "idle")
    assert len(left) + contradicting == 12
    assert contradicting == 0
    assert (left < 1800).all()
    assert (right >= 1800).all()


@pytest.mark.parametrize("estimator", [ExpiryEstimator(), SurvivalEstimator()])
def test_an_estimator_that_is_not_fitted_says_so(
    estimator: ExpiryEstimator | SurvivalEstimator,
) -> None:
    """Misuse names the fix."""
    with pytest.raises(UsageError, match="call fit first"):
        _ = estimator.summary


def test_a_chart_without_altair_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit and its frame need none."""
    found = SurvivalEstimator().fit(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    monkeypatch.setitem(sys.modules, "altair", None)
    assert len(found.summary)
    with pytest.raises(MissingExtraError, match=r"the extra notebooks .*statetrail\[notebooks"):
        found.plot()
