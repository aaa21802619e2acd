"""A history as plain records, for oracles: what was issued and presented, by whom, when.

Written on purpose without the code under test: loops over lists, times in microseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from support.histories import Ex, fingerprint

type Series = tuple[str, str, str, str]
"""Client, origin, dialect, parameter."""


@dataclass(frozen=True)
class Seen:
    """A value issued or presented in an exchange. `end` is infinite where it never came."""

    id: int
    series: Series
    value: str
    asked: int
    begun: int
    end: float
    ex: Ex
    length: int = 0
    priority: str | None = None

    @property
    def fingerprint(self) -> int:
        """The value's fingerprint."""
        return fingerprint(self.value)

    @property
    def key(self) -> tuple[Any, ...]:
        """The series and the value."""
        return (*self.series, self.fingerprint)


def issued(history: Iterable[Ex]) -> list[Seen]:
    """The well-formed issues in order of response start, response end, exchange."""
    found = [
        _seen(at, ex, i.dialect, i.param, i.value, i.priority)
        for at, ex in enumerate(history, 1)
        for i in ex.issued
        if i.problem is None
    ]
    return sorted(found, key=lambda s: (s.begun, s.end, s.id, s.fingerprint))


def presented(history: Iterable[Ex]) -> list[Seen]:
    """The presented values in order of request start and exchange, each once an exchange."""
    found = {
        (at, p.dialect, p.param, p.value): _seen(at, ex, p.dialect, p.param, p.value)
        for at, ex in enumerate(history, 1)
        for p in ex.presented
        if p.kind == "value"
    }
    return sorted(found.values(), key=lambda s: (s.asked, s.id))


def _seen(
    at: int, ex: Ex, dialect: str, param: str, value: str, priority: str | None = None
) -> Seen:
    asked = round(ex.start * 1000)
    begun = asked if ex.begun is None else max(asked, round(ex.begun * 1000))
    end = inf if ex.ended is None else max(begun, round(ex.ended * 1000))
    series = (ex.client, f"http://{ex.host}", dialect, param)
    return Seen(at, series, value, asked, begun, end, ex, len(value), priority)
