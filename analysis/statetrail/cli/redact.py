"""`statetrail redact`: a capture's copy without its secrets."""

import os
from pathlib import Path
from typing import Annotated

from statetrail.cli.options import Dialects, Key, argument, option
from statetrail.dialects import select
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail redact traffic.flows --out shared.flows

statetrail redact shop.har --out shop-redacted.har"""


def command(
    capture: Annotated[Path, argument("FLOWS|HAR", "A flow file or a HAR file.")],
    out: Annotated[Path, option("--out FILE", "The copy; must be new.")],
    dialects: Dialects = "all",
    key: Key = None,
) -> None:
    """Write a copy of a capture in which every secret is replaced.

    Tokens, tickets, cookies, authorization and values that look like them are replaced by texts of
    the same form, each the same everywhere, so that an audit of the copy gives the same results.
    Bodies that cannot be searched (large, or no text) and proxy passwords are left out. With the
    same --key several captures get the same replacements.
    """
    from statetrail.cli.output.terminal import stdout
    from statetrail.ingest.importer import capture_source
    from statetrail.ingest.redact import Redactor, redact_flows, redact_har
    from statetrail.store.keys import read_key

    if out.exists():
        raise UsageError(f"{out} exists: name a new file")
    redactor = Redactor(select(dialects), read_key(key) if key is not None else os.urandom(32))
    redact = redact_har if capture_source(capture) == "har" else redact_flows
    count = redact(capture, out, redactor)
    stdout().write(f"{out}: {count:,} exchanges, {redactor.secrets:,} different secrets replaced")
