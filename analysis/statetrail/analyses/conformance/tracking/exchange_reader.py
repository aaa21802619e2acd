"""What one exchange says of the session keys and parameters of one dialect.

Enters: a completed exchange. Leaves: flags, and the keys that it presents and issues.
"""

from statetrail.analyses.conformance import verdict as v
from statetrail.analyses.conformance.transitions import Exchange
from statetrail.analyses.conformance.visibility import (
    CLIENT_ERROR,
    HEADER,
    IMPLICIT,
    UNBOUND_METHODS,
    URIQUERY,
    Issue,
    Presented,
    is_cross_origin,
    is_hidden,
)
from statetrail.dialects import Dialect


class ExchangeReader:
    """Reads exchanges as one dialect has them."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def binds(self, x: Exchange, issue: Issue) -> bool:
        """Whether the sender has to know the issue, if it arrives (L8)."""
        return issue.problem is None and x.binding and not self.hides(x, issue)

    def hides(self, x: Exchange, issue: Issue) -> bool:
        """Whether a browser keeps the issue from the page that made the request."""
        return issue.channel is not None and is_hidden(
            *(self.dialect, issue.param, issue.channel, x.exposed_headers),
            crosses=is_cross_origin(x.request_origin, x.origin),
            has_cookies=bool(x.has_cookies),
            headless=x.headless,
        )

    def begins(self, x: Exchange) -> bool:
        """Whether the response issues a key."""
        return any(self.names_key(i) for i in x.issued)

    def names_key(self, issue: Issue) -> bool:
        """Whether the issue can be read, and is of a key that clients present."""
        return (
            issue.param in self.dialect.session_keys
            and issue.problem is None
            and issue.usage != IMPLICIT
            and self.own(issue)
        )

    def answers(self, x: Exchange, p: Presented) -> tuple[bool, bool]:
        """Whether the response issues values of the parameter, and this one among them."""
        issued = {
            i.fingerprint
            for i in x.issued
            if i.param == p.param and i.problem is None and self.own(i)
        }
        return bool(issued), p.fingerprint in issued

    def refuses(self, x: Exchange) -> bool:
        """Whether the response refuses a key of the session."""
        return (x.status or 0) in self.dialect.refused and any(
            not self.answers(x, p)[0] for p in self.presented(x)
        )

    def logs_in(self, x: Exchange) -> bool:
        """Whether the exchange is a login, where that begins a session."""
        return self.dialect.begins_at_login and self.dialect.is_action("login", x.endpoint)

    def logs_out(self, x: Exchange) -> bool:
        """Whether the exchange is a logout that may have ended its session."""
        return (
            # Where nobody knows what came of it, the client has let the session go all the same.
            (x.status or 0) // 100 != CLIENT_ERROR
            and x.method not in UNBOUND_METHODS
            and self.dialect.is_action("logout", x.endpoint)
        )

    def need_not(self, x: Exchange, param: str, named: set[str], *, followed: bool) -> str | None:
        """Why the request need not present the parameter (L7); `named`: where it was asked for."""
        channels = {place.channel for place in self.dialect.presented_at(param)}
        channels &= named or channels
        reasons = {
            v.METHOD: x.method == "HEAD",
            v.HEALTH: self.dialect.is_action("health", x.endpoint),
            v.CANNOT_CARRY: x.headless and HEADER in channels,
            v.REDIRECTED: followed and URIQUERY in channels,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def malformed(self, x: Exchange) -> list[tuple[str, int]]:
        """Keys that the response issues in a form that cannot be read."""
        keys = self.dialect.session_keys
        return [
            (i.param, i.fingerprint)
            for i in x.issued
            if i.param in keys and i.problem is not None and self.own(i)
        ]

    def presented(self, x: Exchange) -> list[Presented]:
        """The values of session keys that the request presents, the key that decides in front."""
        return [
            p
            for key in self.dialect.session_keys
            for p in x.presented
            if p.param == key and p.kind == "value" and self.own(p)
        ]

    def own(self, shown: Issue | Presented) -> bool:
        """Whether the value is of the dialect."""
        return shown.dialect == self.dialect.name
