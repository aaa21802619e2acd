"""What a check gives: a grade and one sentence."""

from dataclasses import dataclass
from typing import Literal

type Grade = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check.

    `subject` is what was looked at, `says` one sentence: what is so and, unless all is well, what
    to do.
    """

    subject: str
    grade: Grade
    says: str


def ok(subject: str, says: str) -> Check:
    """All is well."""
    return Check(subject, "ok", says)


def warning(subject: str, says: str) -> Check:
    """It works, and something should be looked at."""
    return Check(subject, "warning", says)


def wrong(subject: str, says: str) -> Check:
    """It does not work, or loses something."""
    return Check(subject, "wrong", says)
