"""The findings as CSV: one row a finding, with the same ids as in every other form.

Enters: a `Document`. Leaves: CSV of text that is no formula and has no hidden characters.
"""

import csv
import io
from datetime import datetime
from typing import Final

from statetrail.report.document import Document, Finding
from statetrail.report.render.inert import inert
from statetrail.report.wording import visible

COLUMNS: Final = (
    *("id", "state", "severity", "confidence", "audience", "rule", "title", "client", "origin"),
    *("param", "count", "first", "last", "message", "remedy", "references", "evidence"),
)


def render_csv(document: Document) -> str:
    """All findings; with a baseline, those that are fixed too."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    known = document.baseline
    new = frozenset(known.new) if known is not None else frozenset()
    for finding in document.findings:
        state = "" if known is None else "new" if finding.id in new else "unchanged"
        writer.writerow(_row(finding, state))
    for finding in known.fixed if known is not None else ():
        writer.writerow(_row(finding, "fixed"))
    return out.getvalue()


def _row(finding: Finding, state: str) -> list[str]:
    cells: list[object] = [state if name == "state" else getattr(finding, name) for name in COLUMNS]
    return [inert(visible(_text(cell))) for cell in cells]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, tuple):
        return (
            " ".join(map(str, cell))
            if all(isinstance(one, int) for one in cell)
            else "; ".join(cell)
        )
    return str(cell)
