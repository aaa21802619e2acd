"""`statetrail dialect list`: the built-in dialects."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statetrail.dialects.model import Dialect

EXAMPLES = """[b]Examples[/b]

statetrail dialect list

statetrail import traffic.har --dialects cookie,bearer,django"""


def command() -> None:
    """List the built-in dialects, with their parameters and places.

    Any of them may be named with --dialects, and all of them are on by default.
    """
    from statetrail.cli.output.terminal import stdout
    from statetrail.dialects import builtin

    dialects = list(builtin().values())
    columns = ("dialect", "title", "parameters", "places")
    stdout().write_rows(None, columns, dialects, _cells, most=len(dialects), whole=columns[:1])


def _cells(dialect: "Dialect") -> tuple[str, str, str, str]:
    names = [param.name for param in dialect.params]
    channels = [
        channel
        for name in names or [""]
        for channel in (
            *(place.channel for place in dialect.issued_at(name)),
            *(place.channel for place in dialect.presented_at(name)),
        )
    ]
    return (
        dialect.name,
        dialect.title,
        ", ".join(names) or "every one",
        ", ".join(dict.fromkeys(channels)),
    )
