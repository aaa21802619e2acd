"""The JUnit report: one case a rule and client."""

import pytest
from lxml import etree

from statetrail.report.render.junit import EVERYWHERE, render_junit
from statetrail.report.wording import visible
from statetrail.rules.rule import SEVERITIES, Severity
from support.audits import BAD, GOOD, document, planted
from support.hostile import PAYLOADS


def test_each_rule_has_a_case_for_each_client_it_judges() -> None:
    """A rule about clients is a case of each; another rule is one case; only findings fail."""
    suite = etree.fromstring(render_junit(document(), "low").encode())[0]
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), "2")
    failed = {key for key, case in cases.items() if case.find("failure") is not None}
    assert failed == {("stale-value", BAD), ("token-in-url", EVERYWHERE)}
    assert ("stale-value", GOOD) in cases
    assert ("value-defied", BAD) in cases


@pytest.mark.parametrize("level", [None, *SEVERITIES])
def test_what_fails_is_what_the_exit_code_counts(level: Severity | None) -> None:
    """As many findings fail as `--fail-on` counts; the other cases with findings are skipped."""
    audit = document()
    suite = etree.fromstring(render_junit(audit, level).encode())[0]
    failing = [] if level is None else [(f.rule, f.client) for f in audit.failing(level)]
    failed = {
        case.get("classname") for case in suite.iter("testcase") if len(case.xpath("failure"))
    }
    assert failed == {rule for rule, _ in failing}
    assert suite.get("failures") == str(len(set(failing)))
    rest = {f.rule for f in audit.findings if f.severity != "info"} - failed | {"value-mangled"}
    assert {one.getparent().get("classname") for one in suite.iter("skipped")} == rest
    assert suite.find("properties")[0].get("value") == (level or "never")


def test_a_rule_that_is_part_of_a_graver_one_neither_passes_nor_fails() -> None:
    """It names the rule whose finding says it, at any level."""
    for level in (None, *SEVERITIES):
        suite = etree.fromstring(render_junit(document(), level).encode())[0]
        (case,) = suite.xpath("testcase[@classname='value-mangled']")
        assert case.get("name") == BAD
        assert case.find("failure") is None
        assert case.find("skipped").get("message") == "part of stale-value: Old state is kept"


def test_a_finding_of_severity_info_is_told_and_does_not_fail() -> None:
    """Information is output of a case that passes."""
    suite = etree.fromstring(render_junit(document()).encode())[0]
    (case,) = [case for case in suite.iter("testcase") if case.get("classname") == "few-exchanges"]
    assert case.find("failure") is None
    assert "The recording is short." in (case.findtext("system-out") or "")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_well_formed_xml_and_text_only(payload: str) -> None:
    """The file parses, has the elements it should have, and holds the text."""
    root = etree.fromstring(render_junit(planted(document(), lambda _: payload), "low").encode())
    tags = {element.tag for element in root.iter()} - {"properties", "property"}
    told = {"failure", "skipped", "system-out"}
    assert {"testsuites", "testsuite", "testcase"} == tags - told
    assert tags & told
    assert visible(payload) in "".join(root.itertext())
