"""The findings as CSV: one row a finding, with the same ids as in every other format.

Enters: a `Document`. Leaves: CSV that a spreadsheet takes for text: no cell is a formula, and none
has hidden characters.
"""

import csv
import io
import re
import unicodedata
from datetime import datetime
from typing import Final

from statetrail.report.document import Document
from statetrail.report.sections.findings import Finding
from statetrail.report.wording import visible

COLUMNS: Final = (
    *("id", "state", "severity", "confidence", "audience", "rule", "also", "title", "client"),
    *("origin", "param", "count", "of", "faults", "first", "last", "sessions", "message"),
    *("remedy", "references", "evidence"),
)
_SIGNS: Final = frozenset("=+-@")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def inert(cell: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would compute it.

    >>> inert("=1+1"), inert(" @SUM(A1)"), inert("-5"), inert("plain")
    ("'=1+1", "' @SUM(A1)", '-5', 'plain')
    """
    return f"'{cell}" if _is_formula(cell) and not _NUMBER.fullmatch(cell) else cell


def _is_formula(cell: str) -> bool:
    """Whether some spreadsheet could compute it.

    Some pass over characters without a shape (a byte-order mark, a zero-width space), and some
    take full-width or small signs for the ordinary ones.
    """
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    sign = next((one for one in cell if unicodedata.category(one)[0] not in "CZM"), "")
    return unicodedata.normalize("NFKC", sign)[:1] in _SIGNS


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
