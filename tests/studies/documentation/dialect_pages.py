"""The pages of the built-in dialects: what a dialect declares, in plain words.

Enters: a dialect. Leaves: the generated part of its page; below it stands an example, which is
written by hand, and which a test replays.
"""

from collections.abc import Sequence

from statetrail.dialects import Dialect
from statetrail.dialects.explanation import Rows, explain


def declared(dialect: Dialect, file: str) -> str:
    """The generated part: a table of the dialect, and one of each parameter."""
    explained = explain(dialect)
    parts = [
        f"# `{dialect.name}`: {dialect.title}\n",
        f"Declared in [`{file}`](../../dialects/builtin/{file}).\n",
        *_table(explained.rows),
    ]
    for param in explained.params:
        parts += [f"\n## Parameter `{param.name}`\n", *_table(param.rows)]
    return "\n".join(parts)


def _table(rows: Rows) -> Sequence[str]:
    lines = [f"| {about} | {'<br>'.join(map(_cell, says))} |" for about, says in rows]
    return ["| | |", "| --- | --- |", *lines]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
