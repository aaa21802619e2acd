"""How figures are written."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from statetrail.report.wording import apart, duration, interval, visible


@pytest.mark.parametrize(
    "name",
    [
        *(
            "report.wording",
            "report.render.html",
            "report.render.markdown",
            "report.sections.answers",
        ),
        *(
            "report.sections.findings",
            "analyses.tokens.entropy",
            "rules.profiles",
            "report.render.csv",
            "report.charts.labels",
            "report.charts.svg",
        ),
    ],
)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    """Each example gives what it says."""
    result = doctest.testmod(importlib.import_module(f"statetrail.{name}"))
    assert result.attempted
    assert not result.failed


@given(some.floats(min_value=0, max_value=1e9))
def test_every_duration_is_short_and_has_a_unit(seconds: float) -> None:
    """No length of time is written with more than two units or 16 characters."""
    text = duration(seconds)
    assert text.rsplit(" ", 1)[1] in {"ms", "s", "min", "h", "d"}
    assert len(text) <= 16


@given(some.floats(min_value=0.001, max_value=1e8), some.floats(min_value=1.5, max_value=10))
def test_different_durations_read_differently(seconds: float, factor: float) -> None:
    """What is half as long again reads differently."""
    assert duration(seconds) != duration(seconds * factor)


UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86_400}


def read(text: str) -> float:
    """The seconds that a written duration stands for."""
    words = text.replace(",", "").split()
    return sum(float(number) * UNITS[unit] for number, unit in zip(*[iter(words)] * 2, strict=True))


@given(some.floats(min_value=0, max_value=1e8), some.floats(min_value=0, max_value=10))
def test_an_interval_is_never_written_narrower_than_it_is(low_s: float, width: float) -> None:
    """Nor much wider: a limit that was found lies within what a report says of it."""
    high_s = low_s * (1 + width)
    low, high = map(read, apart(low_s, high_s))
    slip = 1e-6 * (1 + high_s)
    assert low <= low_s + slip
    assert high >= high_s - slip
    assert high - low <= 1.5 * (high_s - low_s) + slip
    assert read(interval(low_s, None).removeprefix("more than ")) <= low_s + slip
    assert read(interval(None, high_s).removeprefix("at most ")) >= high_s - slip


@given(some.text())
def test_visible_text_has_nothing_hidden_and_stays_itself(text: str) -> None:
    """Printable text is kept; making visible twice changes nothing."""
    shown = visible(text)
    assert visible(shown) == shown
    assert len(shown) == len(text)
    assert not any(c in shown for c in "\x00\x1b\u202e\u2066\ufeff\u200b")
