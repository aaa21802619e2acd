"""The pages of the rules: none is missing, and what each shows is found before and not after."""

import pytest

from docs.conversations import examples, recording
from statetrail.rules import RULES, Rule, findings_of
from statetrail.rules.sources import cite
from studies.documentation import FOLDER

PAGES = {page.stem: page.read_text("utf-8") for page in (FOLDER / "rules").glob("*.md")}


def test_every_rule_has_its_page():
    """One page each, and none of something that is no more."""
    assert PAGES.keys() == {one.id for one in RULES}


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_a_page_says_what_the_rule_says(one: Rule):
    """Its attributes, its remedy and every one of its sources, and an explanation of its own."""
    page = PAGES[one.id]
    assert f"# `{one.id}`: {one.title}" in page
    for name, value in (("severity", one.severity), ("confidence", one.confidence)):
        assert f"| {name} | {value} |" in page
    assert f"| remedy | {one.remedy} |" in page
    assert all(cite(reference) in page for reference in one.references)
    assert len(page.split("\n\n")[3]) > 60


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A recording of all examples: each at hosts, and with clients, of its own."""
    conversations = {
        f"{rule}-{when.lower()}": messages.replace(
            ".example", f"-{rule}-{when.lower()}.example"
        ).replace("User-Agent: ", f"User-Agent: {rule}-{when.lower()}/")
        for rule, page in PAGES.items()
        for when, messages in examples(page).items()
    }
    assert len(conversations) == 2 * len(RULES)
    return recording(conversations, tmp_path_factory.mktemp("docs") / "rules.sqlite")


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_an_example_is_found_before_and_not_after(one: Rule, shown):
    """The page's requests are replayed."""
    origins = [row["origin"] or "" for row in findings_of(one, shown)]
    assert any(f"-{one.id}-before." in origin for origin in origins)
    assert not any(f"-{one.id}-after." in origin for origin in origins)
