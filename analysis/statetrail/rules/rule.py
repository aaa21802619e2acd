"""What a rule is: its words, its grades, and how it looks for what it is about.

A rule looks at *occurrences*: every time that it could have fired, with whether it did. So each
finding says how often, of how many. Severity (how bad it is) and confidence (how sure the evidence
is) are separate. Thresholds are not the rule's: they come from a `Profile`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from statetrail.dialects import Param
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import verdict_occurrences
from statetrail.rules.profiles import Profile

type Severity = Literal["info", "low", "medium", "high"]
type Confidence = Literal["low", "medium", "high"]
type Audience = Literal["client", "api", "security", "capture"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high")
CONFIDENCES: Final[tuple[Confidence, ...]] = ("low", "medium", "high")
AUDIENCES: Final[dict[Audience, str]] = {
    "client": "client developer",
    "api": "API owner",
    "security": "security owner",
    "capture": "operator of the capture",
}
"""Who can fix what a rule finds; the rules of each audience are a package of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. It has exactly one of `verdicts`, `check` and `measure`.

    Attributes
    ----------
    id
        Stable, in kebab case; the module has the same name.
    title
        What is wrong, in a few words.
    severity, confidence
        How bad it is where it holds, and how surely it holds where it fires.
    audience
        Who can fix it, one of `AUDIENCES`.
    observed, expected
        What was seen, and what should have been: templates with ``{count}``, ``{of}`` and
        ``{param}``, and with the words of the profile where the rule has a threshold.
    remedy
        What to do about it.
    references
        Exact sources, one a line in the report.
    verdicts
        It fires on requests with one of these verdicts.
    params
        Which parameters those verdicts are about; without it all, unknown ones too.
    check
        From a recording to the occurrences (`statetrail.rules.occurrences.OCCURRENCE`).
    measure
        The same for a rule with a threshold, which is the profile's.
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
    verdicts: tuple[str, ...] = ()
    params: Callable[[Param], bool] | None = None
    check: Callable[[Recording], Lazy] | None = None
    measure: Callable[[Recording, Profile], Lazy] | None = None

    def __post_init__(self) -> None:
        if [bool(self.verdicts), self.check is not None, self.measure is not None].count(True) != 1:
            raise ValueError(f"rule {self.id} needs exactly one of verdicts, check and measure")

    def occurrences(self, rec: Recording, profile: Profile) -> Lazy:
        """The occurrences of this rule in a recording."""
        if self.check is not None:
            return self.check(rec)
        if self.measure is not None:
            return self.measure(rec, profile)
        return verdict_occurrences(rec, self.verdicts, self.params)

    def sources(self, profile: Profile) -> tuple[str, ...]:
        """Its references, and those of the profile where the rule has a threshold."""
        of_profile = profile.references if self.measure is not None else ()
        return tuple(dict.fromkeys((*self.references, *of_profile)))
