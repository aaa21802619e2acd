"""Verdicts: what each request did with each state parameter that had been issued before."""

from typing import Final

VERDICTS: Final = (
    "honoured",
    "in-flight",
    "omitted",
    "stale",
    "overridden",
    "defied",
    "misplaced",
    "implicit-set",
    "restarted",
    "foreign",
    "not-applicable",
)
FAULTS: Final = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")
"""Verdicts that count against a client's compliance."""
