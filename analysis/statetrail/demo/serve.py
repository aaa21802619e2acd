"""Serve a reference origin: ``python -m statetrail.demo.serve zest --port 0 --set idle_s=4``.

Enters: which origin, its settings, a port (0: any free one). Leaves: one JSON line on stdout,
``{"origin": "zest", "port": 40123}``, once connections are accepted. Serves until it is terminated,
or with ``--until-eof`` until its standard input ends, so that it never outlives its parent.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette

from statetrail.demo.eseller_origin import EsellerSettings, eseller_app
from statetrail.demo.secrets_file import Remember, SecretsFile, forget
from statetrail.demo.zest_origin import ZestSettings, zest_app


def _zest(options: dict[str, str], remember: Remember) -> Starlette:
    return zest_app(msgspec.convert(options, ZestSettings, strict=False), remember=remember)


def _eseller(options: dict[str, str], remember: Remember) -> Starlette:
    return eseller_app(msgspec.convert(options, EsellerSettings, strict=False), remember=remember)


ORIGINS: Final[dict[str, Callable[[dict[str, str], Remember], Starlette]]] = {
    "zest": _zest,
    "52eseller": _eseller,
}


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback address."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(256)
    return sock


async def serve_app(app: Any, sock: socket.socket, stop: asyncio.Event) -> None:
    """Serve an ASGI application until `stop` is set. The socket is the server's from here on."""
    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 1.0
    # A client of ours may be silent for long: the origin's own patience is no part of the protocol.
    config.keep_alive_timeout = 600.0
    await serve(app, config, shutdown_trigger=stop.wait)


async def _eof(loop: asyncio.AbstractEventLoop) -> None:
    """Return when standard input ends."""
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def _run(app: Starlette, sock: socket.socket, *, until_eof: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        ending = asyncio.ensure_future(_eof(loop))
        ending.add_done_callback(lambda _: stop.set())
    await serve_app(app, sock, stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop. Returns 0, or 2 where a setting makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m statetrail.demo.serve", description=__doc__)
    parser.add_argument("origin", choices=sorted(ORIGINS))
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--secrets", type=Path, help="append every secret to this file")
    parser.add_argument("--until-eof", action="store_true", help="stop when stdin ends")
    chosen = parser.parse_args(arguments)
    options = dict(setting.partition("=")[::2] for setting in chosen.set)
    try:
        remember = SecretsFile(chosen.secrets) if chosen.secrets else forget
        app = ORIGINS[chosen.origin](options, remember)
        sock = listen(chosen.port)
    except (msgspec.ValidationError, OSError) as error:
        print(f"{chosen.origin} cannot be served: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"origin": chosen.origin, "port": sock.getsockname()[1]}), flush=True)
    asyncio.run(_run(app, sock, until_eof=chosen.until_eof))
    return 0


if __name__ == "__main__":
    sys.exit(main())
