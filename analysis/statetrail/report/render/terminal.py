"""Tables on a terminal of any width; no text from the network is interpreted there.

Enters: rows of text. Leaves: what rich prints: a table whose columns are folded where that is
readable, or a paragraph a row on a terminal that is too narrow for it. In a pipe, plain columns of
the width that they need.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, Final

from rich import box
from rich.cells import cell_len, chop_cells
from rich.console import Console, Group, RenderableType
from rich.containers import Lines
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from statetrail.extract.text import clean

MAX_LINE = 4000
NOTHING = "–"
"""What reports write for no value."""
NARROWEST = 14
"""Characters of a line below which a text is no longer readable in a column."""
_WIDEST_PART = 24
_PART: Final = re.compile(
    r"\(?[0-9][0-9.,-]* (?:%|d|h|min|ms|s)(?!\w)[),.;:]*\s*"
    r"|[^\s/:|,;&?=-]*[\s/:|,;&?=-]+|[^\s/:|,;&?=-]+"
)
"""What is not divided: a number with its unit, a word, or a part of a name or an address with the
sign that ends it."""


class Cell(Text):
    """Text that is folded between words, and after the signs that divide names and addresses."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """The lines of that width. Only a part that is wider itself is divided."""
        if options.get("no_wrap"):
            return super().wrap(console, width, **options)
        result = Lines()
        for line in self.split(allow_blank=True):
            for folded in line.divide(_folds(line.plain, width)):
                folded.rstrip()
                result.append(folded)
        if justify := options.get("justify"):
            result.justify(console, width, justify=justify)
        return result


def _folds(line: str, width: int) -> list[int]:
    """Where a line is folded, in characters from its start."""
    folds: list[int] = []
    at = used = 0
    for part in _PART.findall(line):
        if used and used + cell_len(part.rstrip()) > width:
            folds.append(at)
            used = 0
        pieces = chop_cells(part, width) if cell_len(part.rstrip()) > width else [part]
        for nth, piece in enumerate(pieces):
            if nth:
                folds.append(at)
                used = 0
            at += len(piece)
            used += cell_len(piece)
    return folds


def text(value: object, style: str = "", limit: int = 400) -> Text:
    """Any value as inert text."""
    return Cell(clean(str(value), limit), style=style)


def layout(
    title: str | None,
    names: Sequence[str],
    rows: Sequence[Sequence[Text]],
    room: int,
    *,
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> Table | Group:
    """A table of the rows; on a terminal that is too narrow for it, a paragraph a row."""
    natural, least, whole = natural_widths(names, rows), least_widths(names, rows), set(whole)
    least = [max(least[at], natural[at] if name in whole else 0) for at, name in enumerate(names)]
    if sys.stdout.isatty() and table_width(least) > room:
        return paragraphs(title, names, rows)
    result = table(title, names, right, whole, fitted(least, natural, room))
    for row in rows:
        result.add_row(*row)
    return result


def paragraphs(title: str | None, names: Sequence[str], rows: Iterable[Sequence[Text]]) -> Group:
    """A paragraph a row: its first cell, then the others with their names."""
    lines: list[RenderableType] = [] if title is None else [text(title, "bold")]
    for first, *others in rows:
        lines.append(Padding(first, (0, 0, 0, 2), expand=False))
        said: list[Text | str | tuple[str, str]] = []
        for name, cell in zip(names[1:], others, strict=True):
            if cell.plain not in ("", "-", NOTHING):
                said += ["; " if said else "", (name, "dim"), " ", cell]
        lines.append(Padding(Cell.assemble(*said), (0, 0, 0, 6), expand=False))
    return Group(*lines)


def table(
    title: str | None,
    columns: Iterable[str],
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
    widths: Iterable[int] = (),
) -> Table:
    """An empty table.

    Columns in `right` are aligned to the right, those in `whole` not folded. `widths` are those of
    the columns on a terminal; by default they are found for what is in them.
    """
    is_terminal = sys.stdout.isatty()
    result = Table(
        title=None if title is None else Text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if is_terminal else None,
        padding=(0, 1) if is_terminal else (0, 2, 0, 0),
        pad_edge=is_terminal,
        header_style="bold",
    )
    right, whole = set(right), set(whole)
    for name, width in zip_longest(columns, widths):
        result.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold",
            no_wrap=not is_terminal or name in whole, width=width if is_terminal else None,
        )  # fmt: skip
    return result


def natural_widths(names: Sequence[str], rows: Iterable[Sequence[Text]]) -> list[int]:
    """The widths of columns of which nothing is folded."""
    widths = [len(name) for name in names]
    for row in rows:
        widths = [max(width, cell.cell_len) for width, cell in zip(widths, row, strict=True)]
    return widths


def least_widths(names: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """The widths of columns that are folded, and still readable."""
    widths = []
    for at, name in enumerate(names):
        parts = [_widest_part(row[at].plain) for row in rows]
        readable = max(NARROWEST, len(name), *parts, 0)
        widths.append(min(readable, max(len(name), *(row[at].cell_len for row in rows), 0)))
    return widths


def _widest_part(cell: str) -> int:
    widths = (cell_len(part.rstrip()) for part in _PART.findall(cell))
    return min(max(widths, default=0), _WIDEST_PART)


def fitted(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """The widths of columns of a table that is at most as wide as the room, if they all fit.

    >>> fitted([5, 5], [5, 30], 40), fitted([5, 5], [8, 6], 40)
    ([5, 28], [8, 6])
    """
    widths = list(least)
    for _ in range(room - table_width(least)):
        folded = [at for at, width in enumerate(widths) if width < natural[at]]
        if folded:
            widths[min(folded, key=widths.__getitem__)] += 1
    return widths


def table_width(widths: Sequence[int]) -> int:
    """The width of a table on a terminal, with its padding."""
    return sum(widths) + 3 * len(widths) + 1


def draw(shown: RenderableType, console: Console) -> None:
    """Print a table; in a pipe without the blanks that fill its last column."""
    if sys.stdout.isatty():
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()))
