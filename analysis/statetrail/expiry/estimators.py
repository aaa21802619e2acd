"""Estimators: the inference as objects that a notebook fits, reads and draws.

Enters: `Evidence`, or intervals. Leaves: fitted estimators. Settings are arguments of the
constructor, `fit` returns the estimator, fitted names end in an underscore, `summary` is a frame,
`plot` a chart.

    from statetrail.expiry.estimators import ExpiryEstimator

    estimator = ExpiryEstimator().fit(evidence)
    estimator.policy_, estimator.low_s_, estimator.high_s_
    estimator.summary
    estimator.plot()
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from statetrail.errors import UsageError, missing_extra
from statetrail.expiry.evidence import Evidence, Span
from statetrail.expiry.inference import Inference, infer
from statetrail.expiry.models import POLICIES
from statetrail.expiry.npmle import Curve, npmle
from statetrail.expiry.numerics import Reals, subsample
from statetrail.expiry.summaries import ValueSummaries

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_MOST_POINTS: Final = 4_000


def _chart[**P, C](draw: Callable[P, C]) -> Callable[P, C]:
    """A chart needs Altair, which the extra for notebooks brings."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> C:
        try:
            return draw(*args, **kwargs)
        except ModuleNotFoundError as error:
            raise missing_extra(error, "the chart of an estimator") from None

    return drawn


class ExpiryEstimator:
    """The policy of expiry with its limits.

    Attributes
    ----------
    policy_, posterior_
        The name, and its probability.
    low_s_, high_s_
        The interval of the limit that the policy names.
    inference_
        The whole result: `statetrail.expiry.Inference`.
    """

    inference_: Inference
    policy_: str
    posterior_: float | None
    low_s_: float | None
    high_s_: float | None

    def fit(self, evidence: Evidence, summaries: ValueSummaries | None = None) -> Self:
        """Infer from uses.

        Parameters
        ----------
        evidence
            Uses, of a sample of the values at least.
        summaries
            Of all values; those of the evidence where not given.
        """
        self._evidence = evidence
        self._summaries = ValueSummaries.of(evidence) if summaries is None else summaries
        inference = self.inference_ = infer(evidence, summaries)
        self._span = POLICIES[inference.policy].span
        limit = inference.age if self._span == "age" else inference.idle
        self.policy_, self.posterior_ = inference.policy, inference.selection.posterior
        self.low_s_, self.high_s_ = limit.low_s, limit.high_s
        return self

    @property
    def summary(self) -> "pd.DataFrame":
        """One row a limit: both intervals, the values behind them, and contradictions."""
        import pandas as pd  # the report needs no frame

        inference = _fitted(self, "inference_")
        rows = {
            name: {
                "low_s": limit.low_s,
                "high_s": limit.high_s,
                "sharp_low_s": limit.sharp.low_s,
                "sharp_high_s": limit.sharp.high_s,
                "values": limit.sharp.values,
                "contradictions": limit.sharp.contradictions,
            }
            for name, limit in (("idle", inference.idle), ("age", inference.age))
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("limit")

    @_chart
    def plot(self) -> "alt.LayerChart":
        """Survived and fatal spans on a log axis, the interval shaded."""
        import altair as alt

        _fitted(self, "inference_")
        low, high = self._evidence.brackets(self._span)
        parts = {"survived": low[self._evidence.survived], "fatal": high[self._evidence.fatal]}
        points: list[dict[str, Any]] = [
            {"seconds": seconds, "outcome": outcome}
            for outcome, spans in parts.items()
            for seconds in subsample(
                np.sort(spans[np.isfinite(spans) & (spans > 0)]), _MOST_POINTS
            ).tolist()
        ]
        title = f"{'age' if self._span == 'age' else 'idle time'}, seconds"
        ticks = (
            alt.Chart(alt.InlineData(values=points))
            .mark_tick(thickness=1.5, opacity=0.5)
            .encode(
                x=alt.X("seconds:Q", scale=alt.Scale(type="log"), title=title),
                y=alt.Y("outcome:N", title=None),
                color=alt.Color("outcome:N", legend=None),
            )
        )
        layers = [ticks]
        if self.low_s_ is not None and self.high_s_ is not None:
            band = alt.InlineData(values=[{"low": self.low_s_, "high": self.high_s_}])
            layers.insert(0, alt.Chart(band).mark_rect(opacity=0.2).encode(x="low:Q", x2="high:Q"))
        return alt.LayerChart(layer=layers, title=self.policy_)

    @_chart
    def plot_models(self) -> "alt.Chart":
        """The logarithm of each model's evidence, below that of the best."""
        import altair as alt

        comparison = _fitted(self, "inference_").selection.comparison
        log_evidence = {} if comparison is None else comparison.log_evidence
        top = max(log_evidence.values(), default=0.0)
        bars = [
            {"model": model, "below the best": max(value - top, -100.0)}
            for model, value in log_evidence.items()
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
        ends, values = self._summaries.ends, len(self._summaries)
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
        self.curve_ = npmle(left, right, level=self.level)
        self.median_s_ = self.curve_.quantile(0.5)
        return self

    @property
    def summary(self) -> "pd.DataFrame":
        """One row a fall of the curve."""
        import pandas as pd

        curve = _fitted(self, "curve_")
        names = ("left_s", "right_s", "mass", "survival", "band_low", "band_high")
        return pd.DataFrame({name: getattr(curve, name) for name in names})

    @_chart
    def plot(self) -> "alt.LayerChart":
        """The curve with its band."""
        import altair as alt

        falls = self.summary
        last = falls["left_s"].where(np.isinf(falls["right_s"]), falls["right_s"])
        rows = falls.assign(right_s=last).to_dict("records")
        base = alt.Chart(alt.InlineData(values=[{str(k): v for k, v in r.items()} for r in rows]))
        x = alt.X("right_s:Q", title="seconds")
        band = base.mark_area(opacity=0.2, interpolate="step-after").encode(
            x=x, y=alt.Y("band_low:Q", title="survived"), y2="band_high:Q"
        )
        line = base.mark_line(interpolate="step-after").encode(x=x, y="survival:Q")
        return alt.LayerChart(layer=[band, line])

    def __repr__(self) -> str:
        if not hasattr(self, "curve_"):
            return "<SurvivalEstimator, not fitted>"
        return f"<SurvivalEstimator: {self.curve_.values} values, {self.curve_.censored} censored>"


def by_client(evidence: Evidence, span: Span) -> tuple[Reals, Reals, int]:
    """The interval in which each client's limit lies, and how many clients contradict themselves.

    Where populations differ, a curve of values would be biased: short limits make more values.

    Returns
    -------
    tuple
        Left and right bounds in seconds, of the clients that any limit fits; the number of others.
    """
    low, high = evidence.brackets(span)
    parties = int(evidence.party.max(initial=-1)) + 1
    left, right = np.zeros(parties), np.full(parties, np.inf)
    np.maximum.at(left, evidence.party[evidence.survived], low[evidence.survived])
    np.minimum.at(right, evidence.party[evidence.fatal], high[evidence.fatal])
    fits = left < right
    return left[fits], right[fits], int(np.count_nonzero(~fits))


def _fitted(estimator: object, name: str) -> Any:
    if not hasattr(estimator, name):
        raise UsageError(f"this {type(estimator).__name__} is not fitted: call fit first")
    return getattr(estimator, name)
