"""The documentation pages: none is missing, and every request on them gets what the page says."""

import re

import pytest

import statetrail
from docs.conversations import claims, recording
from statetrail.analyses.causes.root_causes import ROOT_CAUSES, causes
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from studies.documentation import FOLDER, stale_pages

VERDICT_PAGES = sorted((FOLDER / "verdicts").glob("*.md"))
CAUSE_PAGES = sorted((FOLDER / "causes").glob("*.md"))
PAGES = [*VERDICT_PAGES, *CAUSE_PAGES]


def test_every_verdict_and_cause_has_its_page():
    """One page each, and no page of something that is no more."""
    assert {page.stem for page in VERDICT_PAGES} == set(VERDICTS)
    assert {page.stem for page in CAUSE_PAGES} == set(ROOT_CAUSES)


def test_generated_pages_are_current():
    """`make docs` would change nothing."""
    assert stale_pages() == [], "renew them: make docs"


def test_every_page_is_reachable_from_the_readme():
    """By links from page to page; and no link leads to a page that is not there."""
    readme = FOLDER.parents[2] / "README.md"
    reached, waiting = set(), [readme]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)#:]+\.md)\b", page.read_text("utf-8"))
            waiting += [page.parent / link for link in links]
    assert {page.resolve() for page in FOLDER.rglob("*.md")} <= reached


@pytest.mark.parametrize("page", VERDICT_PAGES, ids=lambda page: page.stem)
def test_a_verdict_page_says_whether_it_counts(page):
    """The attribute table agrees with the engine."""
    counts = "yes" if page.stem in FAULTS else "no"
    assert f"| counts against the client | {counts} |" in page.read_text("utf-8")


@pytest.mark.parametrize("page", CAUSE_PAGES, ids=lambda page: page.stem)
def test_a_cause_page_says_how_sure_it_is_and_whose_it_is(page):
    """The attribute table agrees with the engine."""
    text = page.read_text("utf-8")
    assert f"| confidence | {ROOT_CAUSES[page.stem]} |" in text
    assert "| lies with | the server" not in text


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The verdict and cause of each conversation's last request, by conversation and parameter."""
    conversations = {
        f"{page.stem} {claim.when}": claim.messages.replace(
            ".example", f"-{page.stem}-{claim.when.lower()}.example"
        )
        for page in PAGES
        for claim in claims(page.read_text("utf-8"))
    }
    rec = recording(conversations, tmp_path_factory.mktemp("docs") / "pages.sqlite")
    last: dict[str, int] = {}
    for row in sorted(rec.exchanges.rows(), key=lambda row: row["request_start_us"]):
        last[row["user_agent"]] = row["exchange_id"]
    why = {(row["exchange_id"], row["param"]): row["cause"] for row in causes(rec).rows()}
    verdicts = {
        (row["exchange_id"], row["param"]): row["verdict"]
        for row in statetrail.verdicts(rec).rows()
    }
    return {
        (name, param): (verdict, why.get((number, param)))
        for name, number in last.items()
        for (exchange, param), verdict in verdicts.items()
        if exchange == number
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_requests_of_a_page_get_what_it_says(page, judged):
    """Before: the verdict and cause that the page is about. After: no fault."""
    before, after = claims(page.read_text("utf-8"))
    assert (before.when, after.when) == ("Before", "After")
    assert page.stem in (before.verdict, before.cause, after.verdict)
    assert after.verdict not in FAULTS
    for claim in (before, after):
        verdict, cause = judged[f"{page.stem} {claim.when}", claim.param]
        assert (verdict, cause if claim.cause else None) == (claim.verdict, claim.cause)
