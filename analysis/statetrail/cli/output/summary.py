"""The summary of an audit on a terminal: the three answers, then the first rows of the tables."""

from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.cli.output.terminal import Terminal
from statetrail.report.audit import Audit
from statetrail.report.document import Document
from statetrail.report.render.terminal import text
from statetrail.report.sections.clients import Client, ClientsSection
from statetrail.report.sections.expiry import Expiry
from statetrail.report.sections.findings import Card, FindingsSection
from statetrail.report.sections.summary import SummarySection
from statetrail.report.wording import count, interval, listed, percent, tally, when

MAX_STATEMENTS = 4
MAX_ROWS = 12
_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "info": "dim"}
_TONES = {"good": "green", "fair": "yellow", "bad": "red", "neutral": ""}


def show_summary(audit: Audit, console: Terminal) -> None:
    """Print the summary of an audit."""
    document = audit.document
    _head(document, console)
    _overall(document.section(SummarySection), console)
    for answer in document.answers:
        console.print()
        console.write(answer.question, "bold")
        for statement in answer.statements[:MAX_STATEMENTS]:
            console.write(statement.text, _TONES[statement.tone], indent=2)
        console.write_more(len(answer.statements) - MAX_STATEMENTS)
    _clients(document, console)
    _expiry(document, console)
    _findings(document, console)


def _head(document: Document, console: Terminal) -> None:
    capture = document.capture
    console.write(", ".join(document.settings.stores), "bold")
    console.write(
        f"{count(capture.exchanges, 'exchange')} ({count(capture.in_scope)} in scope), "
        f"{count(capture.clients, 'client')}, {count(capture.origins, 'origin')}, "
        f"{when(capture.started)} to {when(capture.ended)} UTC"
    )
    incomplete = [source for source in capture.sources if source.problem]
    for source in incomplete[:MAX_ROWS]:
        console.write(f"{source.name or source.source}: {source.problem}", "yellow")
    if capture.malformed:
        console.write(f"{count(capture.malformed, 'malformed issued value')}", "yellow")


def _overall(summary: SummarySection, console: Terminal) -> None:
    if (overall := summary.overall) is not None:
        console.print()
        console.write("How much state is honoured?", "bold")
        console.write(
            f"{percent(overall.compliance)}: {overall.honoured:,} of "
            f"{count(overall.judged, 'verdict')}. {overall.spread}",
            _TONES[overall.tone],
            indent=2,
        )
    if summary.actions:
        console.print()
        console.write("What would help most?", "bold")
    for at, action in enumerate(summary.actions, 1):
        effect = action.effect(summary.faults)
        console.write(f"{at}. {action.title} ({action.rule}): {effect}", indent=2)


def _clients(document: Document, console: Terminal) -> None:
    rows = document.section(ClientsSection).listed_clients
    if not rows:
        return

    def cells(client: Client) -> Iterable[str]:
        verdicts = Counter(client.verdicts).most_common()
        faults = {verdict: number for verdict, number in verdicts if verdict in FAULTS}
        yield from (client.client, client.origin, count(client.requests))
        yield from (percent(client.compliance), count(client.judged), tally(faults))

    console.print()
    console.write_rows(
        "Clients, least compliant first",
        ("client", "origin", "requests", "compliance", "judged", "faults"),
        rows,
        cells,
        most=MAX_ROWS,
        right=("requests", "compliance", "judged"),
    )


def _expiry(document: Document, console: Terminal) -> None:
    bounded = [e for e in document.expiry if e.low_s is not None or e.high_s is not None]
    if not bounded:
        return

    def cells(one: Expiry) -> Iterable[str]:
        between = interval(one.low_s, one.high_s)
        return (one.param, one.origin, one.policy, between, one.confidence, count(one.ended))

    console.print()
    console.write_rows(
        "Expiry",
        ("parameter", "origin", "policy", "limit", "confidence", "ends"),
        bounded,
        cells,
        most=MAX_ROWS,
        right=("ends",),
    )


def _findings(document: Document, console: Terminal) -> None:
    console.print()
    if (baseline := document.baseline) is not None:
        console.write(
            f"Since {when(baseline.created)} UTC: {count(len(baseline.new))} new, "
            f"{count(len(baseline.fixed))} fixed, {count(baseline.unchanged)} unchanged",
            "bold",
        )
        for setting in baseline.settings:
            console.write(f"  settings differ: {setting}", "yellow")
    if document.suppressed:
        console.write(f"{count(document.suppressed, 'finding')} suppressed")
    expired = [one for one in document.suppressions if not one.in_force]
    for one in expired[:MAX_ROWS]:
        console.write(f"the suppression of {one.rule} ended on {one.until}", "yellow")
    if not document.findings:
        console.write("No finding.", "green")
        return

    def cells(card: Card) -> Iterable[str | Text]:
        yield text(card.first.severity, _STYLES[card.first.severity])
        rules = ", ".join((card.rule, *card.also))
        yield from (rules, card.first.title, str(card.clients or "-"), count(card.count))

    section = document.section(FindingsSection)
    console.write_rows(
        f"Findings: {listed(section.by_severity)}",
        ("severity", "rule", "finding", "clients", "count"),
        section.cards,
        cells,
        most=MAX_ROWS,
        right=("clients", "count"),
    )
