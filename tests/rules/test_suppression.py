"""Suppressions: what is suppressed, and until when."""

from datetime import date
from pathlib import Path

import pytest

from statetrail.errors import UsageError
from statetrail.rules.suppression import Entry, load_suppressions, split
from support.audits import document

FINDINGS = document().findings
TODAY = date(2026, 3, 3)


def entry(rule: str = "stale-value", **fields: object) -> Entry:
    """An entry that is in force today."""
    return Entry(rule=rule, reason="known", **({"until": TODAY} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "matches"),
    [
        (entry(), True),
        (entry(client="10.0.0.8 | *", param="Lang??"), True),
        (entry(origin="https://prices.example:8443"), True),
        (entry(client="10.0.0.9*"), False),
        (entry(rule="token-in-url", param="Lang*"), False),
        (entry(until=date(2026, 3, 2)), False),
    ],
    ids=["by rule", "by patterns", "by origin", "another client", "another param", "expired"],
)
def test_an_entry_suppresses_what_it_matches_until_it_expires(one: Entry, matches: bool) -> None:
    """Rule, client, origin and param all have to match, and the expiry date not have passed."""
    reported, suppressed, _ = split(FINDINGS, [one], TODAY)
    assert len(reported) + len(suppressed) == len(FINDINGS)
    assert bool(suppressed) == matches


def test_a_decision_on_a_lesser_rule_does_not_cover_the_graver_one() -> None:
    """The sample's finding names two rules: it is suppressed by the first, and matches either."""
    for rule, suppressed in (("stale-value", 1), ("value-mangled", 0)):
        reported, left_out, matches = split(FINDINGS, [entry(rule)], TODAY)
        assert (len(left_out), len(reported)) == (suppressed, len(FINDINGS) - suppressed)
        assert matches == {0: 1}


def test_what_an_entry_matches_is_counted_also_when_it_has_expired() -> None:
    """So that a report can say what it would still match."""
    entries = [entry(until=date(2026, 1, 1)), entry(), entry("token-in-url", client="x")]
    assert split(FINDINGS, entries, TODAY)[2] == {0: 1, 1: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[suppress]]\nrule = "x"\nreason = "y"\nuntil = 2027-01-01', "no rule is named 'x'"),
        (
            '[[suppress]]\nrule = "wrong-channel"\nreason = "y"\nuntil = 2027-01-01',
            "the rule 'wrong-channel' is now named 'misplaced-value'",
        ),
        ('[[suppress]]\nrule = "stale-value"\nuntil = 2027-01-01', "required field `reason`"),
        ('[[suppress]]\nrule = "stale-value"\nreason = "y"', "required field `until`"),
        ('[[suppress]]\nrule = "stale-value"\nreason = " "\nuntil = 2027-01-01', "no reason"),
        ('[[suppressed]]\nrule = "stale-value"', "unknown field"),
    ],
    ids=["unknown", "renamed", "no reason", "no date", "an empty reason", "misspelt"],
)
def test_a_file_that_is_not_valid_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"accepted\.toml is no suppression file") as refused:
        load_suppressions(path)
    assert message in str(refused.value)
