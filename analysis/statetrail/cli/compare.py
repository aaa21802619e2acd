"""`statetrail compare`: two audits side by side: which findings are new, fixed or unchanged."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from statetrail.cli import options
from statetrail.cli.options import argument, option

if TYPE_CHECKING:
    from statetrail.cli.output.terminal import Terminal
    from statetrail.report.comparison import Comparison
    from statetrail.report.document import Document

EXTRA = "report"
EXAMPLES = """[b]Examples[/b]

statetrail compare release-1.json release-2.json

statetrail compare release-1.json release-2.json --client-pattern "(till|web)-[0-9]+"

statetrail compare monday.sqlite tuesday.sqlite --client-by user-agent --fail-on medium"""

MAX_ROWS = 20
_STYLES = {"new": "bold red", "fixed": "green", "unchanged": "dim"}


def command(
    before: Annotated[Path, argument("A", "The earlier audit.json or store.")],
    after: Annotated[Path, argument("B", "The later audit.json or store.")],
    json: Annotated[Path | None, option("--json FILE", "Write the comparison as JSON.")] = None,
    fail_on: Annotated[
        options.Severity | None,
        option("--fail-on", "Exit with 1 if a new finding has this severity or higher."),
    ] = None,
    client_by: options.ClientBy = None,
    client_pattern: options.ClientPattern = None,
    grace: options.Grace = options.DEFAULT_GRACE,
    profile: options.ProfileName = "nist-aal2",
    suppress: options.Suppress = None,
    dialects: options.Dialects = "all",
) -> None:
    """Show which findings a release added, fixed or left unchanged.

    The options for clients, grace period, profile and dialects apply to stores; an audit.json was
    made with its own.
    """
    from statetrail.dialects import select

    select(dialects)  # an unknown name is an error for two files too
    from statetrail.cli.output.files import check_outputs, write_file

    check_outputs((json,), [path for path in (before, after, suppress) if path is not None])

    import msgspec

    from statetrail.cli.output.terminal import busy, stdout
    from statetrail.report.audit import audit
    from statetrail.report.comparison import client_key, compare, read_audit

    client_key(client_pattern)
    limits, entries = options.load_criteria(profile, suppress)

    def document(path: Path) -> "Document":
        if path.suffix == ".json":
            return read_audit(path)
        rec = options.open_stores([path], client_by, grace, dialects)
        return audit(rec, profile=limits, suppressions=entries).document

    with busy("comparing"):
        result = compare(document(before), document(after), client_pattern)
    if json is not None:
        content = msgspec.json.format(msgspec.json.encode(result), indent=2).decode()
        write_file(json, content + "\n")
    console = stdout()
    _show(result, console)
    if json is not None:
        console.write(f"wrote {json}")
    options.fail_on_findings(fail_on, result.failing, "new finding")


def _show(result: "Comparison", console: "Terminal") -> None:
    from statetrail.report.render.terminal import text
    from statetrail.report.wording import count, percent

    console.write(
        f"{len(result.new):,} new, {len(result.fixed):,} fixed, "
        f"{len(result.unchanged):,} unchanged findings"
        + (f", {len(result.left_out):,} suppressed" if result.left_out else ""),
        "bold",
    )
    for setting in result.settings:
        console.write(f"  settings differ: {setting}", "yellow")
    findings = [
        *(("new", one, count(one.count)) for one in result.new),
        *(("fixed", one, count(one.count)) for one in result.fixed),
        *(
            ("unchanged", one.finding, f"{one.before:,} to {one.after:,}")
            for one in result.unchanged
        ),
    ]
    if findings:
        console.write_rows(
            None,
            ("rule", "state", "severity", "client", "origin", "parameter", "count"),
            findings,
            lambda row: (
                ", ".join((row[1].rule, *row[1].also)),
                text(row[0], _STYLES[row[0]]),
                *(row[1].severity, row[1].client or "-"),
                *(row[1].origin or "-", row[1].param or "-", row[2]),
            ),
            most=MAX_ROWS,
            right=("count",),
            hint=": --json has all",
        )
    if result.clients:
        console.print()
        console.write_rows(
            "Compliance that changed, largest loss first",
            ("client", "origin", "before", "after", "judged"),
            result.clients,
            lambda one: (
                *(one.client, one.origin, percent(one.before), percent(one.after)),
                f"{one.judged_before:,} to {one.judged_after:,}",
            ),
            most=MAX_ROWS,
            right=("before", "after", "judged"),
        )
