"""Credentials that several clients present, and credentials that were sent to another origin."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.exposure.leaks import leaks
from statetrail.analyses.exposure.shared import shared
from statetrail.report.counting import largest, of_row, total
from statetrail.report.section import Gathering, OfParameter, Section, Time, meaning
from statetrail.schema import pseudonym

MAX_SHARED: Final = 500
MAX_LEAKS: Final = 500

_VALUE: Final = ("origin", "dialect", "param", "fingerprint")
_LEAK: Final = ("client", "issued_origin", "dialect", "param", "fingerprint", "origin", "place")


class Shared(OfParameter, frozen=True, kw_only=True):
    """One credential that several clients presented, and one of them."""

    value: Annotated[str, meaning("Pseudonym")]
    client: str
    clients: int
    how: str
    uses: int
    first: Time
    last: Time


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One credential that a client sent to an origin that did not issue it."""

    client: str
    param: str
    dialect: str
    value: Annotated[str, meaning("Pseudonym")]
    issued_origin: Annotated[str, meaning("The origin that issued it")]
    origin: Annotated[str, meaning("The origin that received it")]
    place: str
    count: int
    first: Time
    last: Time
    exchange: Annotated[int, meaning("One of the requests")]


class CredentialsSection(Section, frozen=True, kw_only=True):
    """Credentials that were shared between clients or sent to another origin."""

    title: ClassVar = "Credentials"

    shared_total: Annotated[int, meaning("Credentials that several clients present")] = 0
    shared: Annotated[tuple[Shared, ...], meaning("By credential and client; capped")] = ()
    leaks_total: int = 0
    leaks: Annotated[tuple[Leak, ...], meaning("Most frequent first; capped")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `shared` and `leaks`."""
        by_client = shared(gathering.recording).lazy
        by = (*_VALUE, "first_us", "client")
        sent = (
            leaks(gathering.recording)
            .lazy.group_by(*_LEAK)
            .agg(
                count=nw.len(),
                first_us=nw.col("request_start_us").min(),
                last_us=nw.col("request_start_us").max(),
                exchange=nw.col("exchange_id").min(),
            )
        )
        return cls(
            shared_total=total(by_client.select(*_VALUE).unique()),
            shared=tuple(
                of_row(Shared, row, value=pseudonym(row["fingerprint"]))
                for row in largest(by_client, "clients", MAX_SHARED, *by)
            ),
            leaks_total=total(sent),
            leaks=tuple(
                of_row(Leak, row, value=pseudonym(row["fingerprint"]), count=int(row["count"]))
                for row in largest(sent, "count", MAX_LEAKS, *_LEAK)
            ),
        )
