"""`statetrail compare`: two audits side by side: what is new, fixed or unchanged."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.cli.options import ClientBy, Dialects, ProfileName, Suppress, chosen, named
from statetrail.cli.writing import check_outputs, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from statetrail.report.comparison import Comparison
    from statetrail.report.document import Document, Finding

EXAMPLES = """[b]Examples[/b]

statetrail compare release-1.json release-2.json

statetrail compare monday.sqlite tuesday.sqlite --client-by user-agent --fail-on medium"""

FAILED = 1
MAX_ROWS = 20
_STYLES = {"new": "bold red", "fixed": "green", "unchanged": "dim"}


def command(
    before: Annotated[
        Path,
        typer.Argument(metavar="A", help="An audit.json or a store: before.", show_default=False),
    ],
    after: Annotated[
        Path,
        typer.Argument(metavar="B", help="An audit.json or a store: after.", show_default=False),
    ],
    json: Annotated[
        Path | None, typer.Option("--json", metavar="F", help="Write the comparison as JSON.")
    ] = None,
    fail_on: Annotated[
        Literal["info", "low", "medium", "high"] | None,
        typer.Option("--fail-on", help="Exit with 1 if a new finding is at least that grave."),
    ] = None,
    client_by: ClientBy = "peer,user-agent",
    grace: Annotated[
        float, typer.Option("--grace", metavar="MS", help="Grace period, as in audit.")
    ] = 250,
    profile: ProfileName = "nist-aal2",
    suppress: Suppress = None,
    dialects: Dialects = "all",
) -> None:
    """Say what a release made better or worse: findings that are new, fixed or unchanged.

    The options on clients, grace, profile and dialects are for stores; an audit.json has its own.
    """
    known = chosen(dialects)
    check_outputs((json,), [path for path in (before, after, suppress) if path is not None])

    import msgspec

    from statetrail.cli.terminal import busy, stdout, text
    from statetrail.recording.frames import open_recording
    from statetrail.report import audit
    from statetrail.report.comparison import compare, read_audit
    from statetrail.rules import load_profile
    from statetrail.rules.suppression import load_suppressions

    entries = load_suppressions(suppress) if suppress is not None else ()
    limits = load_profile(profile)

    def document(path: Path) -> "Document":
        if path.suffix == ".json":
            return read_audit(path)
        rec = open_recording([path], client_by=named(client_by), grace_ms=grace, dialects=known)
        return audit(rec, profile=limits, suppressions=entries).document

    with busy("comparing"):
        told = compare(document(before), document(after))
    if json is not None:
        write_file(json, msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")
    console = stdout()
    _show(told, console)
    if json is not None:
        console.print(text(f"wrote {json}"))
    if fail_on is not None and (found := told.failing(fail_on)):
        from statetrail.cli.terminal import say

        say(f"{found} new findings of severity {fail_on} or above")
        raise typer.Exit(FAILED)


def _show(told: "Comparison", console: "Console") -> None:
    from statetrail.cli.terminal import draw, table, text
    from statetrail.report import wording

    console.print(
        text(
            f"{len(told.new):,} new, {len(told.fixed):,} fixed, "
            f"{len(told.unchanged):,} unchanged findings"
            + (f", {len(told.left_out):,} left out by decision" if told.left_out else ""),
            "bold",
        )
    )
    for otherwise in told.settings:
        console.print(text(f"  made otherwise: {otherwise}", "yellow"))
    rows: list[tuple[str, Finding, str]] = [
        *(("new", one, wording.count(one.count)) for one in told.new),
        *(("fixed", one, wording.count(one.count)) for one in told.fixed),
        *(("unchanged", one.finding, f"{one.before:,} to {one.after:,}") for one in told.unchanged),
    ]
    if rows:
        made = table(
            None,
            ("state", "severity", "rule", "client", "origin", "parameter", "seen"),
            right=("seen",),
        )
        for state, finding, seen in rows[:MAX_ROWS]:
            made.add_row(
                text(state, _STYLES[state]),
                text(finding.severity),
                text(finding.rule),
                text(finding.client or "-"),
                text(finding.origin or "-"),
                text(finding.param or "-"),
                seen,
            )
        draw(made, console)
        if len(rows) > MAX_ROWS:
            console.print(text(f"  … and {len(rows) - MAX_ROWS:,} more: --json has all", "dim"))
    if told.clients:
        made = table(
            "Compliance that changed, the greatest loss first",
            ("client", "origin", "before", "after", "judged"),
            right=("before", "after", "judged"),
        )
        for one in told.clients[:MAX_ROWS]:
            made.add_row(
                text(one.client),
                text(one.origin),
                wording.percent(one.before),
                wording.percent(one.after),
                f"{one.judged_before:,} to {one.judged_after:,}",
            )
        console.print()
        draw(made, console)
        if len(told.clients) > MAX_ROWS:
            console.print(text(f"  … and {len(told.clients) - MAX_ROWS:,} more", "dim"))
