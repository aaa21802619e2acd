"""`statetrail record`: mitmdump with the recorder."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.cli.options import (
    DEFAULT_STORE,
    Clear,
    ClientHeader,
    Dialects,
    ForgetKey,
    Key,
    Store,
    chosen,
    cleared,
    field_name,
)
from statetrail.errors import StatetrailError, UsageError

if TYPE_CHECKING:
    from statetrail.store import StoreName

EXAMPLES = """[b]Examples[/b]

statetrail record --store shop.sqlite

statetrail record -- --mode reverse:https://shop.example --listen-port 8081

statetrail record --filter "~d shop.example" -- -w traffic.flows

statetrail record --store shop-%Y-%m-%d.sqlite --rotate 500m"""

_STREAM_FROM = "1m"
"""Size of a body from which on it is streamed."""

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def command(
    store: Store = DEFAULT_STORE,
    client_header: ClientHeader = None,
    clear: Clear = "",
    filter_: Annotated[
        str,
        typer.Option(
            "--filter", metavar="EXPR", help="Record only flows that match (mitmproxy's syntax)."
        ),
    ] = "",
    dialects: Dialects = "all",
    key: Key = None,
    forget_key: ForgetKey = False,
    rotate: Annotated[
        str,
        typer.Option(
            "--rotate",
            metavar="SIZE",
            help="Begin the next store where one has reached that size, e.g. 500m.",
        ),
    ] = "",
    durability: Annotated[
        Literal["normal", "full"],
        typer.Option(
            "--durability", help="full: also a power loss loses nothing, at the price of time."
        ),
    ] = "normal",
    live: Annotated[
        bool,
        typer.Option("--live", help="Judge clients while recording, and warn of their faults."),
    ] = False,
    mitmdump_args: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MITMDUMP_ARGS", help="After --: passed on to mitmdump.", show_default=False
        ),
    ] = None,
) -> None:
    """Run mitmdump with the recorder.

    Every exchange is in the store before its response is released. The store can be audited while
    it is being recorded. A --store with fields of the time (UTC), e.g. shop-%Y-%m-%d.sqlite, begins
    a new file with each period; all have the same key, and every command takes several of them.

    Bodies above 1 MB or of unknown length are streamed, not buffered; what you say after -- wins,
    e.g. --set stream_large_bodies=10m.
    """
    from statetrail.cli.terminal import say
    from statetrail.store import StoreName, parse_size

    known = chosen(dialects)
    wanted, header = cleared(clear, known), field_name(client_header)
    _check_filter(filter_)
    settings = {
        "statetrail_store": str(store.absolute()),
        "statetrail_dialects": ",".join(dialect.name for dialect in known),
        "statetrail_filter": filter_,
        "statetrail_clear": ",".join(sorted(wanted)),
        "statetrail_client_header": header or "",
        "statetrail_rotate": rotate,
        "statetrail_live": "on" if live else "off",
        "statetrail_durability": durability,
    }
    # mitmproxy's own log would show every URL, and with it the tokens.
    usual = {"stream_large_bodies": _STREAM_FROM, "flow_detail": "0"}
    said = " ".join(mitmdump_args or ())
    settings |= {name: value for name, value in usual.items() if name not in said}
    arguments = ["-s", str(recorder()), *(mitmdump_args or [])]
    for name, value in settings.items():
        arguments += ["--set", f"{name}={value}"]
    place = StoreName(store, parse_size(rotate))
    if forget_key and place.changes:
        raise UsageError("--forget-key goes with one store: leave --rotate and the fields out")
    _prepare(place, key)
    say(f"recording into {store}; see it with: statetrail audit {store}")
    sys.stdout.flush()
    sys.stderr.flush()
    program = mitmdump()
    if not forget_key:
        os.execv(program[0], [*program, *arguments])  # noqa: S606 - no shell, our own program
    try:
        code = _run([*program, *arguments])
    finally:
        from statetrail.store import forget_key as forget

        forget(store)
    raise typer.Exit(code)


def recorder() -> Path:
    """The recorder's script. It is found, not imported: the library does not know the addons."""
    spec = importlib.util.find_spec("statetrail_addons")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        if (script := Path(folder) / "record_state.py").is_file():
            return script
    raise StatetrailError("the recorder is not installed with this statetrail: install it again")


def mitmdump() -> list[str]:
    """The command of this environment's mitmdump."""
    beside = Path(sys.executable).with_name("mitmdump")
    if os.access(beside, os.X_OK):
        return [str(beside)]
    return [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()"]


def _check_filter(expression: str) -> None:
    if expression:
        from mitmproxy import flowfilter

        try:
            flowfilter.parse(expression)
        except ValueError:
            raise UsageError(
                f"{expression!r} is no filter expression of mitmproxy, e.g. ~d shop.example"
            ) from None


def _prepare(place: "StoreName", key: Path | None) -> None:
    """Make the store now, or say why that cannot be; its key is beside it then."""
    from statetrail.store import SqliteStore, key_path
    from statetrail.store.keys import read_key, write_key

    store = place.at(time.time())
    beside = key_path(store)
    if key is not None and beside.exists() and read_key(beside) != read_key(key):
        raise UsageError(f"{beside} is another key than {key}: name another store")
    if key is None and not beside.exists() and (kin := place.kin()) is not None:
        key = key_path(kin)
    SqliteStore.create_or_open(store, key=key).close()
    if key is not None and not beside.exists():
        write_key(beside, read_key(key))


def _run(command: list[str]) -> int:
    """Run a program to its end, with the signals that are sent to us; its exit code."""
    children: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        children.append(subprocess.Popen(command))
        code = children[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
