"""What clients did: compliance, root causes, overrides, sessions lost, credentials in other hands.

Structs of `statetrail.report.document`, where all of them are imported from.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from statetrail.report.sections.kinds import Counts, Time


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One client at one origin under one dialect."""

    client: str
    origin: str
    dialect: str
    requests: int
    compliance: (
        Annotated[float, Meta(description="honoured / judged; null: nothing to judge", ge=0, le=1)]
        | None
    )
    judged: Annotated[int, Meta(description="Verdicts that count: compliance's denominator")]
    faults: int
    excused: Annotated[
        dict[str, int],
        Meta(description="Faults with a root cause that lies with the server, by that cause"),
    ] = {}
    first: Time | None
    last: Time | None
    verdicts: Counts
    params: Annotated[dict[str, Counts], Meta(description="Verdict counts by parameter")]

    @property
    def own(self) -> int:
        """The faults that are the client's own, as far as the traffic shows."""
        return self.faults - sum(self.excused.values())


class RootCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why one client ignored one parameter."""

    client: str
    origin: str
    dialect: str
    param: str
    verdict: str
    cause: str
    confidence: str
    servers: Annotated[bool, Meta(description="It lies with the server: the client is excused")]
    count: int
    first: Time
    last: Time
    endpoints: tuple[str, ...]
    evidence: tuple[int, ...]


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of which a client presented a value of its own choice."""

    client: str
    origin: str
    dialect: str
    param: str
    overrides: int
    answered: Annotated[int, Meta(description="The server's next issue was the client's value")]
    fought: Annotated[int, Meta(description="The server's next issue was another value")]
    unanswered: int
    on_baskets: int
    without_effect: int
    first: Time
    last: Time


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of one parameter at one origin, taken together."""

    origin: str
    dialect: str
    param: str
    sessions: int
    requests: int
    median_duration_s: Annotated[
        float | None, Meta(description="From a session's first request to its last")
    ]
    ended: Annotated[Counts, Meta(description="How they ended")]
    lost: Annotated[int, Meta(description="Sessions that were reset, rejected or restarted")]
    cart_writes: int
    carts_lost: Annotated[
        int, Meta(description="Lost sessions with a cart write that nobody repeated")
    ]
    cart_writes_lost: Annotated[int, Meta(description="Those writes")]
    logins: int
    logins_lost: Annotated[
        int, Meta(description="Lost sessions with a login that was not repeated")
    ]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session that was lost with something in it."""

    client: str
    origin: str
    dialect: str
    param: str
    session: Annotated[str, Meta(description="Pseudonym of its first token")]
    first: Time
    last: Time
    duration_s: float
    tokens: int
    requests: int
    end: str
    ended_at: Time | None
    cart_writes: int
    cart_writes_lost: int | None
    login_lost: bool | None


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One credential that several clients presented, and one of them."""

    origin: str
    dialect: str
    param: str
    value: Annotated[str, Meta(description="Pseudonym")]
    client: str
    clients: int
    how: str
    uses: int
    first: Time
    last: Time


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One credential that a client sent to another origin than its own."""

    client: str
    param: str
    dialect: str
    value: Annotated[str, Meta(description="Pseudonym")]
    issued_origin: Annotated[str, Meta(description="The origin that issued it")]
    origin: Annotated[str, Meta(description="The origin that got it")]
    place: str
    count: int
    first: Time
    last: Time
    exchange: Annotated[int, Meta(description="One of the requests")]
