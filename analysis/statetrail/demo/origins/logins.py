"""The logins of the 52eSELLER origin: their state, their authentication and their tickets.

Enters: tickets and authentications as presented, and the time. Leaves: the `Login` they belong to.
A ticket is renewed by age; its predecessor is accepted for an overlap, so that requests under way
are not refused. The clock is an argument.
"""

import base64
import os
import secrets
from dataclasses import dataclass, field
from typing import Final

from statetrail.demo.secrets_file import Remember

type StateField = tuple[str, str, str]
"""Parameter, value, ``usage/priority``."""

_START: Final[dict[str, tuple[str, str]]] = {
    "LangId": ("1", "uriquery/informational"),
    "CounId": ("208", "uriquery/informational"),
    "CurrId": ("54", "uriquery/informational"),
    "LocId": ("3", "header/informational"),
    "PriceListId": ("7", "uriquery/forced"),
    "PriceCalculationDate": ("2021-03-01", "header/informational"),
    "InventoryCheck": ("true", "header/informational"),
}


def new_secret() -> str:
    """A value like the tickets of the 52eSELLER text: base64 with ``/``, ``+`` and ``=``."""
    while True:
        value = base64.b64encode(os.urandom(46)).decode()
        if "/" in value and "+" in value:
            return value


def new_person() -> str:
    """A person's id."""
    return str(10**13 + secrets.randbelow(9 * 10**13))


@dataclass(slots=True, eq=False)
class Login:
    """A customer's login: the source of the state headers. Times are seconds."""

    customer: str
    sales_person: str
    visitor: str
    authentication: str
    ticket: str
    ticket_born_s: float
    state: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(_START))
    favorites: list[str] = field(default_factory=list)

    def issue(self, *params: str) -> list[StateField]:
        """The state fields of those parameters, in that order."""
        people = {
            "CustomerId": (self.customer, "implicit/forced"),
            "SalesPersonId": (self.sales_person, "implicit/forced"),
            "VisitorId": (self.visitor, "header/forced"),
            "Ticket": (self.ticket, "header/forced"),
            "Authentication": (self.authentication, "header/forced"),
        }
        fields = self.state | people
        return [(param, *fields[param]) for param in params]

    def set(self, param: str, value: str) -> None:
        """Change a parameter's value; its usage and priority stay."""
        self.state[param] = (value, self.state[param][1])


@dataclass(slots=True, kw_only=True)
class LoginBook:
    """Every login of an origin.

    A ticket is renewed at the age of `ticket_s`, its predecessor accepted for `overlap_s`;
    `remember` is called with every new secret.
    """

    ticket_s: float
    overlap_s: float
    remember: Remember
    by_authentication: dict[str, Login] = field(default_factory=dict, init=False)
    _by_ticket: dict[str, Login] = field(default_factory=dict, init=False)
    _replaced_s: dict[str, float] = field(default_factory=dict, init=False)

    def begin(self, now_s: float) -> Login:
        """A new login."""
        known = (new_person(), new_person(), new_person(), new_secret(), new_secret())
        for secret in known:
            self.remember(secret)
        login = Login(*known, now_s)
        self._by_ticket[login.ticket] = login
        self.by_authentication[login.authentication] = login
        return login

    def by_ticket(self, ticket: str, now_s: float) -> Login | None:
        """The login of a ticket; `None` if it is unknown or was replaced too long ago."""
        if now_s - self._replaced_s.get(ticket, now_s) > self.overlap_s:
            return None
        return self._by_ticket.get(ticket)

    def renew(self, login: Login, presented: str, now_s: float) -> bool:
        """Renew the ticket if it is old enough; whether the client presented an older one."""
        if now_s - login.ticket_born_s >= self.ticket_s:
            self._replaced_s[login.ticket] = now_s
            login.ticket, login.ticket_born_s = new_secret(), now_s
            self._by_ticket[login.ticket] = login
            self.remember(login.ticket)
        return presented != login.ticket
