"""`statetrail explain`: every name that a report has, and no other."""

import re

import pytest

from statetrail.analyses.causes.root_causes import ROOT_CAUSES
from statetrail.analyses.conformance.verdict import REASONS, VERDICTS
from statetrail.cli.explain import pages_of, readable
from statetrail.rules import RULES
from support.commands import on_terminal, run

NAMES = sorted({*VERDICTS, *REASONS, *ROOT_CAUSES, *(rule.id for rule in RULES)})


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_report_is_explained(name: str) -> None:
    """By its page, of which no comment and no link to a page is left."""
    for page in pages_of(name):
        text = readable(page.read_text("utf-8"))
        assert f"`{name}`" in text.splitlines()[0]
        assert "<!--" not in text
        assert ".md)" not in text


def test_a_name_of_several_things_explains_all_of_them() -> None:
    """One can be picked by its kind."""
    both = run("explain", "many-sessions").out
    assert "rule: many-sessions" in both
    assert "reason of a verdict: many-sessions" in both
    assert run("explain", "reason/many-sessions").out in both


def test_an_unknown_name_gets_the_nearest_one() -> None:
    """As one line, with exit code 2."""
    done = run("explain", "ommitted")
    assert (done.code, done.out) == (2, "")
    assert done.err == "statetrail: unknown name 'ommitted': did you mean omitted?\n"


@pytest.mark.parametrize("columns", [60, 120])
def test_a_page_fits_a_terminal(columns: int) -> None:
    """Lines are broken between words, and none is longer than a hundred characters."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(columns, "explain", "stale")).splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert any("older value" in line for line in lines)
