"""Credentials that several clients present, and credentials that were sent to another origin."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.exposure.leaks import leaks
from statetrail.analyses.exposure.shared import shared
from statetrail.recording.frames import Recording
from statetrail.report.counting import of_row, rows, total
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
        shared_rows, shared_total = _shared(gathering.recording)
        leak_rows, leaks_total = _leaks(gathering.recording)
        return cls(
            shared_total=shared_total, shared=shared_rows, leaks_total=leaks_total, leaks=leak_rows
        )


def _shared(rec: Recording) -> tuple[tuple[Shared, ...], int]:
    """The credentials with their clients, those of most clients first; how many credentials."""
    lazy = shared(rec).lazy
    by = ("order", *_VALUE, "first_us", "client")
    first = lazy.with_columns(order=nw.col("clients") * -1).sort(*by).head(MAX_SHARED)
    found = tuple(
        of_row(Shared, row, value=pseudonym(row["fingerprint"])) for row in rows(first, *by)
    )
    return found, total(lazy.select(*_VALUE).unique())


def _leaks(rec: Recording) -> tuple[tuple[Leak, ...], int]:
    """Each credential by client, both origins and place, with how often; how many such rows."""
    grouped = (
        leaks(rec)
        .lazy.group_by(*_LEAK)
        .agg(
            count=nw.len(),
            first_us=nw.col("request_start_us").min(),
            last_us=nw.col("request_start_us").max(),
            exchange=nw.col("exchange_id").min(),
        )
    )
    by = ("order", *_LEAK)
    order = nw.col("count").cast(nw.Int64) * -1
    first = grouped.with_columns(order=order).sort(*by).head(MAX_LEAKS)
    found = tuple(
        of_row(Leak, row, value=pseudonym(row["fingerprint"]), count=int(row["count"]))
        for row in rows(first, *by)
    )
    return found, total(grouped)
