"""`statetrail dialect explain`: a dialect in plain words."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from statetrail.cli.options import argument, completion, dialect_names

if TYPE_CHECKING:
    from statetrail.dialects.explanation import Rows

EXAMPLES = """[b]Examples[/b]

statetrail dialect explain woocommerce

statetrail dialect explain acme.toml"""


def command(
    name: Annotated[
        str,
        argument(
            "NAME",
            "A built-in dialect, all, or a TOML file of your own.",
            completion(dialect_names),
        ),
    ],
) -> None:
    """Explain a dialect: where each parameter is issued and presented, who owes it, what ends it.

    Also where the dialect is in scope, which parameters name a session, and its references.
    """
    from statetrail.cli.output.terminal import stdout
    from statetrail.dialects import select
    from statetrail.dialects.explanation import explain as explanation

    console = stdout()
    for nth, dialect in enumerate(select(name)):
        explained = explanation(dialect)
        if nth:
            console.write("")
        console.write(f"{dialect.name}: {dialect.title}", "bold")
        _write(explained.rows)
        for param in explained.params:
            console.write("")
            console.write(param.name, "bold")
            _write(param.rows)


def _write(rows: "Rows") -> None:
    from rich.table import Table

    from statetrail.cli.output.terminal import stdout
    from statetrail.report.render.terminal import draw, text

    result = Table.grid(padding=(0, 2), pad_edge=False)
    result.add_column(width=12, no_wrap=True)
    result.add_column(overflow="fold")
    for label, line in _lines(rows):
        result.add_row(text(label, "dim"), text(line))
    draw(result, stdout())


def _lines(rows: "Rows") -> Iterable[tuple[str, str]]:
    for label, sentences in rows:
        for nth, sentence in enumerate(sentences):
            yield ("" if nth else f"  {label}"), sentence
