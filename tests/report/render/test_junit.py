"""The JUnit report: one case a rule and client."""

import pytest
from lxml import etree

from statetrail.report.render.junit import EVERYWHERE, render_junit
from statetrail.report.wording import visible
from support.audits import BAD, GOOD, document, planted
from support.hostile import PAYLOADS


def test_each_rule_has_a_case_for_each_client_it_judges() -> None:
    """A rule about clients is a case of each; another rule is one case; only findings fail."""
    suite = etree.fromstring(render_junit(document()).encode())[0]
    cases = {(case.get("classname"), case.get("name")): case for case in suite}
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), "2")
    failed = {key for key, case in cases.items() if case.find("failure") is not None}
    assert failed == {("stale-value", BAD), ("token-in-url", EVERYWHERE)}
    assert ("stale-value", GOOD) in cases
    assert ("value-defied", BAD) in cases


def test_a_finding_of_severity_info_is_told_and_does_not_fail() -> None:
    """Information is output of a case that passes."""
    suite = etree.fromstring(render_junit(document()).encode())[0]
    (case,) = [case for case in suite if case.get("classname") == "few-exchanges"]
    assert case.find("failure") is None
    assert "The recording is short." in (case.findtext("system-out") or "")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_well_formed_xml_and_text_only(payload: str) -> None:
    """The file parses, has the elements it should have, and holds the text."""
    root = etree.fromstring(render_junit(planted(document(), lambda _: payload)).encode())
    tags = {element.tag for element in root.iter()}
    assert tags == {"testsuites", "testsuite", "testcase", "failure"}
    assert visible(payload) in "".join(root.itertext())
