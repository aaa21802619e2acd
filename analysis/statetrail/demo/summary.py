"""The demo's output: tables of clients, expiry and rotations, and of differences.

Enters: a recording, the truths, the differences. Leaves: text on a console. Values of the recording
are printed as plain text, never as markup.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.tokens.rotations import rotations
from statetrail.demo.check import SESSIONS, Difference, agent_of, audited_counts
from statetrail.demo.clients import Truth
from statetrail.expiry import POLICIES
from statetrail.recording.frames import Recording
from statetrail.report.render.terminal import draw, layout, text


def show_summary(rec: Recording, truths: Mapping[str, Truth], console: Console) -> None:
    """Print the audit's tables."""
    for shown in (
        _clients(rec, truths, console.width),
        _expiry(rec, console.width),
        _rotations(rec, console.width),
    ):
        console.print()
        draw(shown, console)


def show_differences(mismatches: Sequence[Difference], console: Console) -> None:
    """Print where the audit differs from the clients' account."""
    names = ("client", "what", "expected", "audited")
    rows = [
        [text(cell, "red") for cell in (one.client, one.what, one.expected, one.audited)]
        for one in mismatches
    ]
    title = "The audit differs from the clients' account"
    draw(layout(title, names, rows, console.width, right=names[2:]), console)


def _clients(rec: Recording, truths: Mapping[str, Truth], room: int) -> RenderableType:
    of_agents = {agent_of(row["client"]): row for row in clients(rec).rows()}
    names = ("client", "requests", *SESSIONS, "compliance", "faults and findings")
    rows = []
    for name, counts in audited_counts(rec, truths).items():
        row = of_agents.get(truths[name].user_agent, {"compliance": None})
        cells = (
            name,
            *(counts.pop(what, 0) for what in names[1:4]),
            "-" if row["compliance"] is None else f"{row['compliance']:.0%} of {row['judged']}",
            ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "none",
        )
        rows.append([text(cell) for cell in cells])
    return layout("Clients", names, rows, room, right=names[1:5])


def _expiry(rec: Recording, room: int) -> RenderableType:
    names = ("parameter", "policy", "longer than", "at most", "ends", "sharp", "origin")
    rows = [
        [
            *(text(row["param"]), text(row["policy"]), text(_seconds(row["low_s"]))),
            *(text(_seconds(row["high_s"])), text(row["ended"]), text(_sharp(row))),
            text(row["origin"]),
        ]
        for row in expiry(rec).rows()
        if row["ended"]
    ]
    return layout("Expiry", names, rows, room, right=names[2:5], whole=names[2:6])


def _sharp(row: Mapping[str, Any]) -> str:
    """The interval that holds if no token is wrong."""
    span = POLICIES[row["policy"]].span
    low, high = row[f"{span}_sharp_low_s"], row[f"{span}_sharp_high_s"]
    return "-" if low is None or high is None else f"{low:.2f}-{high:.2f} s"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _rotations(rec: Recording, room: int) -> RenderableType:
    replaced = (row for row in rotations(rec).rows() if row["from_fingerprint"] is not None)
    counts = Counter((row["param"], row["cause"]) for row in replaced)
    causes = sorted({cause for _, cause in counts})
    rows = [
        [text(param), *(text(counts[param, cause] or "") for cause in causes)]
        for param in sorted({param for param, _ in counts})
    ]
    return layout("Rotations by cause", ("parameter", *causes), rows, room, right=causes)
