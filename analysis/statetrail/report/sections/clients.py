"""Clients by compliance: what each did with the state that it was issued, the worst first."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
import narwhals as nw
import pyarrow as pa
from msgspec import Meta

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.counting import columns, each_row, key, of_row, ranked, sorted_table
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
        counts = _Counts(counted_verdicts(rec))
        found = [
            of_row(Client, row, **counts.of(key(row, _CLIENT)))
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


class _Counts:
    """The verdicts of each client counted: `counted` has its rows one after the other.

    Equal counts are one object: most clients of a large recording made a few requests each.
    """

    def __init__(self, counted: pa.Table) -> None:
        self._columns = columns(counted, "param", "verdict", "reason", "fault", "count")
        self._rows: dict[tuple[str, ...], slice] = {}
        self._known: dict[tuple[object, ...], Any] = {}
        client = zip(*columns(counted, *_CLIENT), strict=True)
        for name, rows in groupby(enumerate(client), key=itemgetter(1)):
            places = [at for at, _ in rows]
            self._rows[name] = slice(places[0], places[-1] + 1)

    def of(self, client: tuple[str, ...]) -> dict[str, Any]:
        """The fields of `Client` that are counts."""
        reasons, verdicts = dict[str, int](), dict[str, int]()
        params: dict[str, dict[str, int]] = {}
        own = (column[self._rows.get(client, slice(0))] for column in self._columns)
        for param, verdict, reason, fault, times in zip(*own, strict=True):
            count = int(times)
            if reason is not None:
                reasons[reason] = reasons.get(reason, 0) + count
            # A verdict that is no fault for a reason is counted by this reason.
            if fault or verdict not in FAULTS:
                verdicts[verdict] = verdicts.get(verdict, 0) + count
                of_param = params.setdefault(param, {})
                of_param[verdict] = of_param.get(verdict, 0) + count
        of_params = {param: self._one(_in_order(counts)) for param, counts in params.items()}
        return {
            "reasons": self._one(ranked(reasons)),
            "verdicts": self._one(_in_order(verdicts)),
            "params": self._one(of_params, *((param, id(own)) for param, own in of_params.items())),
        }

    def _one[T](self, counts: dict[str, T], *key: tuple[object, ...]) -> dict[str, T]:
        """The counts, as one object with those that are equal: of the same `key` or items."""
        known: dict[str, T] = self._known.setdefault(key or tuple(counts.items()), counts)
        return known


def counted_verdicts(rec: Recording) -> pa.Table:
    """How many verdicts of each kind by client, origin, dialect and parameter: ``count``."""
    return rec.once("report.verdict_counts", lambda: _counted_verdicts(rec))


def _counted_verdicts(rec: Recording) -> pa.Table:
    by = (*_CLIENT, "param", "verdict", "reason", "fault")
    counts = verdict_counts(rec).lazy.group_by(*by).agg(count=nw.col("times").sum())
    return sorted_table(counts, *by)


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    if len(counts) < 2:
        return dict(counts)
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
