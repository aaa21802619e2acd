"""Servers of both protocols that keep sessions by key.

Enters: requests in the order in which the server takes them up. Leaves: replies. A server knows a
session by the key that a request presents, and nothing of who sent it.
"""

from dataclasses import dataclass, field
from random import Random

from support.histories import Issue, Present, token

TOKEN = "_session_token"
LOGIN_KEYS = ("Ticket", "Authentication")
CONTEXT = {
    "LangId": ("header", "informational"),
    "CurrId": ("header", "forced"),
    "LocId": ("uriquery", "forced"),
}
"""The context of 52eSELLER with the usage and the priority that it is issued with."""

_LOCATIONS = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers."""

    status: int = 200
    issued: tuple[Issue, ...] = ()


@dataclass(slots=True)
class _Session:
    """What a server keeps; `keys` and `context` are values by parameter, times in milliseconds."""

    last_used: float
    keys: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)


class Server:
    """What both kinds have in common: keys, and the idle timeout.

    Parameters
    ----------
    idle_ms
        A session that no request used for so long has ended.
    """

    def __init__(self, chance: Random, idle_ms: float) -> None:
        self.idle_ms = idle_ms
        self._chance = chance
        self._sessions: dict[str, _Session] = {}
        self._count = 0

    def answer(self, method: str, path: str, presented: list[Present], now: float) -> Reply:
        """The reply to a request that the server takes up at that time."""
        raise NotImplementedError

    def _fresh(self, word: str) -> str:
        self._count += 1
        return f"{word}-{self._count:06d}-{self._chance.getrandbits(64):016x}"

    def _alive(self, key: str, now: float) -> _Session | None:
        """The session of a key, used now; one that lay idle is forgotten."""
        session = self._sessions.get(key)
        if session is None:
            return None
        if now - session.last_used >= self.idle_ms:
            for each in session.keys.values():
                self._sessions.pop(each, None)
            return None
        session.last_used = now
        return session


class Zest(Server):
    """A ZEST origin: it answers a token that has ended with another one (Z5, Z6).

    ``heals``: requests that present the same ended token get the same new one.
    """

    def __init__(self, chance: Random, idle_ms: float) -> None:
        super().__init__(chance, idle_ms)
        self._heals = chance.random() < 0.5
        self._successor: dict[str, str] = {}

    def answer(self, method: str, path: str, presented: list[Present], now: float) -> Reply:
        """Without a token a request is stateless (Z8)."""
        if not presented:
            return Reply()
        value = presented[0].value
        session = self._alive(value, now)
        if session is None:
            session = self._alive(self._successor.get(value, ""), now) if self._heals else None
        if session is None:
            session = _Session(now, {TOKEN: self._fresh("token")})
            self._sessions[session.keys[TOKEN]] = session
            if presented[0].kind == "value":
                self._successor[value] = session.keys[TOKEN]
        if path.endswith("Logout"):
            self._sessions.pop(session.keys[TOKEN], None)
            return Reply()
        return Reply(200, (token(session.keys[TOKEN]),))


class Eseller(Server):
    """A 52eSELLER origin: an anonymous key and a context, and a login within it.

    Parameters
    ----------
    anonymous
        The key of those who are not logged in: ``VisitorId``, which a login leaves as it is, or
        ``Ticket``, which it replaces.

    At random: ``verbose`` issues the whole context in each response, ``echoes`` the keys too;
    ``reminds`` issues a forced value again where a request does not present it.
    """

    def __init__(self, chance: Random, idle_ms: float, anonymous: str) -> None:
        super().__init__(chance, idle_ms)
        self.anonymous = anonymous
        self._verbose = chance.random() < 0.3
        self._echoes = chance.random() < 0.5
        self._reminds = chance.random() < 0.5
        self._of_login: set[str] = set()

    def answer(self, method: str, path: str, presented: list[Present], now: float) -> Reply:
        """The reply by path; a login's key that has ended is refused."""
        values = {p.param: p.value for p in presented}
        keys = [values[key] for key in (*LOGIN_KEYS, "VisitorId") if key in values]
        found = [self._alive(key, now) for key in keys]
        session = next((each for each in found if each is not None), None)
        if session is None:
            if any(key in self._of_login for key in keys) or (not keys and "baskets" in path):
                return Reply(401)
            session = self._begin(now, login=path.endswith("login"))
            issued = {*session.keys, *session.context}
        elif path.endswith("login"):
            issued = self._log_in(session)
        elif path.endswith("logout"):
            return Reply(200, self._issues(session, self._log_out(session)))
        else:
            issued = self._adopt(session, values)
        if path.endswith("sellto"):
            session.context |= self._drawn("CurrId", "LocId")
            issued |= {"CurrId", "LocId"}
        if self._verbose:
            issued |= {*session.context}
        if self._echoes:
            issued |= {*session.keys}
        if self._reminds:
            issued |= self._ignored(session, presented)
        return Reply(200, self._issues(session, issued))

    def _begin(self, now: float, *, login: bool) -> _Session:
        session = _Session(now)
        if self.anonymous == "VisitorId" or not login:
            self._give(session, self.anonymous)
        session.context = self._drawn(*CONTEXT)
        if login:
            self._log_in(session)
        return session

    def _log_in(self, session: _Session) -> set[str]:
        """The keys of a login and the customer's context, issued together."""
        for key in LOGIN_KEYS:
            self._sessions.pop(session.keys.get(key, ""), None)
            self._of_login.add(self._give(session, key))
        session.context = self._drawn(*CONTEXT)
        return {*LOGIN_KEYS, *session.context}

    def _log_out(self, session: _Session) -> set[str]:
        """The keys of the login end; a visitor gets the context of nobody."""
        for key in LOGIN_KEYS:
            self._sessions.pop(session.keys.pop(key, ""), None)
        if self.anonymous == "Ticket":
            return set()
        session.context = self._drawn(*CONTEXT)
        return {*session.context}

    def _give(self, session: _Session, key: str) -> str:
        session.keys[key] = value = self._fresh(key)
        self._sessions[value] = session
        return value

    def _adopt(self, session: _Session, values: dict[str, str]) -> set[str]:
        """Informational values that the request chose, which the server answers with."""
        chosen = {
            param: value
            for param, value in values.items()
            if CONTEXT.get(param, ("", ""))[1] == "informational"
            and session.context[param] != value
        }
        session.context |= chosen
        return {*chosen}

    def _drawn(self, *params: str) -> dict[str, str]:
        return {param: str(self._chance.randrange(1, _LOCATIONS)) for param in params}

    @staticmethod
    def _ignored(session: _Session, presented: list[Present]) -> set[str]:
        """Forced parameters that the request does not present as issued."""
        shown = {(p.param, p.value, p.channel) for p in presented}
        return {
            param
            for param, value in session.context.items()
            if CONTEXT[param][1] == "forced" and (param, value, CONTEXT[param][0]) not in shown
        }

    @staticmethod
    def _issues(session: _Session, params: set[str]) -> tuple[Issue, ...]:
        return tuple(
            Issue(param, value, *CONTEXT.get(param, ("header", "forced")))
            for param, value in {**session.keys, **session.context}.items()
            if param in params
        )
