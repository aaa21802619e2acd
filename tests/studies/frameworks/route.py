"""A mitmproxy script: the hosts of the study lead to ports of the loopback address.

Enters: the environment variable `ROUTES`, JSON of ``host:port`` → port. Leaves: connections to
these ports; what is recorded keeps the host and the port that the client named. Everything else is
refused, so that no browser reaches out.
"""

import json
import os
from typing import Final

from mitmproxy.proxy.server_hooks import ServerConnectionHookData

ROUTES: Final = "STUDY_ROUTES"
_PORTS: Final[dict[str, int]] = json.loads(os.environ.get(ROUTES, "{}"))
_NAMED: Final[dict[str, tuple[str, int]]] = {}


def server_connect(data: ServerConnectionHookData) -> None:
    """Send a connection to the port of its host."""
    host, port = data.server.address or ("", 0)
    found = _PORTS.get(f"{host}:{port}")
    if found is None:
        data.server.error = "no host of this study"
    else:
        _NAMED[data.server.id] = (host, port)
        data.server.address = ("127.0.0.1", found)


def server_connected(data: ServerConnectionHookData) -> None:
    """Give the connection its name back: mitmproxy uses it again only under that.

    It opens five for a name at most. Its own setter refuses the address of an open connection.
    """
    vars(data.server)["address"] = _NAMED.pop(data.server.id)
