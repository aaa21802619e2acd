"""`statetrail watch`: clients, their compliance and resets while a store is recorded."""

import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

from statetrail.cli import options
from statetrail.cli.options import argument, option
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail watch shop.sqlite

statetrail watch shop.sqlite --for 60s > events.txt"""


def command(
    store: Annotated[Path, argument("STORE", "A SQLite store, also one that is being recorded.")],
    client_by: options.ClientBy = None,
    grace: options.Grace = options.DEFAULT_GRACE,
    dialects: options.Dialects = "all",
    for_: Annotated[
        str | None, option("--for|--seconds TIME", "End after this time; by default at Ctrl-C.")
    ] = None,
    every: Annotated[str, option("--every TIME", "Polling interval.")] = "1s",
) -> None:
    """Show clients, their compliance and resets while a store is recorded, from another terminal.

    On a terminal a table is redrawn at each poll; in a pipe each fault and each change of state is
    one line. Nothing is written to the store or beside it. Clients, origins and faults are named
    and counted as in an audit.
    """
    from rich.live import Live

    from statetrail.cli.output.terminal import one_line, stdout
    from statetrail.cli.output.watching import Watch
    from statetrail.dialects import select
    from statetrail.store.file_header import check_store

    if store.is_dir():
        raise UsageError(f"{store} is a folder: watch the SQLite store that is being recorded")
    check_store(store, whole=True)
    watch = Watch(store, options.chosen(client_by), options.grace_ms(grace), select(dialects))
    console = stdout()
    pause_s = max(0.1, options.duration_s(every, "s"))
    lasts_s = options.duration_s(for_, "s") if for_ is not None else float("inf")
    end = time.monotonic() + lasts_s
    live = Live(watch.table(console.width), console=console, auto_refresh=False)

    def show(events: Iterable[str]) -> None:
        for line in events:
            if not console.is_terminal:
                print(one_line(line), flush=True)
        if console.is_terminal:
            live.update(watch.table(console.width), refresh=True)

    with live if console.is_terminal else nullcontext():
        with suppress(KeyboardInterrupt):
            while time.monotonic() < end:
                show(watch.poll())
                time.sleep(min(pause_s, max(0.0, end - time.monotonic())))
        show(watch.poll(final=True))
    if not console.is_terminal:
        print(one_line(watch.line()))
