"""`statetrail record`: mitmdump with the recorder."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.cli import options
from statetrail.cli.options import argument, option
from statetrail.dialects import select
from statetrail.errors import UsageError
from statetrail.proxy.mitmdump import PRIVATE_LOG, recorder_command
from statetrail.proxy.processes import run_forwarding

if TYPE_CHECKING:
    from statetrail.store import StoreName

EXAMPLES = """[b]Examples[/b]

statetrail record --store shop.sqlite

statetrail record -- --mode reverse:https://shop.example --listen-port 8081

statetrail record --filter "~d shop.example" -- -w traffic.flows

statetrail record --store shop-%Y-%m-%d.sqlite --rotate 500m"""

_STREAM_FROM = "1m"
"""Size from which bodies are streamed."""


def command(
    store: options.Store = options.DEFAULT_STORE,
    client_header: options.ClientHeader = None,
    clear: options.Clear = "",
    filter_: Annotated[
        str, option("--filter EXPR", "Record only flows that match (mitmproxy's syntax).")
    ] = "",
    dialects: options.Dialects = "all",
    key: options.Key = None,
    forget_key: options.ForgetKey = False,
    rotate: Annotated[
        str, option("--rotate SIZE", "Begin a new store when one has reached this size, e.g. 500m.")
    ] = "",
    durability: Annotated[
        Literal["normal", "full"],
        option("--durability", "full: a power loss loses nothing either, but commits take longer."),
    ] = "normal",
    live: Annotated[
        bool, option("--live", "Judge clients while recording, and warn about their faults.")
    ] = False,
    mitmdump_args: Annotated[
        list[str] | None, argument("MITMDUMP_ARGS", "After --: arguments for mitmdump.")
    ] = None,
) -> None:
    """Run mitmdump with the recorder.

    Every exchange is in the store before its response is released. The store can be audited while
    it is being recorded. A --store with fields of the time (UTC), e.g. shop-%Y-%m-%d.sqlite, begins
    a new file with each period; all have the same key, and every command takes several of them.

    Bodies above 1 MB or of unknown length are streamed, not buffered; an option after -- takes
    precedence, e.g. --set stream_large_bodies=10m.
    """
    from statetrail.cli.output.terminal import say
    from statetrail.store import StoreName, parse_size

    selection = select(dialects)
    params, header = options.cleared(clear, selection), options.field_name(client_header)
    _check_filter(filter_)
    settings = {
        "statetrail_store": str(store.absolute()),
        "statetrail_dialects": dialects,
        "statetrail_filter": filter_,
        "statetrail_clear": ",".join(sorted(params)),
        "statetrail_client_header": header or "",
        "statetrail_rotate": rotate,
        "statetrail_live": "on" if live else "off",
        "statetrail_durability": durability,
    }
    defaults = {"stream_large_bodies": _STREAM_FROM, **PRIVATE_LOG}
    given = " ".join(mitmdump_args or ())
    settings |= {name: value for name, value in defaults.items() if name not in given}
    command = recorder_command(settings, mitmdump_args or ())
    name = StoreName(store, parse_size(rotate))
    if forget_key and name.changes:
        raise UsageError("--forget-key goes with one store: leave --rotate and the fields out")
    _prepare(name, key)
    say(f"recording into {store}; see it with: statetrail audit {store}")
    sys.stdout.flush()
    sys.stderr.flush()
    if not forget_key:
        os.execv(command[0], command)  # noqa: S606 - no shell, our own program
    try:
        code = run_forwarding(command)
    finally:
        from statetrail.store import forget_key as forget

        forget(store)
    raise typer.Exit(code)


def _check_filter(expression: str) -> None:
    if expression:
        from mitmproxy import flowfilter

        try:
            flowfilter.parse(expression)
        except ValueError:
            raise UsageError(
                f"{expression!r} is no filter expression of mitmproxy, e.g. ~d shop.example"
            ) from None


def _prepare(name: "StoreName", key: Path | None) -> None:
    """Create the store with its key beside it, or raise `StatetrailError`."""
    from statetrail.store import SqliteStore, key_path
    from statetrail.store.keys import read_key, write_key

    store = name.at(time.time())
    beside = key_path(store)
    if key is not None and beside.exists() and read_key(beside) != read_key(key):
        raise UsageError(f"{beside} is another key than {key}: name another store")
    if key is None and not beside.exists() and (newest := name.newest()) is not None:
        key = key_path(newest)
    SqliteStore.create_or_open(store, key=key).close()
    if key is not None and not beside.exists():
        write_key(beside, read_key(key))
