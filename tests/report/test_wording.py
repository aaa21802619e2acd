"""How figures are written."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from statetrail.report.wording import duration, visible


@pytest.mark.parametrize(
    "name",
    [
        *("report.wording", "report.html", "report.text", "report.gather.answers"),
        *("report.gather.findings", "analyses.strength", "findings.profiles", "inert"),
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


@given(some.text())
def test_visible_text_has_nothing_hidden_and_stays_itself(text: str) -> None:
    """Printable text is kept; making visible twice changes nothing."""
    shown = visible(text)
    assert visible(shown) == shown
    assert len(shown) == len(text)
    assert not any(c in shown for c in "\x00\x1b\u202e\u2066\ufeff\u200b")
