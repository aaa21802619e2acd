"""`statetrail audit`: analyse stores and report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.cli.options import ClientBy, Dialects, ProfileName, Stores, Suppress, chosen, named
from statetrail.cli.writing import check_outputs, write_file
from statetrail.errors import StoreError

if TYPE_CHECKING:
    from statetrail.recording.frames import Recording

EXAMPLES = """[b]Examples[/b]

statetrail audit shop.sqlite --html audit.html --json audit.json

statetrail audit monday.sqlite tuesday.sqlite --client-by user-agent

statetrail audit nightly.sqlite --junit audit.xml --fail-on medium

statetrail audit nightly.sqlite --baseline last.json --suppress accepted.toml --profile owasp-low"""

FAILED = 1


def command(
    stores: Stores,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="F", help="Write the report as a web page.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="F", help="Write audit.json.")
    ] = None,
    md: Annotated[
        Path | None, typer.Option("--md", metavar="F", help="Write the report as Markdown.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="F", help="Write JUnit XML for a CI job.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="F", help="Write the findings as CSV.")
    ] = None,
    client_by: ClientBy = "peer,user-agent",
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            metavar="MS",
            help="Milliseconds after a response in which its client may still act on older state.",
        ),
    ] = 250,
    fail_on: Annotated[
        Literal["info", "low", "medium", "high"] | None,
        typer.Option("--fail-on", help="Exit with 1 if a finding is at least that grave."),
    ] = None,
    profile: ProfileName = "nist-aal2",
    suppress: Suppress = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="F",
            help="An audit.json of before: say what is new since, and fail on that alone.",
        ),
    ] = None,
    dialects: Dialects = "all",
) -> None:
    """Analyse one or many stores: who obeys, what rotates, how long values live.

    Prints a summary and writes the reports that are asked for. Stores are only read.
    """
    known = chosen(dialects)
    kept = [path for path in (suppress, baseline) if path is not None]
    check_outputs((html, json, md, junit, csv), [*stores, *kept])

    from statetrail.cli.terminal import busy, stdout, text
    from statetrail.recording.frames import open_recording

    with busy("analysing") as tell:
        rec = open_recording(stores, client_by=named(client_by), grace_ms=grace, dialects=known)
        names = ", ".join(str(path) for path in stores)
        _check_matches(rec, names)

        from statetrail.cli.summary import show_summary
        from statetrail.report import audit
        from statetrail.report.comparison import read_audit
        from statetrail.rules import load_profile
        from statetrail.rules.suppression import load_suppressions

        before = read_audit(baseline) if baseline is not None else None
        entries = load_suppressions(suppress) if suppress is not None else ()
        limits = load_profile(profile)
        result = audit(rec, profile=limits, suppressions=entries, baseline=before, progress=tell)
        for path, render in (
            (html, result.to_html),
            (json, result.to_json),
            (md, result.to_markdown),
            (junit, result.to_junit),
            (csv, result.to_csv),
        ):
            if path is not None:
                tell(f"writing {path}")
                write_file(path, render())
    console = stdout()
    show_summary(result, console)
    for path in (html, json, md, junit, csv):
        if path is not None:
            console.print(text(f"wrote {path}"))
    if fail_on is not None and (found := result.failing(fail_on)):
        from statetrail.cli.terminal import say

        say(f"{found} findings of severity {fail_on} or above")
        raise typer.Exit(FAILED)


def _check_matches(rec: "Recording", names: str) -> None:
    """Raise `StoreError` where there is nothing that an audit could be about."""
    cells = rec.exchanges.lazy.select("dialects").unique().collect("pyarrow").get_column("dialects")
    if not len(cells):
        raise StoreError(f"{names} holds no exchange: record or import some first")
    known = {dialect.name for dialect in rec.dialects}
    if not any(known.intersection(cell.split(",")) for cell in cells.to_list()):
        raise StoreError(
            f"no exchange in {names} matches a dialect ({', '.join(sorted(known))}): "
            "is it the right traffic?"
        )
