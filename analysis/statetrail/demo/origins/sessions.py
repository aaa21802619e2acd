"""The sessions of the ZEST origin: which token is alive, and which token the response carries.

Enters: presented tokens and the time. Leaves: a `Session`, whose `token` the response carries.
Pure except for the random tokens: the clock is an argument.

Rules, the first match applies:

1. No token: no session. ``1``: a new session.
2. A token nobody issued, or one replaced more than `overlap_s` ago: a new session.
3. A session past its limits: it resets. State is lost, the token is replaced, and the old token
   leads to the session for another `overlap_s`, so that parallel requests share one session.
4. Policy ``per-request``: the token is replaced, state is kept, same overlap.
5. Otherwise the session lives on under its token.
"""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

type Policy = Literal["idle", "absolute", "both", "per-request"]

ESTABLISH: Final = "1"
_ALPHABET: Final = string.ascii_letters + string.digits


def new_token() -> str:
    """A token like the ones of the ZEST text: 15 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(15))


@dataclass(slots=True, eq=False)
class Session:
    """A session and its state. Times are seconds on the caller's clock."""

    token: str
    born_s: float
    used_s: float
    cart: dict[str, int] = field(default_factory=dict)
    user: str | None = None
    resets: int = 0


class SessionBook:
    """Every session of an origin.

    Parameters
    ----------
    policy
        What ends a session: ``idle`` time, ``absolute`` age, ``both``, or ``per-request``
        (each response replaces the token, nothing ends the session).
    idle_s, absolute_s
        The limits in seconds; a session resets when its idle time or age reaches them.
    overlap_s
        How long a replaced token still leads to its session.
    mint
        Makes tokens.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        idle_s: float,
        absolute_s: float,
        overlap_s: float,
        mint: Callable[[], str] = new_token,
    ) -> None:
        self._policy = policy
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._overlap_s = overlap_s
        self._mint = mint
        self._sessions: dict[str, Session] = {}
        self._replaced_s: dict[str, float] = {}

    def open(self, token: str | None, now_s: float) -> Session | None:
        """The session that answers a request with that token; `None` for a stateless request."""
        if not token:
            return None
        session = self._sessions.get(token) if token != ESTABLISH else None
        if session is None or now_s - self._replaced_s.get(token, now_s) > self._overlap_s:
            return self._begin(now_s)
        if self._is_over(session, now_s):
            session.cart.clear()
            session.user = None
            session.resets += 1
            self._replace(session, now_s)
        elif self._policy == "per-request":
            self._replace(session, now_s)
        session.used_s = now_s
        return session

    def _begin(self, now_s: float) -> Session:
        session = Session(self._mint(), now_s, now_s)
        self._sessions[session.token] = session
        return session

    def _replace(self, session: Session, now_s: float) -> None:
        self._replaced_s[session.token] = now_s
        session.token = self._mint()
        session.born_s = now_s
        self._sessions[session.token] = session

    def _is_over(self, session: Session, now_s: float) -> bool:
        idle = now_s - session.used_s >= self._idle_s
        old = now_s - session.born_s >= self._absolute_s
        return (idle and self._policy in ("idle", "both")) or (
            old and self._policy in ("absolute", "both")
        )
