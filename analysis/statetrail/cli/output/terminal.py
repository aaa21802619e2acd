"""Text, tables and progress on a terminal; no text from the network is interpreted there.

Enters: text from anywhere. Leaves: text without control or direction characters, never read as
markup. On a terminal tables have rules; in a pipe they are plain columns of the width they need.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from statetrail.extract.text import clean

MAX_LINE = 4000
_PIPE_WIDTH = 100_000
NOTHING = "–"
"""What reports write for no value."""
NARROWEST = 14
"""Characters of a line below which a text is no longer readable in a column."""


def one_line(text: str) -> str:
    """The text on one line, fit for a terminal."""
    return clean(" ".join(text.split()), MAX_LINE)


def text(value: object, style: str = "", limit: int = 400) -> Text:
    """Any value as inert text."""
    return Text(clean(str(value), limit), style=style)


class Terminal(Console):
    """Standard output, for text from anywhere."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1, which here means findings

    def write(self, value: object, style: str = "") -> None:
        """Print any value as inert text."""
        self.print(text(value, style))

    def write_rows[T](
        self,
        title: str | None,
        columns: Iterable[str],
        rows: Sequence[T],
        cells: Callable[[T], Iterable[str | Text]],
        *,
        most: int,
        total: int | None = None,
        right: Iterable[str] = (),
        whole: Iterable[str] = (),
        hint: str = "",
    ) -> None:
        """Print a table of the first `most` rows, and how many more of `total` there are.

        A terminal that is too narrow for its columns gets a paragraph a row.
        """
        names, whole = list(columns), set(whole)
        shown = [
            [cell if isinstance(cell, Text) else text(cell) for cell in cells(row)]
            for row in rows[:most]
        ]
        widths = [
            width if name in whole else min(width, NARROWEST)
            for name, width in zip(names, natural_widths(names, shown), strict=True)
        ]
        if sys.stdout.isatty() and table_width(widths) > self.width:
            self._write_paragraphs(title, names, shown)
        else:
            result = table(title, names, right, whole, narrowest=widths)
            for row in shown:
                result.add_row(*row)
            draw(result, self)
        self.write_more((len(rows) if total is None else total) - min(len(rows), most), hint)

    def _write_paragraphs(
        self, title: str | None, names: Sequence[str], rows: Iterable[Sequence[Text]]
    ) -> None:
        if title is not None:
            self.write(title, "bold")
        for first, *others in rows:
            self.print(Padding(first, (0, 0, 0, 2)))
            said = [
                Text.assemble((name, "dim"), " ", cell)
                for name, cell in zip(names[1:], others, strict=True)
                if cell.plain not in ("", "-", NOTHING)
            ]
            self.print(Padding(Text("; ").join(said), (0, 0, 0, 6)))

    def write_more(self, count: int, hint: str = "") -> None:
        """Print how many more there are, if any."""
        if count > 0:
            self.write(f"  … and {count:,} more{hint}", "dim")


def stdout() -> Terminal:
    """Standard output: as wide as the terminal, or without a limit in a pipe."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Terminal(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def say(message: str) -> None:
    """One line on standard error, for a person."""
    print(f"statetrail: {one_line(message)}", file=sys.stderr)


def table(
    title: str | None,
    columns: Iterable[str],
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
    narrowest: Iterable[int] = (),
) -> Table:
    """An empty table.

    Columns in `right` are aligned to the right, those in `whole` not folded. `narrowest` are the
    widths below which no column is folded, where the terminal has that room.
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
    for name, least in zip_longest(columns, narrowest):
        result.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold",
            no_wrap=not is_terminal or name in whole, min_width=least if is_terminal else None,
        )  # fmt: skip
    return result


def natural_widths(names: Sequence[str], rows: Iterable[Sequence[Text]]) -> list[int]:
    """The widths of columns of which nothing is folded."""
    widths = [len(name) for name in names]
    for row in rows:
        widths = [max(width, cell.cell_len) for width, cell in zip(widths, row, strict=True)]
    return widths


def table_width(widths: Sequence[int]) -> int:
    """The width of a table on a terminal, with its padding."""
    return sum(widths) + 3 * len(widths) + 1


def draw(table: Table, console: Console) -> None:
    """Print a table; in a pipe without the blanks that fill its last column."""
    if sys.stdout.isatty():
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()))


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on standard error, on terminals only; it leaves no trace."""
    console = Console(file=sys.stderr, highlight=False, markup=False)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar


@contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """A status on standard error while something runs, on terminals; yields its update."""
    console = Console(file=sys.stderr, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status(Text(one_line(what))) as status:
        yield lambda step: status.update(Text(one_line(f"{what}: {step}")))
