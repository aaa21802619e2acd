"""The summary of an audit on a terminal: the three answers, then the first rows of the tables."""

from collections import Counter

from rich.console import Console

from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.cli.output.terminal import print_more, print_rows, text
from statetrail.report import Audit, wording
from statetrail.report.document import Document
from statetrail.report.sections.findings import first_of_each
from statetrail.rules import SEVERITIES

MAX_STATEMENTS = 4
MAX_ROWS = 12
PER_RULE = 2
_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "info": "dim"}
_TONES = {"good": "green", "bad": "red", "neutral": ""}


def show_summary(audit: Audit, console: Console) -> None:
    """Print the summary of an audit."""
    document = audit.document
    _head(document, console)
    _answers(document, console)
    _clients(document, console)
    _expiry(document, console)
    _findings(document, console)


def _head(document: Document, console: Console) -> None:
    capture = document.capture
    console.print(text(", ".join(document.settings.stores), "bold"))
    console.print(
        text(
            f"{wording.count(capture.exchanges, 'exchange')} "
            f"({wording.count(capture.in_scope)} in scope), "
            f"{wording.count(capture.clients, 'client')}, "
            f"{wording.count(capture.origins, 'origin')}, "
            f"{wording.when(capture.started)} to {wording.when(capture.ended)} UTC"
        )
    )
    incomplete = [source for source in capture.sources if source.problem]
    for source in incomplete[:MAX_ROWS]:
        console.print(text(f"{source.name or source.source}: {source.problem}", "yellow"))
    if capture.malformed:
        console.print(
            text(f"{wording.count(capture.malformed, 'malformed issued value')}", "yellow")
        )


def _answers(document: Document, console: Console) -> None:
    for answer in document.answers:
        console.print()
        console.print(text(answer.question, "bold"))
        for statement in answer.statements[:MAX_STATEMENTS]:
            console.print(text(f"  {statement.text}", _TONES[statement.tone]))
        print_more(console, len(answer.statements) - MAX_STATEMENTS)


def _clients(document: Document, console: Console) -> None:
    if not document.clients:
        return
    console.print()
    print_rows(
        console,
        "Clients, least compliant first",
        ("client", "origin", "requests", "compliance", "of", "faults"),
        [
            (
                *(client.client, client.origin, wording.count(client.requests)),
                *(wording.percent(client.compliance), wording.count(client.judged)),
                wording.tally(
                    {
                        verdict: count
                        for verdict, count in Counter(client.verdicts).most_common()
                        if verdict in FAULTS
                    }
                ),
            )
            for client in document.clients[:MAX_ROWS]
        ],
        right=("requests", "compliance", "of"),
        more=len(document.clients) - MAX_ROWS,
    )


def _expiry(document: Document, console: Console) -> None:
    bounded = [e for e in document.expiry if e.low_s is not None or e.high_s is not None]
    if not bounded:
        return
    console.print()
    print_rows(
        console,
        "Expiry",
        ("origin", "parameter", "policy", "between", "confidence", "ends"),
        [
            (
                *(one.origin, one.param, one.policy),
                wording.interval(one.low_s, one.high_s),
                *(one.confidence, wording.count(one.ended)),
            )
            for one in bounded[:MAX_ROWS]
        ],
        right=("ends",),
        more=len(bounded) - MAX_ROWS,
    )


def _findings(document: Document, console: Console) -> None:
    console.print()
    if (baseline := document.baseline) is not None:
        console.print(
            text(
                f"Since {wording.when(baseline.created)} UTC: "
                f"{wording.count(len(baseline.new))} new, "
                f"{wording.count(len(baseline.fixed))} fixed, "
                f"{wording.count(baseline.unchanged)} unchanged",
                "bold",
            )
        )
        for setting in baseline.settings:
            console.print(text(f"  settings differ: {setting}", "yellow"))
    if document.suppressed:
        console.print(text(f"{wording.count(document.suppressed, 'finding')} suppressed"))
    expired = [one for one in document.suppressions if not one.in_force]
    for one in expired[:MAX_ROWS]:
        console.print(text(f"the suppression of {one.rule} ended on {one.until}", "yellow"))
    if not document.findings:
        console.print(text("No finding.", "green"))
        return
    counts = Counter(finding.severity for finding in document.findings)
    by_severity: dict[str, int] = {
        name: counts[name] for name in reversed(SEVERITIES) if counts[name]
    }
    findings = first_of_each(document.findings, PER_RULE, MAX_ROWS)
    print_rows(
        console,
        f"Findings: {wording.listed(by_severity)}",
        ("severity", "rule", "finding", "client", "parameter", "count"),
        [
            (
                text(finding.severity, _STYLES[finding.severity]),
                *(finding.rule, finding.title, finding.client or "-", finding.param or "-"),
                wording.count(finding.count),
            )
            for finding in findings
        ],
        right=("count",),
        more=len(document.findings) - len(findings),
    )
