"""Which stored cookies a request has to carry, RFC 6265bis section 5.8.3.

Enters: a stored cookie that has not ended, and a request. Leaves: whether it is due there. The
answer is for a request that carries a ``Cookie`` field at all: a user agent may leave it out
(section 5.8.1).
"""

from typing import Literal, NamedTuple

from statetrail.dialects.cookies.request import Request, context
from statetrail.dialects.cookies.scope import domain_match, is_loopback, path_match
from statetrail.dialects.cookies.store import StoredCookie


class Obligation(NamedTuple):
    """Whether a cookie is to be sent, and why it is not, or not certain to be.

    Reasons ``domain``, ``path`` and ``secure``: no user agent sends it there. The others excuse its
    absence; they blame nobody who sends it.
    """

    sending: Literal["due", "not-due", "unknown"]
    reason: (
        Literal[
            "domain",
            "path",
            "secure",
            "loopback",
            "partitioned",
            "cross-site",
            "third-party",
            "lax-allowing-unsafe",
            "unknown-context",
        ]
        | None
    ) = None


DUE = Obligation("due")


def obligation(cookie: StoredCookie, request: Request) -> Obligation:
    """Whether the request has to carry the cookie (5.8.3, step 1).

    Ports never separate. Not judged are a request without Fetch Metadata, a partitioned cookie (its
    partition is not on the wire), ``Secure`` over plain http to this machine, and a cookie without
    ``SameSite`` that another site has a form sent with (5.6.7.2).
    """
    identity = cookie.identity
    if identity.host_only:
        inside = request.host == identity.domain
    else:
        inside = domain_match(request.host, identity.domain)
    if not inside:
        return Obligation("not-due", "domain")
    if not path_match(request.path, identity.path):
        return Obligation("not-due", "path")
    insecure = cookie.secure and not request.secure
    if insecure and not is_loopback(request.host):
        return Obligation("not-due", "secure")
    match context(request):
        case "unknown":
            return Obligation("unknown", "unknown-context")
        case "third-party" if not identity.partitioned:
            return Obligation("not-due", "third-party")
        case "cross-site" | "third-party" if cookie.same_site != "none":
            return Obligation("not-due", "cross-site")
        case "top-level" if cookie.same_site == "strict":
            return Obligation("not-due", "cross-site")
        case "top-level" if cookie.same_site == "lax" and not request.safe:
            return Obligation("not-due", "cross-site")
        case "top-level" if cookie.same_site is None and not request.safe:
            return Obligation("unknown", "lax-allowing-unsafe")
    if identity.partitioned:
        return Obligation("unknown", "partitioned")
    return Obligation("unknown", "loopback") if insecure else DUE
