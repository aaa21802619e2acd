"""`statetrail verify`: that no secret of a capture is in what is passed on."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from statetrail.cli.options import Dialects, argument, option
from statetrail.errors import UsageError

FOUND: Final = 1
"""The exit code if a secret is found."""
SHOWN: Final = 20

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail verify audit.html audit.json --capture traffic.flows

statetrail verify handover.zip notebooks/ --capture shop.sqlite --key shop.sqlite.key"""


def command(
    artefacts: Annotated[
        list[Path],
        argument(
            "ARTEFACT",
            "Files of any kind, and folders: reports, tables, stores, datasets, redacted copies, "
            "notebooks, logs, zip and gzip files with any of them.",
        ),
    ],
    capture: Annotated[
        list[Path] | None,
        option(
            "--capture FILE",
            "What knows the secrets: captures, or stores and datasets, of which the key "
            "is needed. May be repeated. Default: the stores among the artefacts.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        option("--key FILE", "Key file of the stores. Default: FILE.key beside each store."),
    ] = None,
    dialects: Dialects = "all",
) -> None:
    """Search artefacts for the secrets that a capture knew.

    Exit code 0: none is there; 1: one is found, and its place is printed, never its value; 2:
    misuse, or a file that cannot be read to its end. Secrets are the values of state and what looks
    like a token in targets and header fields, looked for in many encodings (percent-encoding,
    escapes, base64, hexadecimal), in packed files and in columns, too.

    Of a store only fingerprints are known: with its key, what looks like a token in an artefact is
    fingerprinted and compared. Values that are plain words, short (under 10 characters) or numbers
    cannot be distinguished from ordinary text, and are not looked for.
    """
    from statetrail.cli.output.terminal import say, stdout
    from statetrail.dialects import select
    from statetrail.ingest.artefacts import artefact_files
    from statetrail.ingest.verify import finders, is_known_by_fingerprints, leaks

    capture = capture or [each for each in artefacts if is_known_by_fingerprints(each)]
    if not capture:
        raise UsageError(
            "name what knows the secrets with --capture: a capture, or a store", page="sharing"
        )
    files = list(artefact_files(artefacts))
    known = finders(capture, select(dialects), key)
    count = sum(len(finder) for finder in known)
    found = leaks(files, known)
    console, shown = stdout(), 0
    for leak in islice(found, SHOWN):
        shown += 1
        console.write(f"{leak.place}: a secret near byte {leak.offset:,}")
    if not shown:
        console.write(f"none of {count:,} secrets found")
        return
    more = sum(1 for _ in found)
    if more:
        console.write(f"  … and {more:,} more places")
    say(f"secrets of {', '.join(str(path) for path in capture)} are in these files")
    raise typer.Exit(FOUND)
