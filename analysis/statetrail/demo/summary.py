"""What the demo prints: the clients, the expiry, the rotations, and whether all is as it should be.

Enters: a recording, the truths, the differences. Leaves: text on a console. Everything that comes
from the recording is printed as plain text, never as markup.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from statetrail.analyses.clients import clients
from statetrail.analyses.expiry import expiry
from statetrail.analyses.rotations import rotations
from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.demo.check import Difference, agent_of
from statetrail.demo.clients import BEHAVIOURS, Truth
from statetrail.frames import Recording


def show_summary(rec: Recording, truths: Mapping[str, Truth], console: Console) -> None:
    """Print what the audit found."""
    console.print(_clients(rec, truths))
    console.print(_expiry(rec))
    console.print(_rotations(rec))


def show_differences(different: Sequence[Difference], console: Console) -> None:
    """Print where the audit is not what the clients know."""
    table = _table("The audit is not what the clients know they did", "client", "what")
    for column in ("expected", "found"):
        table.add_column(column, justify="right")
    for one in different:
        table.add_row(one.client, one.what, str(one.expected), str(one.found), style="red")
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _clients(rec: Recording, truths: Mapping[str, Truth]) -> Table:
    rows = {agent_of(row["client"]): row for row in clients(rec).rows()}
    faults: dict[str, Counter[str]] = {}
    for verdict in verdicts(rec).rows():
        if verdict["verdict"] in FAULTS:
            counts = faults.setdefault(agent_of(verdict["client"]), Counter())
            counts[f"{verdict['verdict']} {verdict['param']}"] += 1
    table = _table("Clients", "client", "what it does")
    for column in ("requests", "compliance"):
        table.add_column(column, justify="right")
    table.add_column("faults")
    for name, truth in truths.items():
        row = rows.get(truth.user_agent)
        known = row is not None and row["compliance"] is not None
        table.add_row(
            name,
            BEHAVIOURS[name].says,
            str(truth.requests),
            f"{row['compliance']:.0%} of {row['judged']}" if row is not None and known else "-",
            Text(
                ", ".join(
                    f"{count} {what}"
                    for what, count in faults.get(truth.user_agent, Counter()).most_common()
                )
                or "none"
            ),
        )
    return table


def _expiry(rec: Recording) -> Table:
    table = _table("Expiry", "origin", "parameter", "policy")
    for column in ("longer than", "at most", "ends"):
        table.add_column(column, justify="right")
    for row in expiry(rec).rows():
        if row["ended"]:
            table.add_row(
                Text(row["origin"]),
                Text(row["param"]),
                row["policy"],
                _seconds(row["low_s"]),
                _seconds(row["high_s"]),
                str(row["ended"]),
            )
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _rotations(rec: Recording) -> Table:
    counts = Counter((row["param"], row["cause"]) for row in rotations(rec).rows())
    table = _table("Rotations", "parameter", "cause")
    table.add_column("count", justify="right")
    for (param, cause), count in sorted(counts.items()):
        table.add_row(Text(param), cause, str(count))
    return table
