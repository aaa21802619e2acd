"""Clients by compliance: what each did with the state that it was issued, the worst first."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw
from msgspec import Meta

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, key, nested, of_row, ranked, rows
from statetrail.report.section import Counts, Gathering, Section, Time, meaning

_CLIENT: Final = ("client", "origin", "dialect")


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
    judged: Annotated[int, meaning("Verdicts that count: compliance's denominator")]
    faults: int
    first: Time | None
    last: Time | None
    sessions: Annotated[int, meaning("Sessions that it held")]
    sessions_at_once: Annotated[int, meaning("The most of them at the same time")]
    reasons: Annotated[
        dict[str, int], meaning("Requests and parameters that are no fault, by the reason")
    ] = {}
    verdicts: Counts
    params: Annotated[dict[str, Counts], meaning("Verdict counts by parameter")]


class ClientsSection(Section, frozen=True, kw_only=True):
    """What each client did with the state that it was issued."""

    title: ClassVar = "Clients"

    clients: Annotated[tuple[Client, ...], meaning("Least compliant first")]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `clients` and `verdicts`."""
        rec = gathering.recording
        judged = counted_verdicts(rec)
        # A verdict that is no fault for a reason is counted by this reason.
        own = [row for row in judged if row["fault"] or row["verdict"] not in FAULTS]
        verdicts = nested(own, "verdict", _CLIENT)
        reasons = nested(judged, "reason", _CLIENT)
        params = defaultdict[tuple[str, ...], dict[str, dict[str, int]]](dict)
        for (*client, param), counts in nested(own, "verdict", (*_CLIENT, "param")).items():
            params[tuple(client)][param] = _in_order(counts)
        found = [
            of_row(
                Client,
                row,
                reasons=ranked(reasons[key(row, _CLIENT)]),
                verdicts=_in_order(verdicts[key(row, _CLIENT)]),
                params=params[key(row, _CLIENT)],
            )
            for row in clients(rec).rows()
        ]
        return cls(clients=tuple(sorted(found, key=_worst_first)))


def counted_verdicts(rec: Recording) -> list[Row]:
    """How many verdicts of each kind by client, origin, dialect and parameter."""
    return rec.once("report.verdict_counts", lambda: _counted_verdicts(rec))


def _counted_verdicts(rec: Recording) -> list[Row]:
    by = (*_CLIENT, "param", "verdict", "reason", "fault")
    counts = verdict_counts(rec).lazy.group_by(*by).agg(count=nw.col("times").sum())
    return rows(counts, *by)


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in VERDICTS if name in counts}


def _worst_first(client: Client) -> tuple[object, ...]:
    return (
        client.compliance is None,
        client.compliance or 0,
        -client.faults,
        client.client,
        client.origin,
        client.dialect,
    )
