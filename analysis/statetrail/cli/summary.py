"""The summary of an audit on a terminal: the three answers, then the tables, each cut short."""

from collections import Counter

from rich.console import Console

from statetrail.analyses.conformance.verdicts import FAULTS
from statetrail.cli.terminal import draw, table, text
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
    """Print what an audit found, for a person in a hurry."""
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
    lost = [source for source in capture.sources if source.problem]
    for source in lost[:MAX_ROWS]:
        console.print(text(f"{source.name or source.source}: {source.problem}", "yellow"))
    if capture.malformed:
        console.print(
            text(f"{wording.count(capture.malformed, 'issued value')} not well formed", "yellow")
        )


def _answers(document: Document, console: Console) -> None:
    for answer in document.answers:
        console.print()
        console.print(text(answer.question, "bold"))
        for statement in answer.statements[:MAX_STATEMENTS]:
            console.print(text(f"  {statement.text}", _TONES[statement.tone]))
        _more(len(answer.statements) - MAX_STATEMENTS, console)


def _clients(document: Document, console: Console) -> None:
    if not document.clients:
        return
    made = table(
        "Clients, the least compliant first",
        ("client", "origin", "requests", "compliance", "of", "faults"),
        right=("requests", "compliance", "of"),
    )
    for client in document.clients[:MAX_ROWS]:
        faults = Counter(client.verdicts)
        made.add_row(
            text(client.client),
            text(client.origin),
            wording.count(client.requests),
            wording.percent(client.compliance),
            wording.count(client.judged),
            text(wording.tally({n: c for n, c in faults.most_common() if n in FAULTS})),
        )
    console.print()
    draw(made, console)
    _more(len(document.clients) - MAX_ROWS, console)


def _expiry(document: Document, console: Console) -> None:
    known = [e for e in document.expiry if e.low_s is not None or e.high_s is not None]
    if not known:
        return
    made = table(
        "Expiry", ("origin", "parameter", "policy", "between", "confidence", "ends"),
        right=("ends",),
    )  # fmt: skip
    for one in known[:MAX_ROWS]:
        made.add_row(
            text(one.origin),
            text(one.param),
            text(one.policy),
            text(wording.interval(one.low_s, one.high_s)),
            text(one.confidence),
            wording.count(one.ended),
        )
    console.print()
    draw(made, console)
    _more(len(known) - MAX_ROWS, console)


def _findings(document: Document, console: Console) -> None:
    console.print()
    if (known := document.baseline) is not None:
        console.print(
            text(
                f"Since {wording.when(known.created)} UTC: {wording.count(len(known.new))} new, "
                f"{wording.count(len(known.fixed))} fixed, "
                f"{wording.count(known.unchanged)} unchanged",
                "bold",
            )
        )
        for otherwise in known.settings:
            console.print(text(f"  made otherwise: {otherwise}", "yellow"))
    if document.suppressed:
        console.print(text(f"{wording.count(document.suppressed, 'finding')} left out by decision"))
    over = [one for one in document.suppressions if not one.in_force]
    for one in over[:MAX_ROWS]:
        console.print(text(f"the suppression of {one.rule} ended on {one.until}", "yellow"))
    if not document.findings:
        console.print(text("No finding.", "green"))
        return
    counts = Counter(finding.severity for finding in document.findings)
    shown: dict[str, int] = {name: counts[name] for name in reversed(SEVERITIES) if counts[name]}
    made = table(
        f"Findings: {wording.listed(shown)}",
        ("severity", "rule", "finding", "client", "parameter", "count"),
        right=("count",),
    )
    told = first_of_each(document.findings, PER_RULE, MAX_ROWS)
    for finding in told:
        made.add_row(
            text(finding.severity, _STYLES[finding.severity]),
            text(finding.rule),
            text(finding.title),
            text(finding.client or "-"),
            text(finding.param or "-"),
            wording.count(finding.count),
        )
    draw(made, console)
    _more(len(document.findings) - len(told), console)


def _more(count: int, console: Console) -> None:
    if count > 0:
        console.print(text(f"  … and {wording.count(count)} more", "dim"))
