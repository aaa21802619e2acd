"""How long tokens live: policies, idle gaps, survival curves, and how well models explain them."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal, Self

import msgspec
import numpy as np

from statetrail.analyses.lifetimes.expiry import Inferred, expiry, inferred
from statetrail.analyses.lifetimes.gaps import BINS_PER_DECADE, GAPS
from statetrail.analyses.lifetimes.outcomes import Series
from statetrail.analyses.lifetimes.summaries import gaps
from statetrail.expiry import MODELS, POLICIES
from statetrail.expiry.estimators import by_client
from statetrail.expiry.npmle import npmle
from statetrail.expiry.numerics import Reals
from statetrail.recording.frames import Recording
from statetrail.report import wording
from statetrail.report.counting import SUBJECT, Row, of_row, rows
from statetrail.report.section import Gathering, OfParameter, Section, meaning

MOST_FALLS: Final = 120
MOST_CENSORED: Final = 60


class Expiry(OfParameter, frozen=True, kw_only=True):
    """How long the values of one parameter live at one origin."""

    policy: str
    low_s: Annotated[
        float | None,
        meaning("The limit that `policy` names is longer, though any one token may be wrong"),
    ]
    high_s: Annotated[float | None, meaning("That limit is at most this, likewise")]
    confidence: str
    survived: int
    ended: int
    censored: int
    excluded: Annotated[int, meaning("Uses that say nothing of a lifetime")]
    contradictions: int
    idle_low_s: float | None
    idle_high_s: float | None
    age_low_s: float | None
    age_high_s: float | None
    advice: str
    declared_low_s: Annotated[
        float | None, meaning("The shortest lifetime that a value states of itself")
    ] = None
    declared_high_s: Annotated[float | None, meaning("The longest one")] = None
    declared: Annotated[
        str, meaning("That in a sentence, beside what was observed; empty for nothing")
    ] = ""
    idle_sharp_low_s: Annotated[
        float | None, meaning("The idle timeout is longer, if no token is wrong")
    ] = None
    idle_sharp_high_s: Annotated[float | None, meaning("It is at most this, likewise")] = None
    age_sharp_low_s: Annotated[
        float | None, meaning("The limit on the age is longer, if no token is wrong")
    ] = None
    age_sharp_high_s: Annotated[float | None, meaning("It is at most this, likewise")] = None

    @property
    def sharp(self) -> str:
        """The sharp interval of the limit in a sentence, where it is not the reported one."""
        if self.low_s is None or self.high_s is None or self.policy not in POLICIES:
            return ""
        aged = POLICIES[self.policy].span == "age"
        sharp = (
            (self.age_sharp_low_s, self.age_sharp_high_s)
            if aged
            else (self.idle_sharp_low_s, self.idle_sharp_high_s)
        )
        return wording.sharp((self.low_s, self.high_s), sharp, self.contradictions)

    @property
    def is_named(self) -> bool:
        """Whether the policy says which limit there is."""
        return self.policy not in POLICIES or POLICIES[self.policy].is_named


class Gap(OfParameter, frozen=True, kw_only=True):
    """Idle gaps of about one length: how many values survived or did not survive them."""

    outcome: Literal["survived", "fatal"]
    low_s: float
    high_s: float
    count: int


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """Where a survival curve falls: somewhere within an interval."""

    left_s: float
    right_s: Annotated[float | None, meaning("null: open")]
    survival: Annotated[float, meaning("Share that is left after it")]
    band_low: float
    band_high: float


class Survival(OfParameter, frozen=True, kw_only=True):
    """How large a share of the clients have a limit beyond a span, by Turnbull's estimate."""

    span: Literal["idle", "age"]
    clients: int
    contradicting: Annotated[int, meaning("Clients left out: no limit fits them")]
    falls: tuple[Fall, ...]
    censored_s: Annotated[
        tuple[float, ...],
        meaning("Longest survived span of clients whose tokens did not end; capped"),
    ]


class Likelihood(OfParameter, frozen=True, kw_only=True):
    """How well a model of a server explains the uses of one parameter's tokens."""

    model: str
    policy: Annotated[str, meaning("The name that it speaks for")]
    below: Annotated[float, meaning("Natural logarithm of its evidence, under that of the best")]


class ExpirySection(Section, frozen=True, kw_only=True):
    """How long the values of each parameter live, and what the traffic shows of it."""

    title: ClassVar = "Expiry"

    expiry: tuple[Expiry, ...]
    gaps: tuple[Gap, ...]
    survival: tuple[Survival, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `expiry` and the inference behind it, and from the gaps.

        There is a survival curve for each parameter of which a token ended, with one interval for
        each client; and all models that were compared, the best of each parameter first.
        """
        rec = gathering.recording
        found = inferred(rec)
        curves = (_survival(series, one) for series, one in found.items() if one.tokens.ends)
        return cls(
            expiry=tuple(
                of_row(Expiry, row, declared=_declared(row)) for row in expiry(rec).rows()
            ),
            gaps=_gaps(rec),
            survival=tuple(curve for curve in curves if curve.clients),
            likelihoods=tuple(
                row for series, one in found.items() for row in _likelihoods(series, one)
            ),
        )


def _declared(row: Row) -> str:
    if row["declared_low_s"] is None:
        return ""
    ends = row["age_high_s"] if POLICIES[row["policy"]].limits_age else None
    return wording.declared(row["declared_low_s"], row["declared_high_s"], row["age_low_s"], ends)


def _survival(series: Series, one: Inferred) -> Survival:
    span = POLICIES[one.inference.policy].span
    left, right, contradicting = by_client(one.sample, span)
    is_bounded = (left > 0) | np.isfinite(right)
    left, right = left[is_bounded], right[is_bounded]
    curve = npmle(left, right)
    columns = (curve.left_s, curve.right_s, curve.survival, curve.band_low, curve.band_high)
    falls = np.stack(columns, axis=1)[_some(len(curve.left_s), MOST_FALLS)]
    return of_row(
        Survival,
        dict(zip(SUBJECT, series, strict=True)),
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


def _likelihoods(series: Series, one: Inferred) -> Iterator[Likelihood]:
    comparison = one.inference.selection.comparison
    if comparison is None:
        return
    found = {model: value for model, value in comparison.log_evidence.items() if np.isfinite(value)}
    top = max(found.values(), default=0.0)
    for model in sorted(found, key=lambda model: -found[model]):
        yield of_row(
            Likelihood,
            dict(zip(SUBJECT, series, strict=True)),
            model=model,
            policy=MODELS[model].policy.name,
            below=_short(top - found[model]),
        )


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def _gaps(rec: Recording) -> tuple[Gap, ...]:
    """A histogram of the idle gaps on a logarithmic scale."""
    return tuple(
        of_row(
            Gap,
            row,
            outcome="fatal" if row["outcome"] == "ended" else "survived",
            low_s=_edge(row["bin"]),
            high_s=_edge(row["bin"] + 1),
        )
        for row in rows(gaps(rec).lazy, *GAPS.key)
    )


def _edge(number: int) -> float:
    return float(f"{10 ** (number / BINS_PER_DECADE):.6g}")
