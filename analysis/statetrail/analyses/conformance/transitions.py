"""What enters the tracker and what leaves it, and the table of changes of state.

`statetrail.analyses.conformance.tracker` says how it comes about.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from statetrail.analyses.conformance.visibility import (
    FOREVER,
    WRITES,
    Issue,
    Presented,
    Visibility,
    binds,
    is_headless,
)

type State = Literal["none", "live", "ended"]
type Input = Literal["same", "other", "answered", "asked", "refused"]

TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, str]]] = {
    # The inputs: the response issues the `same` value as before; any `other` one; another one as
    # the answer to a value that comes from the server alone (`answered`); another one because the
    # request `asked` for a new one; or it `refused` the value presented and issues none.
    ("none", "other"): ("live", "established"),
    ("none", "answered"): ("live", "established"),
    ("none", "asked"): ("live", "established"),
    ("live", "same"): ("live", "kept"),
    ("live", "other"): ("live", "rotated"),
    ("live", "answered"): ("live", "reset"),
    ("live", "asked"): ("live", "established"),
    ("live", "refused"): ("ended", "ended"),
    ("ended", "same"): ("live", "established"),
    ("ended", "other"): ("live", "established"),
    ("ended", "answered"): ("live", "reset"),
    ("ended", "asked"): ("live", "established"),
}
"""(state, input) to (new state, change). What is not listed changes nothing."""


@dataclass(slots=True)
class Param:
    """What is known of a parameter, and its state."""

    visibility: Visibility = field(default_factory=Visibility)
    state: State = "none"
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A completed exchange. Times in microseconds; `None` where it was not seen."""

    exchange_id: int
    client: str
    origin: str
    endpoint: str
    method: str
    request_start_us: int
    request_end_us: int | None = None
    response_start_us: int | None = None
    response_end_us: int | None = None
    status: int | None = None
    age_s: int | None = None
    fetch_dest: str | None = None
    redirect_endpoint: str | None = None
    request_origin: str | None = None
    exposed_headers: str | None = None
    has_cookies: int | None = None
    fetch_mode: str | None = None
    issued: Sequence[Issue] = ()
    presented: Sequence[Presented] = ()

    @property
    def issue_start_us(self) -> int:
        """When its issues may be known at the earliest."""
        seen = (self.response_start_us, self.request_end_us)
        start_us = next((at for at in seen if at is not None), self.request_start_us)
        return max(start_us, self.request_start_us)

    @property
    def issue_end_us(self) -> int:
        """When its issues are all there; `FOREVER` if it was cut short."""
        end_us = FOREVER if self.response_end_us is None else self.response_end_us
        return max(end_us, self.issue_start_us)

    @property
    def backwards(self) -> bool:
        """Whether a clock was set back during it: the response is earlier than the request."""
        times = (self.response_start_us, self.response_end_us)
        return any(at is not None and at < self.request_start_us for at in times)

    @property
    def writes(self) -> bool:
        """Whether the request changes what it asks for."""
        return self.method in WRITES

    @property
    def headless(self) -> bool:
        """Whether a page can neither add header fields to it nor read those of the response."""
        return is_headless(self.fetch_dest, self.fetch_mode, self.status)

    @property
    def binding(self) -> bool:
        """Whether clients have to know what the response issues."""
        return binds(self.method, self.status, self.age_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of table `verdicts`.

    `settles` is the verdict given so far (`Provisional`) where there was one.
    """

    exchange_id: int
    client: str
    origin: str
    dialect: str
    param: str
    request_start_us: int
    verdict: str
    reason: str | None
    fault: bool
    session: int | None
    fingerprint: int | None
    channel: str | None
    settles: "Verdict | None" = None


@dataclass(frozen=True, slots=True)
class Provisional:
    """A verdict so far: what the sender does later may excuse it. The final one settles it."""

    verdict: Verdict

    @property
    def client(self) -> str:
        """The sender."""
        return self.verdict.client

    @property
    def origin(self) -> str:
        """The origin."""
        return self.verdict.origin


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state of a parameter: `change` is a value of `TRANSITIONS`."""

    exchange_id: int
    client: str
    origin: str
    dialect: str
    param: str
    response_start_us: int
    change: str
    fingerprint: int


type Event = Verdict | Provisional | Change


def issued(
    param: Param, exchange: Exchange, issue: Issue, *, server_issued: bool
) -> Iterator[Change]:
    """The change of state by an issue (T6)."""
    presented = [
        p for p in exchange.presented if (p.dialect, p.param) == (issue.dialect, issue.param)
    ]
    kinds = {p.kind for p in presented}
    given: Input = "other"
    kept = server_issued and any(p.fingerprint == issue.fingerprint for p in presented)
    if issue.fingerprint == param.newest or (kept and param.newest is not None):
        given = "same"
    elif "establish" in kinds:
        given = "asked"
    elif server_issued and "value" in kinds:
        given = "answered"
    param.newest = issue.fingerprint
    yield from change(param, given, exchange, issue.dialect, issue.param)


def change(
    param: Param, given: Input, exchange: Exchange, dialect: str, name: str
) -> Iterator[Change]:
    """Follow `TRANSITIONS`."""
    follow = TRANSITIONS.get((param.state, given))
    if follow is not None and param.newest is not None:
        param.state, name_ = follow
        subject = (exchange.exchange_id, exchange.client, exchange.origin, dialect, name)
        yield Change(*subject, exchange.issue_start_us, name_, param.newest)
