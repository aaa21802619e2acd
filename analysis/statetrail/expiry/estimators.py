"""Estimators: the inference as objects that a notebook fits, reads and draws.

Enters: `Evidence`, or intervals. Leaves: fitted estimators. Settings stand in the constructor,
`fit` gives the estimator back, what it found ends in an underscore,
`summary` is a frame, `plot` a chart.

    from statetrail.expiry.estimators import ExpiryEstimator

    found = ExpiryEstimator().fit(evidence)
    found.policy_, found.low_s_, found.high_s_
    found.summary
    found.plot()
"""

from typing import Any, Final, Self

import altair as alt
import numpy as np
import pandas as pd

from statetrail.errors import UsageError
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.inference import Inference, infer
from statetrail.expiry.intervals import AGE_FAMILY
from statetrail.expiry.npmle import Curve, turnbull
from statetrail.expiry.numerics import Reals
from statetrail.expiry.summaries import Ballots

_MOST_POINTS: Final = 4_000


class ExpiryEstimator:
    """The policy of expiry with its limits.

    Attributes
    ----------
    policy_, posterior_
        The name, and its probability.
    low_s_, high_s_
        The interval of the limit that the policy names.
    inference_
        All that was found: `statetrail.expiry.Inference`.
    """

    inference_: Inference
    policy_: str
    posterior_: float | None
    low_s_: float | None
    high_s_: float | None

    def fit(self, evidence: Evidence, ballots: Ballots | None = None) -> Self:
        """Infer from uses.

        Parameters
        ----------
        evidence
            Uses, of a sample of the values at least.
        ballots
            Votes of all values; those of the evidence where not given.
        """
        self._evidence = evidence
        self._ballots = Ballots.of(evidence) if ballots is None else ballots
        found = self.inference_ = infer(evidence, ballots)
        limit = found.age if found.policy in AGE_FAMILY else found.idle
        self.policy_, self.posterior_ = found.policy, found.posterior
        self.low_s_, self.high_s_ = limit.low_s, limit.high_s
        return self

    @property
    def summary(self) -> pd.DataFrame:
        """One row a limit: both intervals, votes and contradictions."""
        found = _fitted(self, "inference_")
        limits = {"idle": found.idle, "age": found.age}
        rows = {
            name: {
                "low_s": one.low_s,
                "high_s": one.high_s,
                "sharp_low_s": one.sharp.low_s,
                "sharp_high_s": one.sharp.high_s,
                "votes": one.sharp.votes,
                "contradictions": one.sharp.contradictions,
            }
            for name, one in limits.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("limit")

    def plot(self) -> alt.LayerChart:
        """Survived and fatal spans on a log axis, the interval shaded."""
        found = _fitted(self, "inference_")
        span = "age" if found.policy in AGE_FAMILY else "gap"
        low, high = self._evidence.bounds(span)
        parts = (
            ("survived", low[self._evidence.survived]),
            ("fatal", high[self._evidence.ending]),
        )
        points: list[dict[str, Any]] = [
            {"seconds": seconds, "outcome": outcome}
            for outcome, spans in parts
            for seconds in _some(spans[np.isfinite(spans) & (spans > 0)])
        ]
        x = alt.X("seconds:Q", scale=alt.Scale(type="log"), title=f"{span}, seconds")
        dots = (
            alt.Chart(alt.InlineData(values=points))
            .mark_tick(thickness=1.5, opacity=0.5)
            .encode(
                x=x, y=alt.Y("outcome:N", title=None), color=alt.Color("outcome:N", legend=None)
            )
        )
        layers = [dots]
        if self.low_s_ is not None and self.high_s_ is not None:
            band = alt.InlineData(values=[{"low": self.low_s_, "high": self.high_s_}])
            layers.insert(0, alt.Chart(band).mark_rect(opacity=0.2).encode(x="low:Q", x2="high:Q"))
        return alt.LayerChart(layer=layers, title=self.policy_)

    def plot_models(self) -> alt.Chart:
        """The logarithm of each model's evidence, below that of the best."""
        naming = _fitted(self, "inference_").naming
        found = {} if naming is None else naming.log_evidence
        top = max(found.values(), default=0.0)
        bars = [
            {"model": model, "below the best": max(value - top, -100.0)}
            for model, value in found.items()
            if np.isfinite(value)
        ]
        chart: alt.Chart = (
            alt.Chart(alt.InlineData(values=bars))
            .mark_bar()
            .encode(x="below the best:Q", y=alt.Y("model:N", sort="-x", title=None))
        )
        return chart

    def __repr__(self) -> str:
        if not hasattr(self, "inference_"):
            return "<ExpiryEstimator, not fitted>"
        ends, values = self._ballots.ends, len(self._ballots)
        return f"<ExpiryEstimator: {self.policy_}, {values} values, {values - ends} censored>"


class SurvivalEstimator:
    """The survival curve from intervals in which values, or clients' limits, end.

    Parameters
    ----------
    level
        Confidence of the band.

    Attributes
    ----------
    curve_
        `statetrail.expiry.npmle.Curve`.
    median_s_
        The interval in which half of them have ended.
    """

    curve_: Curve
    median_s_: tuple[float, float]

    def __init__(self, *, level: float = 0.95) -> None:
        self.level = level

    def fit(self, left: Reals, right: Reals) -> Self:
        """Fit intervals (left, right] in seconds; an infinite right bound has not ended."""
        self.curve_ = turnbull(left, right, level=self.level)
        self.median_s_ = self.curve_.quantile(0.5)
        return self

    @property
    def summary(self) -> pd.DataFrame:
        """One row a fall of the curve."""
        curve = _fitted(self, "curve_")
        names = ("left_s", "right_s", "mass", "survival", "band_low", "band_high")
        return pd.DataFrame({name: getattr(curve, name) for name in names})

    def plot(self) -> alt.LayerChart:
        """The curve with its band."""
        falls = self.summary
        last = falls["left_s"].where(np.isinf(falls["right_s"]), falls["right_s"])
        rows = falls.assign(right_s=last).to_dict("records")
        table = alt.InlineData(values=[{str(k): v for k, v in row.items()} for row in rows])
        x = alt.X("right_s:Q", title="seconds")
        band = (
            alt.Chart(table)
            .mark_area(opacity=0.2, interpolate="step-after")
            .encode(x=x, y=alt.Y("band_low:Q", title="survived"), y2="band_high:Q")
        )
        line = alt.Chart(table).mark_line(interpolate="step-after").encode(x=x, y="survival:Q")
        return alt.LayerChart(layer=[band, line])

    def __repr__(self) -> str:
        if not hasattr(self, "curve_"):
            return "<SurvivalEstimator, not fitted>"
        return f"<SurvivalEstimator: {self.curve_.values} values, {self.curve_.censored} censored>"


def by_client(evidence: Evidence, span: str) -> tuple[Reals, Reals, int]:
    """The interval in which each client's limit lies, and how many clients contradict themselves.

    Where populations differ, a curve of values would be biased: short limits make more values.

    Returns
    -------
    tuple
        Left and right bounds in seconds, of the clients that any limit fits; the number of others.
    """
    low, high = evidence.bounds(span)
    count = int(evidence.client.max(initial=-1)) + 1
    left, right = np.zeros(count), np.full(count, np.inf)
    np.maximum.at(left, evidence.client[evidence.survived], low[evidence.survived])
    np.minimum.at(right, evidence.client[evidence.ending], high[evidence.ending])
    fits = left < right
    return left[fits], right[fits], int(np.count_nonzero(~fits))


def _fitted(estimator: object, name: str) -> Any:
    if not hasattr(estimator, name):
        kind = type(estimator).__name__
        raise UsageError(f"this {kind} is not fitted: call fit first")
    return getattr(estimator, name)


def _some(spans: Reals) -> list[float]:
    ranked = np.sort(spans)
    if len(ranked) > _MOST_POINTS:
        ranked = ranked[np.linspace(0, len(ranked) - 1, _MOST_POINTS).astype(np.int64)]
    return [float(span) for span in ranked]
