"""Clients by compliance: what each did with the state that it was issued, the worst first."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
from msgspec import Meta

from statetrail.analyses.causes.root_causes import SERVERS, root_causes
from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import VERDICTS
from statetrail.analyses.conformance.verdicts import verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, of_row, ranked, rows
from statetrail.report.section import Counts, Gathering, Section, Time

_SUBJECT: Final = ("client", "origin", "dialect")

type Subject = tuple[str, str, str]


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
        dict[str, int], Meta(description="Faults that the server caused, by their root cause")
    ] = {}
    first: Time | None
    last: Time | None
    verdicts: Counts
    params: Annotated[dict[str, Counts], Meta(description="Verdict counts by parameter")]

    @property
    def own(self) -> int:
        """The faults that are the client's own, as far as the traffic shows."""
        return self.faults - sum(self.excused.values())


class ClientsSection(Section, frozen=True, kw_only=True):
    """What each client did with the state that it was issued."""

    title: ClassVar = "Clients"

    clients: Annotated[tuple[Client, ...], Meta(description="Least compliant first")]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `clients`, `verdicts` and `root_causes`."""
        rec = gathering.recording
        params: dict[Subject, dict[str, dict[str, int]]] = {}
        for row in counted_verdicts(rec):
            by_param = params.setdefault(_subject(row), {})
            by_param.setdefault(row["param"], {})[row["verdict"]] = row["count"]
        excused = _excused(rec)
        found = [
            _client(row, params.get(_subject(row), {}), excused.get(_subject(row), {}))
            for row in clients(rec).rows()
        ]
        return cls(clients=tuple(sorted(found, key=_worst_first)))


def _client(row: Row, params: dict[str, dict[str, int]], excused: dict[str, int]) -> Client:
    totals: dict[str, int] = {}
    for counts in params.values():
        for verdict, count in counts.items():
            totals[verdict] = totals.get(verdict, 0) + count
    return of_row(
        Client,
        row,
        excused=ranked(excused),
        verdicts=_in_order(totals),
        params={name: _in_order(counts) for name, counts in params.items()},
    )


def counted_verdicts(rec: Recording) -> list[Row]:
    """How many verdicts of each kind by client, origin, dialect and parameter."""
    key = (*_SUBJECT, "param", "verdict")
    return rec.once(
        "report.verdict_counts", lambda: rows(verdict_counts(rec).select(*key, count="times"), *key)
    )


def _excused(rec: Recording) -> dict[Subject, dict[str, int]]:
    """The faults that the server caused, by root cause, of each client, origin and dialect."""
    found: dict[Subject, dict[str, int]] = {}
    for row in root_causes(rec).rows():
        if row["cause"] in SERVERS:
            causes = found.setdefault(_subject(row), {})
            causes[row["cause"]] = causes.get(row["cause"], 0) + row["count"]
    return found


def _subject(row: Row) -> Subject:
    return row["client"], row["origin"], row["dialect"]


def _in_order(counts: dict[str, int]) -> dict[str, int]:
    return (
        {name: counts[name] for name in VERDICTS if name in counts} if len(counts) > 1 else counts
    )


def _worst_first(client: Client) -> tuple[object, ...]:
    return (
        client.compliance is None,
        client.compliance or 0,
        -client.faults,
        client.client,
        client.origin,
        client.dialect,
    )
