"""The limits section: each policy, survival curves by client, how well models explain the uses.

Enters: `expiry` and `inferred`. Leaves: `Expiry`, `Survival` and `Likelihood` parts.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from statetrail.analyses.lifetimes.expiry import Inferred, expiry, inferred
from statetrail.analyses.lifetimes.outcomes import Series
from statetrail.expiry import MODELS, POLICIES
from statetrail.expiry.estimators import by_client
from statetrail.expiry.npmle import npmle
from statetrail.expiry.numerics import Reals
from statetrail.recording.frames import Recording
from statetrail.report import wording
from statetrail.report.document import Expiry, Fall, Likelihood, Survival
from statetrail.report.sections.counting import Row, part

MOST_FALLS: Final = 120
MOST_CENSORED: Final = 60


def gather_expiry(rec: Recording) -> tuple[Expiry, ...]:
    """The policy and limits of each parameter, and what its tokens state themselves."""
    return tuple(part(Expiry, row, declared=_declared(row)) for row in expiry(rec).rows())


def _declared(row: Row) -> str:
    if row["declared_low_s"] is None:
        return ""
    ends = row["age_high_s"] if POLICIES[row["policy"]].limits_age else None
    return wording.declared(row["declared_low_s"], row["declared_high_s"], row["age_low_s"], ends)


def gather_survival(rec: Recording) -> tuple[Survival, ...]:
    """A curve for each parameter of which a token ended, one interval a client."""
    curves = (_survival(series, one) for series, one in inferred(rec).items() if one.votes.ends)
    return tuple(curve for curve in curves if curve.clients)


def _survival(series: Series, one: Inferred) -> Survival:
    origin, dialect, param = series
    span = POLICIES[one.found.policy].span
    left, right, contradicting = by_client(one.sample, span)
    told = (left > 0) | np.isfinite(right)
    left, right = left[told], right[told]
    curve = npmle(left, right)
    columns = (curve.left_s, curve.right_s, curve.survival, curve.band_low, curve.band_high)
    falls = np.stack(columns, axis=1)[_some(len(curve.left_s), MOST_FALLS)]
    return Survival(
        origin=origin,
        dialect=dialect,
        param=param,
        span=span,
        clients=len(left),
        contradicting=contradicting,
        falls=tuple(
            Fall(
                left_s=_short(begin),
                right_s=_short(end) if np.isfinite(end) else None,
                survival=_short(rest),
                band_low=_short(low),
                band_high=_short(high),
            )
            for begin, end, rest, low, high in falls.tolist()
        ),
        censored_s=_censored(left[np.isinf(right)]),
    )


def _censored(spans: Reals) -> tuple[float, ...]:
    ranked = np.sort(spans[spans > 0])
    return tuple(map(_short, ranked[_some(len(ranked), MOST_CENSORED)].tolist()))


def _some(count: int, most: int) -> np.ndarray:
    """Places of at most so many, evenly chosen, the outermost among them."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).round().astype(np.int64))


def gather_likelihoods(rec: Recording) -> tuple[Likelihood, ...]:
    """Every model that was weighed, the best of each parameter first."""
    return tuple(row for series, one in inferred(rec).items() for row in _likelihoods(series, one))


def _likelihoods(series: Series, one: Inferred) -> Iterator[Likelihood]:
    origin, dialect, param = series
    comparison = one.found.selection.comparison
    if comparison is None:
        return
    found = {model: value for model, value in comparison.log_evidence.items() if np.isfinite(value)}
    top = max(found.values(), default=0.0)
    for model in sorted(found, key=lambda model: -found[model]):
        yield Likelihood(
            origin=origin,
            dialect=dialect,
            param=param,
            model=model,
            policy=MODELS[model].policy.name,
            below=_short(top - found[model]),
        )


def _short(number: float) -> float:
    return float(f"{number:.6g}")
