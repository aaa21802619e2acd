"""Suppressions: what is left out, and until when."""

from datetime import date
from pathlib import Path

import pytest

from statetrail.errors import UsageError
from statetrail.rules.suppression import Entry, load_suppressions, split
from support.audits import document

FOUND = document().findings
TODAY = date(2026, 3, 3)


def entry(rule: str = "stale-value", **fields: object) -> Entry:
    """An entry that holds today."""
    return Entry(rule=rule, reason="known", **({"until": TODAY} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (entry(), True),
        (entry(client="10.0.0.8 | *", param="Lang??"), True),
        (entry(origin="https://prices.example:8443"), True),
        (entry(client="10.0.0.9*"), False),
        (entry(rule="token-in-url", param="Lang*"), False),
        (entry(until=date(2026, 3, 2)), False),
    ],
    ids=["by rule", "by patterns", "by origin", "another client", "another param", "its day over"],
)
def test_an_entry_leaves_out_what_it_matches_until_its_day(one: Entry, left: bool) -> None:
    """Rule, client, origin and param all have to match, and the day must not have passed."""
    kept, left_out, _ = split(FOUND, [one], TODAY)
    assert len(kept) + len(left_out) == len(FOUND)
    assert bool(left_out) == left


def test_what_an_entry_matches_is_counted_even_when_its_day_is_over() -> None:
    """So that a report can say that it would be due again."""
    entries = [entry(until=date(2026, 1, 1)), entry(), entry("token-in-url", client="x")]
    assert split(FOUND, entries, TODAY)[2] == {0: 1, 1: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[suppress]]\nrule = "x"\nreason = "y"\nuntil = 2027-01-01', "no rule is named 'x'"),
        ('[[suppress]]\nrule = "stale-value"\nuntil = 2027-01-01', "required field `reason`"),
        ('[[suppress]]\nrule = "stale-value"\nreason = "y"', "required field `until`"),
        ('[[suppress]]\nrule = "stale-value"\nreason = " "\nuntil = 2027-01-01', "no reason"),
        ('[[suppressed]]\nrule = "stale-value"', "unknown field"),
    ],
    ids=["unknown rule", "no reason", "no day", "an empty reason", "misspelt"],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"accepted\.toml is no suppression file") as refused:
        load_suppressions(path)
    assert message in str(refused.value)
