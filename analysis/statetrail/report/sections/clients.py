"""Clients by compliance: what each did with the state that it was issued, the worst first."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw
import pyarrow as pa
from msgspec import Meta

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, each_row, key, of_row, ranked, sorted_table
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
        verdicts = defaultdict[tuple[str, ...], Counter[str]](Counter)
        reasons = defaultdict[tuple[str, ...], Counter[str]](Counter)
        params = defaultdict[tuple[str, ...], defaultdict[str, Counter[str]]](
            lambda: defaultdict(Counter)
        )
        for row in counted_verdicts(rec):
            client, count = key(row, _CLIENT), int(row["count"])
            if row["reason"] is not None:
                reasons[client][row["reason"]] += count
            # A verdict that is no fault for a reason is counted by this reason.
            if row["fault"] or row["verdict"] not in FAULTS:
                verdicts[client][row["verdict"]] += count
                params[client][row["param"]][row["verdict"]] += count
        found = [
            of_row(
                Client,
                row,
                reasons=ranked(reasons[key(row, _CLIENT)]),
                verdicts=_in_order(verdicts[key(row, _CLIENT)]),
                params={
                    param: _in_order(counts) for param, counts in params[key(row, _CLIENT)].items()
                },
            )
            for row in clients(rec).rows()
        ]
        return cls(clients=tuple(sorted(found, key=_worst_first)))

    @property
    def listed_clients(self) -> tuple[Client, ...]:
        """The clients without those rows of theirs in which nothing was judged, if others were."""
        named = {row.client for row in self.clients if row.verdicts or row.reasons}
        return tuple(
            row for row in self.clients if row.verdicts or row.reasons or row.client not in named
        )


def counted_verdicts(rec: Recording) -> Iterator[Row]:
    """How many verdicts of each kind by client, origin, dialect and parameter."""
    return each_row(rec.once("report.verdict_counts", lambda: _counted_verdicts(rec)))


def _counted_verdicts(rec: Recording) -> pa.Table:
    by = (*_CLIENT, "param", "verdict", "reason", "fault")
    counts = verdict_counts(rec).lazy.group_by(*by).agg(count=nw.col("times").sum())
    return sorted_table(counts, *by)


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
