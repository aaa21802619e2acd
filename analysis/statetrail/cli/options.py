"""The options that several commands have, and what their text means."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from statetrail.dialects import Dialect, select
from statetrail.errors import UsageError

DEFAULT_STORE: Final = Path("statetrail.sqlite")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")

# Plain assignments: typer does not look through `type` statements.
Stores = Annotated[
    list[Path],
    typer.Argument(
        metavar="STORE",
        help="SQLite stores or Parquet datasets; several are joined if they have the same key.",
        show_default=False,
    ),
]
Store = Annotated[
    Path, typer.Option("--store", metavar="FILE", help="SQLite store to add to; made if new.")
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Key file to make the pseudonyms with, so that stores can be joined. "
        "By default the one beside the store, FILE.key, or a new one.",
    ),
]
ForgetKey = Annotated[
    bool,
    typer.Option(
        "--forget-key",
        help="Remove the store's key in the end: nobody can test a guess against the pseudonyms "
        "any more, and nothing can be added to the store.",
    ),
]
Clear = Annotated[
    str,
    typer.Option(
        "--clear",
        metavar="PARAMS",
        help="Secret parameters whose values are stored in clear all the same, comma separated.",
    ),
]
ClientHeader = Annotated[
    str | None,
    typer.Option(
        "--client-header", metavar="NAME", help="Request header that tells clients apart."
    ),
]
Dialects = Annotated[
    str,
    typer.Option(
        "--dialects", metavar="NAMES", help="Dialects to look for, comma separated, or all."
    ),
]
ClientBy = Annotated[
    str,
    typer.Option(
        "--client-by",
        metavar="NAMES",
        help="What tells clients apart, comma separated: peer, user-agent, proxy-user, header.",
    ),
]

ProfileName = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Limits of idle time, age and strength to hold tokens to: nist-aal2, nist-aal3, "
        "owasp-low, owasp-high, or a TOML file of your own.",
    ),
]
Suppress = Annotated[
    Path | None,
    typer.Option(
        "--suppress",
        metavar="F",
        help="TOML file of findings to leave out, each with a reason and a last day.",
    ),
]


def named(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def cleared(text: str, dialects: Sequence[Dialect]) -> frozenset[str]:
    """The parameters to store in clear. Raises `UsageError` for one that no dialect has."""
    known = [param.name for dialect in dialects for param in dialect.params]
    names = named(text)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"unknown parameter {', '.join(map(repr, unknown))} for --clear: "
            f"choose from {', '.join(known)}"
        )
    return frozenset(names)


def field_name(text: str | None) -> str | None:
    """A header's name in lower case. Raises `UsageError` for what can be none."""
    if text is not None and not _FIELD_NAME.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is no name of a header, e.g. X-Device-Id")
    return text.strip().lower() if text is not None else None


def chosen(text: str) -> tuple[Dialect, ...]:
    """The dialects of those names. Raises `UsageError` for an unknown one."""
    return select(text)
