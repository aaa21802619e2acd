"""What a request says of its context: whether it is cross-site, RFC 6265bis section 5.2.

Enters: target and Fetch Metadata of a request. Leaves: a `Context`. Where the fields are missing
(clients that are no browsers, and browsers over plain http) the context is not known.
"""

from typing import Final, Literal

import msgspec

type Context = Literal["same-site", "top-level", "cross-site", "third-party", "unknown"]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a request that decide about cookies.

    Attributes
    ----------
    host
        Canonical (`scope.canonical_host`).
    path
        As it stands in the target, percent-encoded.
    secure
        Whether it went over TLS.
    fetch_site, fetch_mode, fetch_dest, storage_access
        ``Sec-Fetch-Site``, ``-Mode``, ``-Dest`` and ``Sec-Fetch-Storage-Access``; `None`: absent.
    """

    host: str
    path: str
    secure: bool
    method: str = "GET"
    fetch_site: str | None = None
    fetch_mode: str | None = None
    fetch_dest: str | None = None
    storage_access: str | None = None

    @property
    def safe(self) -> bool:
        """Whether the method is safe (RFC 9110, section 9.2.1)."""
        return self.method in _SAFE

    @property
    def navigates(self) -> bool:
        """Whether it loads a document into a window or tab, and not into a frame."""
        return self.fetch_mode == "navigate" and self.fetch_dest == "document"


def context(request: Request) -> Context:
    """The context of a request.

    ``same-site``
        All cookies in scope are sent.
    ``top-level``
        A navigation that another site began.
    ``cross-site``
        Another site asks, and may use the cookies of this one (``SameSite=None``).
    ``third-party``
        Another site asks, and the user agent keeps cookies from it, or may do so: without
        ``Sec-Fetch-Storage-Access: active`` nothing says that it has access.
    ``unknown``
        No Fetch Metadata.

    ``Sec-Fetch-Storage-Access`` is sent in the frames of another site too, where
    ``Sec-Fetch-Site`` is ``same-origin``.
    """
    if request.storage_access is not None:
        return "cross-site" if request.storage_access == "active" else "third-party"
    if request.fetch_site is None:
        return "unknown"
    if request.fetch_site != "cross-site":
        return "same-site"
    return "top-level" if request.navigates else "third-party"
