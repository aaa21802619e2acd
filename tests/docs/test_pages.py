"""The documentation pages: none is missing, and every request on them gets what the page says."""

import re
from collections import defaultdict

import pytest

import statetrail
from docs.conversations import claims, recording
from statetrail.analyses.causes.root_causes import ROOT_CAUSES, causes
from statetrail.analyses.conformance.verdict import FAULTS, REASONS, VERDICTS
from studies.documentation import FOLDER, stale_pages

VERDICT_PAGES = sorted((FOLDER / "verdicts").glob("*.md"))
CAUSE_PAGES = sorted((FOLDER / "causes").glob("*.md"))
REASON_PAGES = sorted((FOLDER / "reasons").glob("*.md"))
PAGES = [*VERDICT_PAGES, *CAUSE_PAGES, *REASON_PAGES]


def test_every_verdict_cause_and_reason_has_its_page():
    """One page each, and no page of something that is no more."""
    assert {page.stem for page in REASON_PAGES} == set(REASONS)
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


@pytest.mark.parametrize("page", REASON_PAGES, ids=lambda page: page.stem)
def test_a_reason_page_names_the_verdicts_that_it_stands_with(page):
    """Known ones, and among them that of its example."""
    (named,) = re.findall(r"^\| verdict \| (.+) \|$", page.read_text("utf-8"), re.MULTILINE)
    before, _ = claims(page.read_text("utf-8"))
    assert {before.verdict} <= set(re.findall(r"`([a-z-]+)`", named)) <= set(VERDICTS)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The cause, the verdict, its reason and whether it is a fault, of the request that each claim
    is about, by conversation and parameter."""
    shown = {
        f"{page.parent.name} {page.stem} {claim.when}": claim
        for page in PAGES
        for claim in claims(page.read_text("utf-8"))
    }
    conversations = {
        name: claim.messages.replace(
            ".example", f"-{name.replace(' ', '-').lower()}.example"
        ).replace("User-Agent: ", f"User-Agent: {name}/")
        for name, claim in shown.items()
    }
    rec = recording(conversations, tmp_path_factory.mktemp("docs") / "pages.sqlite")
    exchanges = defaultdict[str, list[int]](list)
    for row in sorted(rec.exchanges.rows(), key=lambda row: row["exchange_id"]):
        exchanges[row["user_agent"].partition("/")[0]].append(row["exchange_id"])
    why = {(row["exchange_id"], row["param"]): row["cause"] for row in causes(rec).rows()}
    verdicts = {
        (row["exchange_id"], row["param"]): (row["verdict"], row["reason"], row["fault"])
        for row in statetrail.verdicts(rec).rows()
    }
    about = {name: exchanges[name][claim.nth] for name, claim in shown.items()}
    return {
        (name, param): (why.get((number, param)), *verdict)
        for name, number in about.items()
        for (exchange, param), verdict in verdicts.items()
        if exchange == number
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_the_requests_of_a_page_get_what_it_says(page, judged):
    """Before: the verdict, cause or reason that the page is about. After: no fault; or a fault,
    where the page is about why something similar is none."""
    before, after = claims(page.read_text("utf-8"))
    assert (before.when, after.when) == ("Before", "After")
    about = (before.reason,) if page in REASON_PAGES else (before.verdict, before.cause)
    assert page.stem in (*about, after.verdict)
    assert after.fault == (after.verdict in FAULTS)
    assert page in REASON_PAGES or not after.fault
    for claim in (before, after):
        name = f"{page.parent.name} {page.stem} {claim.when}"
        cause, verdict, reason, fault = judged[name, claim.param]
        assert (verdict, cause if claim.cause else None) == (claim.verdict, claim.cause)
        if page in REASON_PAGES:
            assert (reason, fault) == (claim.reason, claim.fault)
