"""`statetrail suggest`: a dialect of your own, from what goes back and forth in captures."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from statetrail.cli.options import argument, option

NOTHING: Final = 1
"""The exit code if there is nothing to suggest."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")

EXAMPLES = """[b]Examples[/b]

statetrail suggest traffic.flows

statetrail suggest monday.har tuesday.har --out shop.toml

statetrail import monday.har --store shop.sqlite --dialects shop.toml"""


def command(
    captures: Annotated[
        list[Path],
        argument(
            "CAPTURE",
            "Captures that `statetrail import` reads, with bodies, cookies and "
            "credentials; best of several clients.",
        ),
    ],
    out: Annotated[
        Path | None,
        option("--out FILE", "The dialect's TOML file. Default: standard output."),
    ] = None,
) -> None:
    """Suggest a dialect from captures: which values go back and forth, and where.

    A value that a client presents, and that was issued to it before, may be state. What is a list,
    an echo, a cursor, a correlation id, a constant or a file's version is left out. Each proposal
    is a parameter in TOML, with its evidence as comments and never with a value. Read it, mend it,
    then use it: --dialects FILE. Cookies that come back as cookies are not suggested.

    Exit code 0: something is suggested; 1: nothing is; 2: misuse, or a file that is no capture.
    """
    from statetrail.cli.output.files import check_outputs, write_file
    from statetrail.cli.output.terminal import progress, say, stdout
    from statetrail.suggest import dialect_toml, suggest

    check_outputs((out,), captures)
    with progress() as bar:
        task = bar.add_task("")

        def report(path: Path, read: int, size: int) -> None:
            bar.update(task, description=path.name[:40], completed=read, total=size)

        found = suggest(captures, report)
    for path, problem in found.problems:
        say(f"{path}: {problem}")
    for path in found.sanitised:
        say(
            f"{path}: no entry has a cookie or a credential: a browser leaves them out of a "
            'sanitised export; export it "with sensitive data" to see state that is in them'
        )
    read = f"{found.exchanges:,} exchange{'' if found.exchanges == 1 else 's'}"
    if found.hidden:
        say(f"{found.hidden:,} pairs of places are left out: their names may hold a secret")
    if not found.proposals:
        say(
            f"nothing to suggest: in {read} no value that a client presents was issued to it "
            "before, or it is no state (see the page on suggesting a dialect)"
        )
        raise typer.Exit(NOTHING)
    name = out.stem if out is not None and _NAME.fullmatch(out.stem) else "suggested"
    clients = f"{found.clients:,} client{'' if found.clients == 1 else 's'}"
    note = (
        f"Suggested from {read} of {clients}. Read it before use: what is state, what is required, "
        "and what replaces what, traffic alone cannot tell for certain."
    )
    text = dialect_toml(name, found.proposals, [note])
    if out is None:
        console = stdout()
        for line in text.splitlines():
            console.write(line)
        return
    write_file(out, text)
    count = len(found.proposals)
    stdout().write(f"wrote {out}: {count:,} parameter{'' if count == 1 else 's'} from {read}")
