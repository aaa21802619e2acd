"""Clients by compliance: what each did with the state that it was issued, the worst first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
import narwhals as nw
from msgspec import Meta

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.counting import columns, each_row, key, of_row, parts, ranked, sorted_table
from statetrail.report.section import Counts, Gathering, Section, Time, meaning

type _Count = tuple[str, str, str | None, bool, int]
"""A parameter, a verdict, its reason, whether it is a fault, and how often."""

FEW: Final = 100
"""Verdicts: many clients may have the same counts of so few."""
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
        counts = dict(_counts(rec))
        found = [
            of_row(Client, row, **(counts.get(key(row, _CLIENT)) or _fields(())))
            for row in each_row(clients(rec).to_arrow())
        ]
        return cls(clients=tuple(sorted(found, key=_worst_first)))

    @property
    def listed_clients(self) -> tuple[Client, ...]:
        """The clients without those rows of theirs in which nothing was judged, if others were."""
        named = {row.client for row in self.clients if row.verdicts or row.reasons}
        return tuple(
            row for row in self.clients if row.verdicts or row.reasons or row.client not in named
        )


def _counts(rec: Recording) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each client with its fields that are counts.

    Equal counts of few verdicts are one object: most clients of a large recording made a few
    requests each.
    """
    known: dict[tuple[_Count, ...], dict[str, Any]] = {}
    for client, rows in groupby(_counted(rec), key=itemgetter(0)):
        own = tuple(row for _, row in rows)
        if sum(row[-1] for row in own) > FEW:
            yield client, _fields(own)
            continue
        if own not in known:
            known[own] = _fields(own)
        yield client, known[own]


def _fields(rows: Iterable[_Count]) -> dict[str, Any]:
    """The fields of a client that has these counts."""
    reasons, verdicts = Counter[str](), Counter[str]()
    params = defaultdict[str, Counter[str]](Counter)
    for param, verdict, reason, fault, times in rows:
        if reason is not None:
            reasons[reason] += int(times)
        # A verdict that is no fault for a reason is counted by this reason.
        if fault or verdict not in FAULTS:
            verdicts[verdict] += int(times)
            params[param][verdict] += int(times)
    return {
        "reasons": ranked(reasons),
        "verdicts": _in_order(verdicts),
        "params": {param: _in_order(counts) for param, counts in params.items()},
    }


def _counted(rec: Recording) -> Iterator[tuple[tuple[str, ...], _Count]]:
    """The clients, each one after the other, with the counts of their verdicts."""
    by = (*_CLIENT, "param", "verdict", "reason", "fault")
    counts = verdict_counts(rec).lazy.group_by(*by).agg(count=nw.col("times").sum())
    for part in parts(sorted_table(counts, *by)):
        client = zip(*columns(part, *_CLIENT), strict=True)
        yield from zip(client, zip(*columns(part, *by[3:], "count"), strict=True), strict=True)


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
