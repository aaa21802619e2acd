"""`statetrail redact`: a capture's copy without its secrets."""

import os
from pathlib import Path
from typing import Annotated

import typer

from statetrail.cli.options import Dialects, Key, chosen
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail redact traffic.flows --out shared.flows

statetrail redact shop.har --out shop-redacted.har"""


def command(
    capture: Annotated[
        Path, typer.Argument(metavar="FLOWS|HAR", help="A flow file or a HAR file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The copy; must be new.")],
    dialects: Dialects = "all",
    key: Key = None,
) -> None:
    """Write a copy of a capture in which every secret is replaced.

    Tokens, tickets, cookies, authorization and what looks like them become other texts of the same
    form, each the same everywhere, so that an audit of the copy says the same. Bodies that cannot
    be looked through (large or no text) are left out, and so are proxy passwords. With the same
    --key several captures get the same replacements.
    """
    from statetrail.cli.terminal import stdout, text
    from statetrail.ingest.redact import Redactor, redact_flows, redact_har
    from statetrail.store.keys import read_key

    if out.exists():
        raise UsageError(f"{out} exists: name a new file")
    redactor = Redactor(chosen(dialects), read_key(key) if key is not None else os.urandom(32))
    with capture.open("rb") as file:
        is_har = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    count = (redact_har if is_har else redact_flows)(capture, out, redactor)
    stdout().print(
        text(f"{out}: {count:,} exchanges, {redactor.secrets:,} different secrets replaced")
    )
