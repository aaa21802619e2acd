"""The recorder's options: what they are, and whether they are the ones that were asked for.

Enters: mitmproxy's options. Leaves: `Settings`, or a sentence on what is wrong with them. mitmproxy
drops an option that it does not know, and an addon one of whose options was given twice, without a
word; and its configuration file takes precedence over its command line.
"""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mitmproxy.options import Options

from statetrail.errors import UsageError
from statetrail.proxy.mitmdump import ASKED
from statetrail.store.opening import Durability
from statetrail.store.rotation import StoreName, parse_size

OPTIONS = (
    (
        "statetrail_store",
        "statetrail.sqlite",
        "SQLite file to record into; with fields of the time (UTC), e.g. shop-%Y-%m-%d.sqlite.",
    ),
    (
        "statetrail_key",
        "",
        "Key file for the pseudonyms. Default: the one beside the store, or a new key.",
    ),
    (
        "statetrail_forget_key",
        "off",
        "on: the store's key is kept in memory only, and ends with the process.",
    ),
    ("statetrail_rotate", "", "Size from which on the next store is begun, e.g. 500m."),
    (
        "statetrail_durability",
        "normal",
        "normal: a kill loses nothing; full: nor does a power loss, but the disk is waited for.",
    ),
    (
        "statetrail_dialects",
        "all",
        "Dialects to look for, comma separated: names, TOML files, or 'all'.",
    ),
    ("statetrail_filter", "", "Record only the flows that match this filter expression."),
    (
        "statetrail_clear",
        "",
        "What is stored in clear: secret parameters; proxy-user, client-header, ids (short ones).",
    ),
    ("statetrail_client_header", "", "Request header that tells clients apart."),
    ("statetrail_live", "off", "on: judge clients while recording; mark their flows and warn."),
    (
        "statetrail_metrics",
        "",
        "HOST:PORT to serve Prometheus metrics at, e.g. 127.0.0.1:9464; needs the extra metrics.",
    ),
    (
        "statetrail_otel",
        "off",
        "on: send OpenTelemetry events of sessions, as OTEL_* say; needs the extra otel.",
    ),
    (
        "statetrail_waiting",
        "50000",
        "Exchanges and values that wait in memory while the store cannot be written.",
    ),
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is recorded into, and how."""

    name: StoreName
    key: Path | None
    keep_key: bool
    durability: Durability
    max_waiting: int


def target_of(options: Options) -> Target:
    """The store that the options name. Raises `UsageError`."""
    name = StoreName(
        Path(options.statetrail_store).expanduser(), parse_size(options.statetrail_rotate)
    )
    if (durability := options.statetrail_durability) not in ("normal", "full"):
        raise UsageError(f"{durability!r} is no statetrail_durability: use normal or full")
    if not (waiting := options.statetrail_waiting).isdecimal():
        raise UsageError(f"{waiting!r} is no number of exchanges for statetrail_waiting")
    for switch in ("statetrail_live", "statetrail_forget_key", "statetrail_otel"):
        if (value := getattr(options, switch)) not in ("on", "off"):
            raise UsageError(f"{value!r} is no {switch}: use on or off")
    keep_key = options.statetrail_forget_key == "off"
    if name.changes and not keep_key:
        raise UsageError("a key is forgotten with one store: leave rotation and fields out")
    return Target(
        name=name,
        key=Path(options.statetrail_key).expanduser() if options.statetrail_key else None,
        keep_key=keep_key,
        durability=cast("Durability", durability),
        max_waiting=int(waiting),
    )


def requested() -> Mapping[str, str]:
    """The options that `statetrail record` set; none, if mitmdump was not started by it."""
    return cast("Mapping[str, str]", json.loads(os.environ.get(ASKED, "{}")))


def is_monitored(options: Options) -> bool:
    """Whether sessions and verdicts are counted for monitoring."""
    return bool(options.statetrail_metrics) or options.statetrail_otel == "on"


def unusable(options: Options) -> str | None:
    """Why the options that were given cannot be used; they are not yet the recorder's."""
    known = [name for name, _, _ in OPTIONS]
    for name, value in options.deferred.items():
        if name.startswith("statetrail") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            return f"{name} is no option of the recorder: {hint}"
        if name in known and len(getattr(value, "val", [value])) != 1:
            return f"{name} has to be given once, with a value"
    return None


def overridden(options: Options) -> str | None:
    """Which option is not the one that `statetrail record` set."""
    for name, value in requested().items():
        if (actual := str(getattr(options, name, None))) != value:
            return (
                f"{name} is {actual!r}, but {value!r} was asked for: leave it out of mitmproxy's "
                "arguments and of its config.yaml"
            )
    return None
