"""What reaches a terminal: plain text, tables, progress; nothing that the network sent acts there.

Enters: text from anywhere. Leaves: text without control or direction characters, never read as
markup. On a terminal tables are drawn; in a pipe they are plain columns as wide as they need be.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from statetrail.extract.text import clean

MAX_LINE = 4000
_PIPE_WIDTH = 100_000


def one_line(text: str) -> str:
    """The text on one line, fit for a terminal."""
    return clean(" ".join(text.split()), MAX_LINE)


def text(value: object, style: str = "", limit: int = 400) -> Text:
    """Any value as inert text."""
    return Text(clean(str(value), limit), style=style)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process with 1, which means something else here


def stdout() -> Console:
    """Standard output: as wide as the terminal, or without a limit in a pipe."""
    wide = None if sys.stdout.isatty() else _PIPE_WIDTH
    return _Console(file=sys.stdout, width=wide, highlight=False, markup=False, emoji=False)


def say(message: str) -> None:
    """One line on standard error, for a person."""
    print(f"statetrail: {one_line(message)}", file=sys.stderr)


def table(
    title: str | None,
    columns: Iterable[str],
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> Table:
    """An empty table; columns in `right` are aligned to the right, those in `whole` not folded."""
    drawn = sys.stdout.isatty()
    made = Table(
        title=None if title is None else Text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if drawn else None,
        padding=(0, 1) if drawn else (0, 2, 0, 0),
        pad_edge=drawn,
        header_style="bold",
    )
    right, whole = set(right), set(whole)
    for name in columns:
        made.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold",
            no_wrap=not drawn or name in whole,
        )  # fmt: skip
    return made


def draw(made: Table, console: Console) -> None:
    """Print a table; in a pipe without the blanks that fill its last column."""
    if sys.stdout.isatty():
        console.print(made)
        return
    with console.capture() as captured:
        console.print(made)
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
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar


@contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """Says on a terminal's standard error that something takes its time; told a step, that too."""
    console = Console(file=sys.stderr, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status(Text(one_line(what))) as status:
        yield lambda step: status.update(Text(one_line(f"{what}: {step}")))
