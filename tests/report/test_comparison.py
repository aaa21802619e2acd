"""Two audits side by side, baselines, and the forms that tell of them."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from statetrail.errors import UsageError
from statetrail.report.audit import Audit, audit
from statetrail.report.comparison import compare, read_audit
from statetrail.report.document import Document
from statetrail.report.sections.findings import Finding, finding_id
from statetrail.rules import load_profile
from support.audits import CREATED, at, document, planted
from support.histories import Ex, Issue, Present, recording
from support.hostile import PAYLOADS, assert_inert

LANG = Issue("LangId", "1")


def talk(client: str, *shown: str) -> list[Ex]:
    """A client that is issued a language and presents these (empty: nothing)."""
    asked = [
        Ex(1000 * n, 1000 * n + 1, 1000 * n + 2, [], [Present("LangId", v)] if v else [], client)
        for n, v in enumerate(shown, 1)
    ]
    return [Ex(0, 1, 2, [LANG], client=client), *asked]


def test_findings_are_new_fixed_or_unchanged() -> None:
    """By rule, client, origin and parameter; with how often each audit saw them."""
    before = audit(recording(talk("a", "", "1") + talk("b", "")), created=at(0)).document
    after = audit(recording(talk("a", "", "") + talk("b", "1") + talk("c", "")), created=CREATED)
    told = compare(before, after.document)
    assert [(one.rule, one.client) for one in told.new] == [("state-omitted", "c")]
    assert [(one.rule, one.client) for one in told.fixed] == [("state-omitted", "b")]
    kept = {(one.finding.rule, one.finding.client): one for one in told.unchanged}
    assert (kept["state-omitted", "a"].before, kept["state-omitted", "a"].after) == (1, 2)
    assert [(one.client, one.before, one.after) for one in told.clients] == [
        ("a", 0.5, 0.0), ("c", None, 0.0), ("b", 0.0, 1.0),
    ]  # fmt: skip
    assert (told.failing("medium"), told.failing("high")) == (1, 0)
    assert compare(before, before).new == compare(before, before).clients == ()


def test_a_new_version_is_no_new_client() -> None:
    """Versions of products do not count, and what counts can be said by a pattern."""
    before = audit(recording(talk("till/1.0 okhttp/4", "", "1")), created=at(0)).document
    rec = recording(talk("till/2.0 okhttp/5", "", "") + talk("web/1", ""))
    made = audit(rec, created=CREATED, baseline=before)
    told = compare(before, made.document)
    new = [one.client for one in told.new if one.rule == "state-omitted"]
    assert (new, [one.rule for one in told.fixed]) == (["web/1"], [])
    kept = {one.finding.rule: (one.before, one.after) for one in told.unchanged}
    assert kept["state-omitted"] == (1, 2)
    assert [(one.client, one.before, one.after) for one in told.clients] == [
        ("till okhttp", 0.5, 0.0), ("web", None, 0.0),
    ]  # fmt: skip
    assert made.document.baseline is not None
    assert set(made.document.baseline.new) == {one.id for one in told.new}
    exactly = compare(before, made.document, client_pattern=".+")
    assert "state-omitted" in {one.rule for one in exactly.fixed}
    alike = compare(before, made.document, client_pattern="(till|web)()")
    assert {one.client for one in alike.new} == {one.client for one in told.new}


def test_versions_of_one_client_in_one_audit_are_taken_together() -> None:
    """A finding that keeps its name is compared with itself."""
    before = audit(recording(talk("till/1", "")), created=at(0)).document
    after = audit(recording(talk("till/1", "", "") + talk("till/2", "1")), created=CREATED).document
    told = compare(before, after)
    counts = [
        (one.before, one.after) for one in told.unchanged if one.finding.rule == "state-omitted"
    ]
    assert counts == [(1, 2)]
    assert [(one.client, one.judged_after) for one in told.clients] == [("till", 3)]


def test_a_pattern_that_is_none_is_misuse() -> None:
    """It is named."""
    with pytest.raises(UsageError, match="'till\\['"):
        compare(document(), document(), client_pattern="till[")


def test_a_finding_that_names_several_rules_is_compared_by_each_of_them() -> None:
    """Known where its first rule was named before; new where a graver rule has come to lead."""
    one = next(finding for finding in document().findings if finding.also)
    parted = msgspec.structs.replace(one, also=())
    subject = (one.client, one.origin, one.param)
    one, parted = (
        msgspec.structs.replace(each, id=finding_id(one.rule, *subject)) for each in (one, parted)
    )
    lesser = msgspec.structs.replace(parted, id=one.ids[1], rule=one.also[0], count=7)

    def audited(*findings: Finding) -> Document:
        return msgspec.structs.replace(document(), findings=findings)

    told = compare(audited(parted, lesser), audited(one))
    assert (told.new, told.fixed, [moved.finding for moved in told.unchanged]) == ((), (), [one])
    told = compare(audited(one), audited(lesser))
    assert (told.new, told.fixed) == ((), (one,))
    assert [(moved.before, moved.after) for moved in told.unchanged] == [(one.count, 7)]
    assert compare(audited(lesser), audited(one)).new == (one,)


def test_a_baseline_makes_new_findings_alone_fail() -> None:
    """In `failing`, in JUnit and in the words of every form."""
    before = audit(recording(talk("a", "")), created=at(0)).document
    rec = recording(talk("a", "") + talk("c", ""))
    made = audit(rec, created=CREATED, baseline=before)
    known = made.document.baseline
    assert known is not None
    assert (made.failing("medium"), audit(rec).failing("medium")) == (1, 3)
    failed = [case.get("name") for case in ET.fromstring(made.to_junit("medium")).iter("testcase")
              if case.find("failure") is not None]  # fmt: skip
    assert failed == ["c"]
    sentence = f"{len(known.new)} new, 0 fixed, {known.unchanged} unchanged"
    assert sentence in assert_inert(made.to_html()).text_content()
    assert sentence in made.to_markdown()
    states = {row["id"]: row["state"] for row in csv.DictReader(io.StringIO(made.to_csv()))}
    assert {name for name, state in states.items() if state == "new"} == set(known.new)
    back = Audit.from_json(made.to_json())
    assert back.document == made.document


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_no_formula_in_csv(payload: str) -> None:
    """No cell begins with what a spreadsheet computes, not behind blanks either."""
    hostile = planted(document(), lambda text: payload)
    for start in ("=", "+", "-", "@", " =", "\t=", "\N{FULLWIDTH EQUALS SIGN}"):
        told = Audit(planted(hostile, lambda text, start=start: start + text)).to_csv()  # type: ignore[misc]
        for row in csv.reader(io.StringIO(told)):
            assert not any(
                cell.lstrip()[:1] in "=+-@\N{FULLWIDTH EQUALS SIGN}" for cell in row if cell
            )


def test_csv_has_the_findings_with_their_ids() -> None:
    """One row each, the same ids as in the JSON."""
    rows = list(csv.DictReader(io.StringIO(Audit(document()).to_csv())))
    ids = [finding["id"] for finding in json.loads(Audit(document()).to_json())["findings"]]
    assert [row["id"] for row in rows] == ids
    assert rows[1]["evidence"] == "120 77 4711"


def test_an_audit_is_read_back_or_refused_in_one_line(tmp_path: Path) -> None:
    """A file that is none, or too deep, is misuse and no traceback."""
    path = tmp_path / "audit.json"
    Audit(document()).write_json(path)
    assert read_audit(path) == document()
    for text in ("{}", "[", "[" * 100_000, '{"schema_version": 3}', "\x00"):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"is no audit\.json of version 3"):
            read_audit(path)
    with pytest.raises(UsageError, match="there is no audit"):
        read_audit(tmp_path / "missing.json")


def test_what_a_decision_leaves_out_is_not_fixed_and_other_limits_are_told() -> None:
    """Neither new nor fixed; the reports say in what the earlier audit was made otherwise."""
    from statetrail.rules.suppression import Entry

    rec = recording(talk("a", ""))
    before = audit(rec, created=at(0), profile=load_profile("owasp-high")).document
    entry = Entry(rule="state-omitted", reason="agreed", until=CREATED.date())
    made = audit(rec, created=CREATED, baseline=before, suppressions=[entry])
    known = made.document.baseline
    assert known is not None
    assert "state-omitted" in {one.rule for one in before.findings}
    assert "state-omitted" not in {one.rule for one in known.fixed}
    assert known.left_out == 1
    (otherwise,) = known.settings
    assert otherwise == "profile: before owasp-high, now nist-aal2"
    assert otherwise in assert_inert(made.to_html()).text_content()
    assert "1 suppressed. Settings differ" in made.to_markdown()


def test_suppressed_findings_are_counted_with_the_decision() -> None:
    """Left out of the findings, told in the report."""
    from statetrail.rules.suppression import Entry

    entry = Entry(rule="state-omitted", reason="agreed <b>", until=CREATED.date())
    rec = recording(talk("a", ""))
    made = audit(rec, created=CREATED, suppressions=[entry])
    assert made.document.suppressed == 1
    assert "state-omitted" not in {one.rule for one in made.document.findings}
    assert "1 finding suppressed by 1 decision" in assert_inert(made.to_html()).text_content()
    late = audit(rec, created=at(10**6), suppressions=[entry]).document
    assert (late.suppressed, late.suppressions[0].in_force, late.suppressions[0].matched) == (
        0,
        False,
        1,
    )
    assert msgspec.json.decode(Audit(late).to_json(), type=type(late)) == late
