"""A jar kept by the rules of `statetrail.dialects.cookies`, by a client that knows its clock.

Enters: responses' ``Set-Cookie`` fields and requests. Leaves: the ``Cookie`` field that is due.
What the rules leave open (no clock, no partition, no context on the wire) is known here, and
decided as Chromium does.
"""

from dataclasses import dataclass

from statetrail.dialects.cookies import store
from statetrail.dialects.cookies.request import Request
from statetrail.dialects.cookies.retrieval import obligation
from statetrail.dialects.cookies.set_cookie import SetCookie, parse
from statetrail.dialects.cookies.store import Identity, StoredCookie

SECOND = 1_000_000


@dataclass(frozen=True)
class JarCookie:
    """A cookie of the jar, with what the rules do not need."""

    stored: StoredCookie
    value: str
    created: int
    ends_us: int | None
    end_unclear: bool


class Jar:
    """A store of cookies.

    A new value keeps the time of creation (5.7, step 23), but `as_chromium`.
    """

    def __init__(self, *, as_chromium: bool = False) -> None:
        self._as_chromium = as_chromium
        self.cookies: dict[tuple[Identity, str | None], JarCookie] = {}
        self._created = 0

    def receive(
        self,
        request: Request,
        fields: list[str],
        *,
        now_us: int,
        date_us: int | None,
        partition: str | None = None,
    ) -> None:
        """Take the cookies of a response."""
        for field in fields:
            cookie = parse(field)
            if cookie is None or store.refusal(cookie, request) is not None:
                continue
            others = [kept.stored for kept in self._alive(now_us).values()]
            if store.ignored(cookie, request, others) is None:
                self._keep(cookie, request, now_us, date_us, partition)

    def _keep(
        self,
        cookie: SetCookie,
        request: Request,
        now_us: int,
        date_us: int | None,
        partition: str | None,
    ) -> None:
        stored = store.store(cookie, request)
        key = stored.identity, partition if cookie.partitioned else None
        ends_us = store.lifetime(
            cookie,
            response_start_us=now_us,
            response_end_us=now_us,
            date_us=now_us if date_us is None else date_us,
        ).ends_us
        old = self.cookies.pop(key, None)
        if ends_us is not None and ends_us <= now_us:
            return
        self._created += 1
        created = self._created
        if old is not None and (old.value == cookie.value or not self._as_chromium):
            created = old.created
        self.cookies[key] = JarCookie(
            stored, cookie.value, created, ends_us, cookie.lifetime_unclear
        )

    def header(self, request: Request, *, now_us: int, partition: str | None = None) -> str:
        """The cookies that the request carries, in their order (5.8.3, step 2)."""
        found = [
            kept
            for (_, of), kept in self._alive(now_us).items()
            if _is_sent(kept.stored, request) and of in (None, partition)
        ]
        found.sort(key=lambda kept: (-len(kept.stored.identity.path), kept.created))
        return "; ".join(
            f"{kept.stored.identity.name}={kept.value}" if kept.stored.identity.name else kept.value
            for kept in found
        )

    def _alive(self, now_us: int) -> dict[tuple[Identity, str | None], JarCookie]:
        return {
            key: kept
            for key, kept in self.cookies.items()
            if kept.ends_us is None or kept.ends_us > now_us
        }


def _is_sent(cookie: StoredCookie, request: Request) -> bool:
    sending, reason = obligation(cookie, request)
    if sending != "unknown":
        return sending == "due"
    # Chromium sends ``Secure`` cookies to this machine, and those without ``SameSite`` with a form
    # of another site for two minutes.
    return reason in ("loopback", "lax-allowing-unsafe", "partitioned")
