"""`statetrail redact`: a capture's copy without its secrets."""

import os
from pathlib import Path
from typing import Annotated

from statetrail.cli.options import Dialects, argument, option
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail redact traffic.flows --out shared.flows

statetrail redact shop.har --out shop-redacted.har --bodies"""


def command(
    capture: Annotated[
        Path,
        argument(
            "CAPTURE",
            "A capture that `statetrail import` reads; its copy is a flow file, a HAR, or a zip "
            "file of them.",
        ),
    ],
    out: Annotated[Path, option("--out FILE", "The copy; must be new.")],
    bodies: Annotated[
        bool,
        option(
            "--bodies",
            "Keep the structure of JSON, XML and form bodies; their values are replaced.",
        ),
    ] = False,
    dialects: Dialects = "all",
    key: Annotated[
        Path | None,
        option(
            "--key FILE",
            "Key file of a store, for the pseudonyms. Default: a new key that is not kept.",
        ),
    ] = None,
) -> None:
    """Write a copy of a capture without its secrets.

    What stays is listed: times, sizes, methods, statuses, hosts and masked paths, header fields
    without secrets, and the state of the dialects by pseudonyms of the same form, so that an audit
    of the copy gives the same results. State in pages, paths and redirections is left out, and so
    is everything else, bodies too. Then the copy is searched
    for every secret of the original, in many encodings; if one is there, no copy is left. With the
    same --key several captures get the same pseudonyms.
    """
    from statetrail.cli.output.files import check_outputs
    from statetrail.cli.output.terminal import say, stdout
    from statetrail.dialects import select
    from statetrail.ingest.redact.run import redact
    from statetrail.store.keys import read_key

    check_outputs((out,), (capture,))
    if out.exists():
        raise UsageError(f"{out} exists: name a new file")
    secret = read_key(key) if key is not None else os.urandom(32)
    copied = redact(capture, out, select(dialects), secret, bodies=bodies)
    noun = "exchange" if copied.exchanges == 1 else "exchanges"
    stdout().write(f"{out}: {copied.exchanges:,} {noun}; none of {copied.secrets:,} secrets in it")
    if copied.problem:
        say(f"{capture}: {copied.problem}")
