"""An address to listen at, as an option names it."""

import re
import socket
from typing import Final

from statetrail.errors import UsageError

_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s\[\]:/]+)):([0-9]{1,5})")


def listen_address(text: str, option: str) -> tuple[str, int]:
    """The host and the port of ``HOST:PORT``. Raises `UsageError`.

    >>> listen_address("127.0.0.1:9464", "--metrics"), listen_address("[::1]:9464", "--metrics")
    (('127.0.0.1', 9464), ('::1', 9464))
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match[3]) < 65_536:
        raise UsageError(f"{text!r} is no address for {option}: write it as 127.0.0.1:9464")
    return match[1] or match[2], int(match[3])


def check_free(host: str, port: int) -> None:
    """Raise `UsageError` if nothing can listen at an address now."""
    try:
        with listening_socket(host, port):
            pass
    except OSError as error:
        raise UsageError(unusable(host, port, error)) from None


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address. Raises `OSError`."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


def unusable(host: str, port: int, error: OSError) -> str:
    """What is wrong with an address, in a sentence."""
    reason = error.strerror or type(error).__name__
    return f"metrics cannot be served at {host}:{port} ({reason}): choose another address"
