"""Policies and models: the records that each file of this folder declares.

`Policy` is a rule by which values end, with all that depends on its name: what it limits, what its
name needs, and how reports and advice describe it. `Model` is one way to explain the ends: it
speaks for a policy with a `Fit` to the `Data`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence, Span
from statetrail.expiry.mass_expiry import Clock
from statetrail.expiry.summaries import EventTable

MIN_ENDS: Final = 3
MIN_SESSIONS: Final = 2
"""Ends that any policy's name needs, and sessions that they are of."""
MANY_ENDS: Final = 6
"""Ends that a flexible policy's name needs: few ends fit such a policy whatever happened."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule by which a server ends values.

    Attributes
    ----------
    name, description
        As the column `policy` of table `EXPIRY` has it, and when values end.
    sentence
        The same of one token in a report, after its name. It may hold ``{idle}`` and ``{age}``, the
        intervals of both limits, and ``{lifetime}``, that of the reported one.
    limits
        The spans that it limits; none: it has no limit, or which one is not known.
    single_use, overlaps
        Every use ends its value; a replaced value is still accepted for a while.
    is_named
        It says something of the server: not that too little is known.
    prior
        How likely it is beforehand, by that of any other.
    min_ends, needs_age
        Ends that its name needs; only ends of known age count for it.
    advice
        What to do next, where that does not depend on the intervals.
    measure
        From the evidence, the same with the idle times that it limits.
    unsharp
        The name of the same limit where too many values contradict a sharp one.
    refine
        From the numbers of late uses that were accepted, and of those that were refused promptly,
        the name of a stricter policy.
    """

    name: str
    description: str
    sentence: str
    limits: tuple[Span, ...] = ()
    single_use: bool = False
    overlaps: bool = False
    is_named: bool = True
    prior: float = 1.0
    min_ends: int = MIN_ENDS
    needs_age: bool = True
    advice: str = ""
    measure: Callable[[Evidence], Evidence] | None = None
    unsharp: str = ""
    refine: Callable[[int, int], str] | None = None

    @property
    def limits_idle(self) -> bool:
        """Whether it limits the idle time."""
        return "idle" in self.limits

    @property
    def limits_age(self) -> bool:
        """Whether it limits the age."""
        return "age" in self.limits

    @property
    def span(self) -> Span:
        """The span whose limit is reported first: the age where it limits nothing else."""
        return "age" if self.limits == ("age",) else "idle"


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model makes of the data.

    Attributes
    ----------
    log_evidence
        Logarithm of the marginal likelihood.
    log_doubt
        The same of what the model explains no better than by accident: it speaks for no policy.
    log_grey
        The same of what only a limit explains that is not sharp; none: of all.
    added
        What the ends of unknown age add to either, where the model does not judge them.
    touch_interval_s
        The interval within which uses do not renew a value; `None`: each use does.
    clock
        When the model has values end, whatever their spans; `None`: it speaks of spans.
    is_refuted
        The data contradict the model, however likely it is among others.
    """

    log_evidence: float
    log_doubt: float = -np.inf
    log_grey: float | None = None
    added: float = 0.0
    touch_interval_s: float | None = None
    clock: Clock | None = None
    is_refuted: bool = False


type Weigh = Callable[[EventTable], Fit | float]
"""A model's fit, or its log-evidence alone."""


@dataclass(slots=True)
class Data:
    """What models are compared on.

    Attributes
    ----------
    evidence
        The uses.
    events, aged
        Survived uses with the ends of known idle time, and with those of known age as well.
    least
        The log-evidence below which a model has no say.
    """

    evidence: Evidence
    events: EventTable = field(init=False)
    aged: EventTable = field(init=False)
    least: float = -np.inf
    _fits: dict[tuple[Weigh, bool], Fit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.events = EventTable.of(self.evidence, ("idle",))
        self.aged = EventTable.of(self.evidence)

    def fit(self, weigh: Weigh, *, aged: bool = False) -> Fit:
        """The fit to all ends, or to those of known age; computed once."""
        if (weigh, aged) not in self._fits:
            result = weigh(self.aged if aged else self.events)
            self._fits[weigh, aged] = result if isinstance(result, Fit) else Fit(result)
        return self._fits[weigh, aged]

    def added(self, weigh: Weigh) -> float:
        """By how much the ends of unknown age raise a log-evidence; minus infinity: none is."""
        before, after = (self.fit(weigh, aged=aged).log_evidence for aged in (True, False))
        return after - before if np.isfinite(before) else -np.inf


def fit_idle(weigh: Weigh) -> Callable[[Data], Fit]:
    """The fit of a model of idle times, to all ends."""
    return lambda data: data.fit(weigh)


def fit_age(weigh: Weigh, *others: Weigh) -> Callable[[Data], Fit]:
    """The fit of a model of ages, to the ends of known age.

    What the others add to it is the most that one of some other models makes of them: an age that
    may be any would explain an end the better the longer its idle time is.
    """
    return lambda data: replace(data.fit(weigh, aged=True), added=max(map(data.added, others)))


@dataclass(frozen=True, slots=True)
class Model:
    """One way to explain the ends.

    Attributes
    ----------
    label
        As reports show it.
    policy, prior
        The policy for which it speaks, and its share of the policy's prior.
    fit
        Its marginal likelihood.
    is_doubt
        Its evidence is the fit's `log_doubt`.
    is_grey
        Its limit is not sharp: by the fit's `log_grey`.
    is_costly
        It takes longer than all others together: it is weighed last, and only where it can matter.
    """

    label: str
    policy: Policy
    prior: float
    fit: Callable[[Data], Fit]
    is_doubt: bool = False
    is_grey: bool = False
    is_costly: bool = False

    def log_evidence(self, fit: Fit) -> float:
        """The logarithm of its marginal likelihood."""
        return (fit.log_doubt if self.is_doubt else fit.log_evidence) + fit.added
