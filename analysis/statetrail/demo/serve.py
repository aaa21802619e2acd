"""Serve a reference origin: ``python -m statetrail.demo.serve zest --port 0 --set idle_s=4``.

Enters: which origin, its settings, a port (0: any free one). Leaves: one JSON line on stdout,
``{"origin": "zest", "port": 40123}``, once connections are accepted. Serves until it is terminated,
or with ``--until-eof`` until its standard input ends, so that it never outlives its parent.
`serving` is the parent's side.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette

from statetrail.demo.origins.eseller import EsellerSettings, eseller_app
from statetrail.demo.origins.zest import ZestSettings, zest_app
from statetrail.demo.secrets_file import SecretsFile, forget
from statetrail.errors import StatetrailError
from statetrail.proxy.processes import START_S, end_process, last_line

ORIGINS: Final[dict[str, tuple[type, Callable[..., Starlette]]]] = {
    "zest": (ZestSettings, zest_app),
    "52eseller": (EsellerSettings, eseller_app),
}
"""Each origin's settings and its application."""


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback address."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(256)
    return sock


async def serve_app(app: Any, sock: socket.socket, stop: asyncio.Event) -> None:
    """Serve an ASGI application until `stop` is set. The server takes over the socket."""
    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 1.0
    # Clients of the demo may be silent for long; a closed connection is no part of the protocol.
    config.keep_alive_timeout = 600.0
    await serve(app, config, shutdown_trigger=stop.wait)


async def _run(app: Starlette, sock: socket.socket, *, until_eof: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ended() -> None:
        loop.remove_reader(sys.stdin)
        stop.set()

    if until_eof:
        # The parent writes nothing: a pipe that can be read has ended.
        loop.add_reader(sys.stdin, ended)
    await serve_app(app, sock, stop)


@asynccontextmanager
async def serving(
    name: str, settings: Mapping[str, object], secrets: Path, log: Path
) -> AsyncIterator[int]:
    """A reference origin as a subprocess, which appends to `secrets` and `log`. Yields its port."""
    options = [option for key, value in settings.items() for option in ("--set", f"{key}={value}")]
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "statetrail.demo.serve", name, "--until-eof"),
            *("--secrets", str(secrets), *options),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_S)
            port = int(json.loads(line)["port"])
        except (TimeoutError, ValueError) as error:
            raise StatetrailError(f"the {name} origin did not start: {last_line(log)}") from error
        yield port
    finally:
        await end_process(process)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped. Returns 0, or 2 for an invalid setting."""
    parser = argparse.ArgumentParser(prog="python -m statetrail.demo.serve", description=__doc__)
    parser.add_argument("origin", choices=sorted(ORIGINS))
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--secrets", type=Path, help="append every secret to this file")
    parser.add_argument("--until-eof", action="store_true", help="stop when stdin ends")
    args = parser.parse_args(arguments)
    options = dict(setting.partition("=")[::2] for setting in args.set)
    try:
        remember = SecretsFile(args.secrets) if args.secrets else forget
        settings, make_app = ORIGINS[args.origin]
        app = make_app(msgspec.convert(options, settings, strict=False), remember=remember)
        sock = listen(args.port)
    except (msgspec.ValidationError, OSError) as error:
        print(f"{args.origin} cannot be served: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"origin": args.origin, "port": sock.getsockname()[1]}), flush=True)
    asyncio.run(_run(app, sock, until_eof=args.until_eof))
    return 0


if __name__ == "__main__":
    sys.exit(main())
