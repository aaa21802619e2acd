"""The audit as JUnit XML: one test case for each rule and client.

Enters: a `Document`, and the severity from which a finding fails (``--fail-on``). Leaves: XML that
says what the exit code says: a case fails if a finding of it has this severity or a higher one
and, with a baseline, is new. A case whose findings do not fail is skipped, with their text; one
that has only findings of severity ``info`` passes. Each rule that was applied has a case for each
client, so that passes are reported too. A rule that is part of a graver one's finding is skipped,
and names that rule: what is wrong is reported, and fails, once.
"""

from typing import Final

from lxml import etree

from statetrail.report.document import Document
from statetrail.report.sections.findings import Finding
from statetrail.report.wording import count, visible
from statetrail.rules.rule import Severity

EVERYWHERE: Final = "(not about one client)"
MAX_PASSED: Final = 20_000
"""Cases that pass; where there were more, only those of clients with a finding are written."""


def render_junit(document: Document, fail_on: Severity | None = None) -> str:
    """The test suite, with one case for each rule and client; without a level none fails."""
    cases = _cases(document)
    fails = {finding.id for finding in document.failing(fail_on)} if fail_on is not None else set()
    suite = etree.Element("testsuite", name="statetrail")
    properties = etree.SubElement(suite, "properties")
    etree.SubElement(properties, "property", name="fail-on", value=fail_on or "never")
    failures = skipped = 0
    parts = _parts(document)
    for (rule, client), findings in cases:
        case = etree.SubElement(suite, "testcase", classname=visible(rule), name=visible(client))
        failed = [finding for finding in findings if finding.id in fails]
        others = [finding for finding in findings if finding.severity != "info"]
        if failed:
            failures += 1
            first = failed[0]
            failure = etree.SubElement(
                case, "failure", type=visible(first.severity), message=visible(first.title)
            )
            failure.text = visible("\n\n".join(_text(finding) for finding in failed))
        elif others:
            skipped += 1
            message = f"{others[0].severity}: {others[0].title}"
            etree.SubElement(case, "skipped", message=visible(message))
        elif (leading := parts.get((rule, client))) is not None:
            skipped += 1
            message = f"part of {leading.rule}: {leading.title}"
            etree.SubElement(case, "skipped", message=visible(message))
        reported = [finding for finding in findings if finding not in failed]
        if reported:
            out = etree.SubElement(case, "system-out")
            out.text = visible("\n\n".join(_text(finding) for finding in reported))
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suite.set("skipped", str(skipped))
    suite.set("time", "0")
    suite.set("timestamp", f"{document.created:%Y-%m-%dT%H:%M:%S}")
    root = etree.Element("testsuites")
    root.append(suite)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True).decode()


def _cases(document: Document) -> list[tuple[tuple[str, str], list[Finding]]]:
    """The findings by rule and client; a case without a finding passes."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in document.findings:
        found.setdefault((finding.rule, finding.client or EVERYWHERE), []).append(finding)
    clients = sorted({client.client for client in document.clients})
    about_clients = sum(rule.audience == "client" for rule in document.rules)
    if about_clients * len(clients) > MAX_PASSED:
        clients = sorted({finding.client for finding in document.findings if finding.client})
    for part in _parts(document):
        found.setdefault(part, [])
    for rule in document.rules:
        for client in clients if rule.audience == "client" else (EVERYWHERE,):
            found.setdefault((rule.rule, client), [])
    return sorted(found.items())


def _parts(document: Document) -> dict[tuple[str, str], Finding]:
    """The rules and clients whose findings are part of a graver rule's, with that finding."""
    return {
        (rule, finding.client or EVERYWHERE): finding
        for finding in reversed(document.findings)
        for rule in finding.also
    }


def _text(finding: Finding) -> str:
    subject = " · ".join(part for part in (finding.param, finding.origin) if part)
    seen = f"{subject}: seen {count(finding.count, 'time')}" if subject else "seen"
    exchanges = ", ".join(map(str, finding.evidence))
    return (
        f"{seen}, severity {finding.severity}, confidence {finding.confidence}\n"
        f"{finding.message}\nRemedy: {finding.remedy}\nExchanges: {exchanges}"
    )
