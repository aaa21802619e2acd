"""`statetrail record`: mitmdump with the recorder."""

import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from statetrail.cli import options
from statetrail.cli.options import argument, option
from statetrail.errors import UsageError

if TYPE_CHECKING:
    from statetrail.store.rotation import StoreName

EXAMPLES = """[b]Examples[/b]

statetrail record --store shop.sqlite

statetrail record -- --mode reverse:https://shop.example --listen-port 8081

statetrail record --filter "~d shop.example" -- -w traffic.flows

statetrail record --store shop-%Y-%m-%d.sqlite --rotate 500m

statetrail record --metrics 127.0.0.1:9464 -- --mode reverse:https://shop.example"""

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
    metrics: Annotated[
        str,
        option(
            "--metrics HOST:PORT",
            "Serve Prometheus metrics there, e.g. at 127.0.0.1:9464; needs the extra metrics.",
        ),
    ] = "",
    otel: Annotated[
        bool,
        option(
            "--otel",
            "Send the start and end of sessions as OpenTelemetry events, as the variables OTEL_* "
            "say; needs the extra otel.",
        ),
    ] = False,
    mitmdump_args: Annotated[
        list[str] | None, argument("MITMDUMP_ARGS", "After --: arguments for mitmdump.")
    ] = None,
) -> None:
    """Run mitmdump with the recorder.

    Every exchange is in the store before its response is released. The store can be audited while
    it is being recorded. A --store with fields of the time (UTC), e.g. shop-%Y-%m-%d.sqlite, begins
    a new file with each period; all have the same key, and every command takes several of them.

    Bodies above 1 MB are streamed, not buffered, by mitmproxy's own rules; an option after -- takes
    precedence, e.g. --set stream_large_bodies=10m.
    """
    from statetrail.cli.output.terminal import say
    from statetrail.dialects import select
    from statetrail.proxy.mitmdump import ASKED, PRIVATE_LOG, recorder_command
    from statetrail.store.opening import check_target
    from statetrail.store.rotation import StoreName, parse_size

    selection = select(dialects)
    params, header = options.cleared(clear, selection), options.field_name(client_header)
    _check_filter(filter_)
    _check_metrics(metrics)
    if otel:
        import_module("opentelemetry.exporter.otlp.proto.http")
    given = mitmdump_args or []
    if given and given[0].endswith(".sqlite"):
        raise UsageError(f"{given[0]} is no option of mitmdump: name the store by --store")
    if twice := [each for each in given if each.startswith("statetrail_")]:
        raise UsageError(f"{twice[0].partition('=')[0]} after --: use an option of record instead")
    _check_authority(given)
    name = StoreName(store.absolute(), parse_size(rotate))
    if forget_key and name.changes:
        raise UsageError("--forget-key goes with one store: leave --rotate and the fields out")
    settings = {
        "statetrail_store": str(name.pattern),
        "statetrail_key": str(key.absolute()) if key is not None else "",
        "statetrail_forget_key": "on" if forget_key else "off",
        "statetrail_dialects": dialects,
        "statetrail_filter": filter_,
        "statetrail_clear": ",".join(sorted(params)),
        "statetrail_client_header": header or "",
        "statetrail_rotate": rotate,
        "statetrail_live": "on" if live else "off",
        "statetrail_durability": durability,
        "statetrail_metrics": metrics,
        "statetrail_otel": "on" if otel else "off",
    }
    check_target(name.at(time.time()), key or _key_of_newest(name))
    defaults = {"stream_large_bodies": _STREAM_FROM, **PRIVATE_LOG}
    defaults = {name: value for name, value in defaults.items() if name not in " ".join(given)}
    command = recorder_command(settings | defaults, given)
    say(f"recording into {store}; see it with: statetrail audit {shlex.quote(str(store))}")
    sys.stdout.flush()
    sys.stderr.flush()
    # The recorder ends mitmdump if these are not its options, e.g. because of a config.yaml.
    os.execve(command[0], command, os.environ | {ASKED: json.dumps(settings)})  # noqa: S606


def _check_filter(expression: str) -> None:
    if expression:
        from mitmproxy import flowfilter

        try:
            flowfilter.parse(expression)
        except ValueError:
            raise UsageError(
                f"{expression!r} is no filter expression of mitmproxy, e.g. ~d shop.example"
            ) from None


def _check_authority(given: Sequence[str]) -> None:
    """mitmproxy makes its certificate authority at the first start, or ends with a traceback."""
    named = [each.rpartition("confdir=")[2] for each in given if "confdir=" in each]
    folder = Path(named[-1] if named else "~/.mitmproxy")
    folder = Path(os.path.expanduser(folder))  # of a user without a home: as it is
    if (folder / "mitmproxy-ca.pem").exists():
        return
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise UsageError(
            f"mitmproxy cannot make its certificate authority in {folder}: {there} cannot be "
            "written; name another folder after --: --set confdir=DIR",
            page="recorder",
        )


def _check_metrics(address: str) -> None:
    if address:
        from statetrail.proxy.address import check_free, listen_address

        place = listen_address(address, "--metrics")
        import_module("prometheus_client")
        check_free(*place)


def _key_of_newest(name: "StoreName") -> Path | None:
    """The key of the newest store of the name, which the next one shares."""
    from statetrail.store.keys import key_path

    return None if (newest := name.newest()) is None else key_path(newest)
