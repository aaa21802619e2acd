"""The demo's output: tables of clients, expiry and rotations, and of differences.

Enters: a recording, the truths, the differences. Leaves: text on a console. Values of the recording
are printed as plain text, never as markup.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.tokens.rotations import rotations
from statetrail.demo.check import SESSIONS, Difference, agent_of, audited_counts
from statetrail.demo.clients import Truth
from statetrail.expiry import POLICIES
from statetrail.recording.frames import Recording


def show_summary(rec: Recording, truths: Mapping[str, Truth], console: Console) -> None:
    """Print the audit's tables."""
    for table in (_clients(rec, truths), _expiry(rec), _rotations(rec)):
        console.print(table)


def show_differences(mismatches: Sequence[Difference], console: Console) -> None:
    """Print where the audit differs from the clients' account."""
    table = _table(
        "The audit differs from the clients' account",
        ("client", "what"),
        right=("expected", "audited"),
    )
    for one in mismatches:
        table.add_row(one.client, Text(one.what), str(one.expected), str(one.audited), style="red")
    console.print(table)


def _table(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table; the columns in `right` follow those in `left`, aligned to the right."""
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in left:
        table.add_column(column, no_wrap=True)
    for column in right:
        table.add_column(column, justify="right")
    return table


def _clients(rec: Recording, truths: Mapping[str, Truth]) -> Table:
    rows = {agent_of(row["client"]): row for row in clients(rec).rows()}
    table = _table("Clients", ("client",), ("requests", *SESSIONS, "compliance"))
    table.add_column("faults and findings")
    for name, counts in audited_counts(rec, truths).items():
        row = rows.get(truths[name].user_agent, {"compliance": None})
        table.add_row(
            name,
            *(str(counts.pop(what, 0)) for what in ("requests", *SESSIONS)),
            "-" if row["compliance"] is None else f"{row['compliance']:.0%} of {row['judged']}",
            Text("\n".join(f"{count} {what}" for what, count in counts.most_common()) or "none"),
        )
    return table


def _expiry(rec: Recording) -> Table:
    table = _table("Expiry", ("parameter", "policy"), ("longer than", "at most", "ends"))
    table.add_column("sharp", no_wrap=True)
    table.add_column("origin", overflow="fold")
    for row in expiry(rec).rows():
        if row["ended"]:
            table.add_row(
                Text(row["param"]),
                row["policy"],
                _seconds(row["low_s"]),
                _seconds(row["high_s"]),
                str(row["ended"]),
                _sharp(row),
                Text(row["origin"]),
            )
    return table


def _sharp(row: Mapping[str, Any]) -> str:
    """The interval that holds if no token is wrong."""
    span = POLICIES[row["policy"]].span
    low, high = row[f"{span}_sharp_low_s"], row[f"{span}_sharp_high_s"]
    return "-" if low is None or high is None else f"{low:.2f}-{high:.2f} s"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _rotations(rec: Recording) -> Table:
    replaced = (row for row in rotations(rec).rows() if row["from_fingerprint"] is not None)
    counts = Counter((row["param"], row["cause"]) for row in replaced)
    causes = sorted({cause for _, cause in counts})
    table = _table("Rotations by cause", ("parameter",), causes)
    for param in sorted({param for param, _ in counts}):
        table.add_row(Text(param), *(str(counts[param, cause] or "") for cause in causes))
    return table
