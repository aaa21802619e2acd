"""What says who talks to whom, and how long news travels: origins and the grace period.

Enters: plain values, so that judges of single exchanges and of frames call them the same. Leaves:
an origin's text; microseconds.
"""

from typing import Final

from statetrail.dialects.cookies.scope import site
from statetrail.errors import UsageError

DEFAULT_GRACE_MS: Final = 250


def grace_us(grace_ms: float) -> int:
    """A grace period in microseconds. Raises `UsageError` for one that makes no sense."""
    if not 0 <= grace_ms <= 3_600_000:
        raise UsageError(f"a grace period of {grace_ms} ms makes no sense: 0 to 3600000")
    return round(grace_ms * 1000)


def origin(scheme: str, host: str, port: int) -> str:
    """One origin as RFC 6454 writes it, as `statetrail.recording.origins.origin_expression` does.

    >>> origin("https", "shop.example", 443), origin("http", "::1", 8080)
    ('https://shop.example', 'http://[::1]:8080')
    """
    bare = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    return bare if (scheme, port) in (("http", 80), ("https", 443)) else f"{bare}:{port}"


def site_of(origin: str) -> str:
    """The site of an origin, without its scheme and port, which separate no cookies.

    >>> site_of("https://www.shop.co.uk:8443"), site_of("http://127.0.0.1:80")
    ('shop.co.uk', '127.0.0.1')
    """
    host = origin.partition("://")[2]
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal():
        host = name
    return site(host.strip("[]"))
