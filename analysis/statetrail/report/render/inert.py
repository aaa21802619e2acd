"""Text that a spreadsheet leaves alone: no cell of a CSV file is a formula.

Enters: text that came from the network. Leaves: the same text, or one with an apostrophe before it.
"""

import re
from typing import Final

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
