"""What a rule is: whom it tells what, how grave it is, and how it looks for it.

A rule looks at *cases*: every time that it could have fired, with whether it did. So each finding
says how often, of how many. Severity (how bad it is) and confidence (how sure the evidence makes
us) are apart. Few rules have a threshold: they are held to a `Profile`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.profiles import Profile

type Severity = Literal["info", "low", "medium", "high"]
type Confidence = Literal["low", "medium", "high"]
type Audience = Literal["client", "api", "capture", "security"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high")
CONFIDENCES: Final[tuple[Confidence, ...]] = ("low", "medium", "high")
AUDIENCES: Final[tuple[Audience, ...]] = ("client", "api", "capture", "security")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes
    ----------
    id
        Stable, in kebab case.
    title
        What is wrong, in a few words.
    severity, confidence
        How bad it is where it holds, and how surely it holds where it fires.
    audience
        Who can mend it: the ``client``'s developer, the owner of the ``api``, whoever makes the
        ``capture``, or whoever answers for ``security``.
    observed, expected
        What was seen, and what should have been: templates with ``{count}``, ``{of}`` and
        ``{param}``, and with the words of the profile where the rule is held to one.
    remedy
        What to do about it.
    references
        Exact sources, one a line in the report.
    check
        From a recording to its cases, with the columns `statetrail.rules.occurrences.CASE`.
    measure
        The same for a rule with a threshold, which is the profile's; a rule has one of the two.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    audience: Audience
    observed: str
    expected: str
    remedy: str
    references: tuple[str, ...]
    check: Callable[[Recording], Lazy] | None = None
    measure: Callable[[Recording, Profile], Lazy] | None = None

    def __post_init__(self) -> None:
        if (self.check is None) == (self.measure is None):
            raise ValueError(f"rule {self.id} has to have either a check or a measure")

    def cases(self, rec: Recording, profile: Profile) -> Lazy:
        """The cases of this rule in a recording."""
        if self.measure is not None:
            return self.measure(rec, profile)
        assert self.check is not None
        return self.check(rec)

    def sources(self, profile: Profile) -> tuple[str, ...]:
        """Its references, and those of the profile where it is held to one."""
        of_profile = profile.references if self.measure is not None else ()
        return tuple(dict.fromkeys((*self.references, *of_profile)))
