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
from math import inf
from typing import Final, Literal

from statetrail.demo.secrets_file import Remember, forget

type Policy = Literal["idle", "absolute", "both", "per-request"]

ESTABLISH: Final = "1"
_ALPHABET: Final = string.ascii_letters + string.digits


def new_token() -> str:
    """A token like the ones of the ZEST text: 15 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(15))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What ends a session.

    Attributes
    ----------
    policy
        ``idle`` time, ``absolute`` age, ``both``, or ``per-request`` (each response replaces the
        token, nothing ends the session).
    idle_s, absolute_s
        The limits in seconds; a session resets when its idle time or age reaches them.
    overlap_s
        How long a replaced token still leads to its session.
    """

    policy: Policy = "idle"
    idle_s: float = 4.0
    absolute_s: float = inf
    overlap_s: float = 5.0


@dataclass(slots=True, eq=False)
class Session:
    """A session and its state. Times are seconds on the caller's clock."""

    token: str = ""
    born_s: float = 0.0
    used_s: float = 0.0
    cart: dict[str, int] = field(default_factory=dict)
    user: str | None = None
    resets: int = 0


class SessionBook:
    """Every session of an origin; `mint` makes tokens, `remember` is called with each."""

    def __init__(
        self,
        settings: SessionSettings,
        remember: Remember = forget,
        mint: Callable[[], str] = new_token,
    ) -> None:
        self._settings = settings
        self._remember = remember
        self._mint = mint
        self._sessions: dict[str, Session] = {}
        self._replaced_s: dict[str, float] = {}

    def open(self, token: str | None, now_s: float) -> Session | None:
        """The session that answers a request with that token; `None` for a stateless request."""
        if not token:
            return None
        session = self._sessions.get(token) if token != ESTABLISH else None
        overlap_s = now_s - self._replaced_s.get(token, now_s)
        if session is None or overlap_s > self._settings.overlap_s:
            session = Session()
            self._replace(session, now_s)
        elif self._is_over(session, now_s):
            session.cart.clear()
            session.user = None
            session.resets += 1
            self._replace(session, now_s)
        elif self._settings.policy == "per-request":
            self._replace(session, now_s)
        session.used_s = now_s
        return session

    def _replace(self, session: Session, now_s: float) -> None:
        self._replaced_s[session.token] = now_s
        session.token, session.born_s = self._mint(), now_s
        self._sessions[session.token] = session
        self._remember(session.token)

    def _is_over(self, session: Session, now_s: float) -> bool:
        limits = self._settings
        idle = limits.policy in ("idle", "both") and now_s - session.used_s >= limits.idle_s
        old = limits.policy in ("absolute", "both") and now_s - session.born_s >= limits.absolute_s
        return idle or old
