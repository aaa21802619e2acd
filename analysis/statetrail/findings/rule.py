"""What a rule is: whom it tells what, how grave it is, and how it looks for it.

A rule looks at *cases*: every time that it could have fired, with whether it did. So each finding
says how often, of how many. Severity (how bad it is) and confidence (how sure the evidence makes
us) are apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from statetrail.frames import Lazy, Recording

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
        ``{param}``.
    remedy
        What to do about it.
    references
        Exact sources, one a line in the report.
    check
        From a recording to its cases, with the columns `statetrail.findings.cases.CASE`.
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
    check: Callable[[Recording], Lazy]
