"""The pages of the built-in dialects: what their examples say is what the traffic gets."""

import re

import pytest

import statetrail
from docs.conversations import claims, recording
from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.dialects import Dialect, Family, Param, Scope, builtin
from statetrail.dialects.declarations import Refusal, Text
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES
from studies.documentation import FOLDER

PAGES = FOLDER / "dialects"
STRUCTS = (
    *(Dialect, Scope, Family, Param, Refusal, Text),
    *(*ISSUE_PLACES.values(), *PRESENT_PLACES.values()),
)


def test_the_page_on_dialects_has_every_key():
    """Of the grammar, and every place; `param` stands in it as the name of its tables."""
    page = (FOLDER / "dialects.md").read_text("utf-8")
    keys = {key for struct in STRUCTS for key in struct.__struct_encode_fields__}
    absent = {key for key in keys if not re.search(rf"\b{key}\b", page)}
    assert absent == set()


def test_the_readme_lists_every_built_in_dialect():
    """With its page; no page is of a dialect that is no more."""
    readme = (FOLDER.parents[2] / "README.md").read_text("utf-8")
    assert [name for name in builtin() if f"/dialects/{name}.md)" not in readme] == []
    assert {page.stem for page in PAGES.glob("*.md")} == {*builtin(), "index"}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The verdicts and reasons of each conversation's last request, all dialects on."""
    conversations = {
        f"{name} {claim.when}": claim.messages.replace(
            ".example", f"-{name}-{claim.when.lower()}.example"
        )
        for name in builtin()
        for claim in claims((PAGES / f"{name}.md").read_text("utf-8"))
    }
    rec = recording(conversations, tmp_path_factory.mktemp("docs") / "pages.sqlite")
    agents = {row["exchange_id"]: row["user_agent"] for row in rec.exchanges.rows()}
    last = {agent: exchange for exchange, agent in sorted(agents.items())}
    rows = list(statetrail.verdicts(rec).rows())
    found = {
        (agents[row["exchange_id"]], row["dialect"], row["param"]): (row["verdict"], row["reason"])
        for row in rows
        if last[agents[row["exchange_id"]]] == row["exchange_id"]
    }
    faults = {(agents[row["exchange_id"]], row["dialect"]) for row in rows if row["fault"]}
    return found, faults


@pytest.mark.parametrize("name", builtin())
def test_the_example_gets_what_the_page_says(name, verdicts):
    """Before: a fault, or what is noted of a value that was never issued. After: honoured, and no
    fault of any dialect."""
    found, faults = verdicts
    before, after = claims((PAGES / f"{name}.md").read_text("utf-8"))
    assert found[f"{name} Before", name, before.param] == (before.verdict, before.reason)
    assert found[f"{name} After", name, after.param] == ("honoured", None)
    assert before.verdict in (*FAULTS, "foreign")
    assert [dialect for agent, dialect in faults if agent == f"{name} After"] == []
