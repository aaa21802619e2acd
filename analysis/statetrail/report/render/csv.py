"""The findings as CSV: one row a finding, with the same ids as in every other format.

Enters: a `Document`. Leaves: CSV that a spreadsheet takes for text: no cell is a formula, and none
has hidden characters.
"""

import csv
import io
import re
from datetime import datetime
from typing import Final

from statetrail.report.document import Document
from statetrail.report.sections.findings import Finding
from statetrail.report.wording import visible

COLUMNS: Final = (
    *("id", "state", "severity", "confidence", "audience", "rule", "title", "client", "origin"),
    *("param", "count", "first", "last", "message", "remedy", "references", "evidence"),
)
# Full-width signs too: some spreadsheets take them for the ordinary ones.
_FORMULA: Final = re.compile(
    "\\s*[=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
    "\N{FULLWIDTH COMMERCIAL AT}]|[\\t\\r\\n]"
)
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def inert(cell: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would compute it.

    >>> inert("=1+1"), inert(" @SUM(A1)"), inert("-5"), inert("plain")
    ("'=1+1", "' @SUM(A1)", '-5', 'plain')
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def render_csv(document: Document) -> str:
    """All findings; with a baseline, those that are fixed too."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    baseline = document.baseline
    new = frozenset(baseline.new) if baseline is not None else frozenset()
    for finding in document.findings:
        state = "" if baseline is None else "new" if finding.id in new else "unchanged"
        writer.writerow(_row(finding, state))
    for finding in baseline.fixed if baseline is not None else ():
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
        separator = " " if all(isinstance(one, int) for one in cell) else "; "
        return separator.join(map(str, cell))
    return str(cell)
