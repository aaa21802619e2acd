"""Text, tables and progress on a terminal; no text from the network is interpreted there.

Enters: text from anywhere. Leaves: text without control or direction characters, never read as
markup. Tables are those of `report.render.terminal`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from statetrail.extract.text import clean
from statetrail.report.render.terminal import MAX_LINE, draw, layout, text

_PIPE_WIDTH = 100_000


def one_line(text: str) -> str:
    """The text on one line, fit for a terminal."""
    return clean(" ".join(text.split()), MAX_LINE)


class Terminal(Console):
    """Standard output, for text from anywhere."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1, which here means findings

    def write(self, value: object, style: str = "", indent: int = 0) -> None:
        """Print any value as inert text, each of its lines indented."""
        shown = text(value, style)
        self.print(Padding(shown, (0, 0, 0, indent), expand=False) if indent else shown)

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
        names = list(columns)
        shown = [
            [cell if isinstance(cell, Text) else text(cell) for cell in cells(row)]
            for row in rows[:most]
        ]
        draw(layout(title, names, shown, self.width, right=right, whole=whole), self)
        self.write_more((len(rows) if total is None else total) - min(len(rows), most), hint)

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
