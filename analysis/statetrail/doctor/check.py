"""What a check gives: a grade and one sentence."""

from dataclasses import dataclass
from typing import Literal

type Grade = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check.

    `subject` is what was looked at, `says` one sentence: what is so and, unless all is well, what
    to do. `page` is the page of the documentation that helps, if there is one.
    """

    subject: str
    grade: Grade
    says: str
    page: str = ""


def ok(subject: str, says: str) -> Check:
    """All is well."""
    return Check(subject, "ok", says)


def warning(subject: str, says: str, page: str = "") -> Check:
    """It works, and something should be looked at."""
    return Check(subject, "warning", says, page)


def wrong(subject: str, says: str, page: str = "") -> Check:
    """It does not work, or loses something."""
    return Check(subject, "wrong", says, page)
