"""The clients section: what each client did with the state it was given, the worst first.

Enters: `clients`, `verdicts` and `root_causes`. Leaves: `Client` parts.
"""

from typing import Final

from statetrail.analyses.causes.root_causes import SERVERS, root_causes
from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdicts import VERDICTS, verdict_counts
from statetrail.recording.frames import Recording
from statetrail.report.document import Client
from statetrail.report.heap import uncollected
from statetrail.report.sections.counting import Row, part, ranked, rows

_SUBJECT: Final = ("client", "origin", "dialect")

type Subject = tuple[str, str, str]


def gather_clients(rec: Recording) -> tuple[Client, ...]:
    """All clients with their verdict counts, in total and by parameter."""
    known = clients(rec).rows()
    counted, excused = counted_verdicts(rec), _excused(rec)
    with uncollected():
        return _clients(known, counted, excused)


def _clients(
    known: list[Row], counted: list[Row], excused: dict[Subject, dict[str, int]]
) -> tuple[Client, ...]:
    params: dict[Subject, dict[str, dict[str, int]]] = {}
    for row in counted:
        own = params.setdefault(_subject(row), {})
        own.setdefault(row["param"], {})[row["verdict"]] = row["count"]
    found = []
    for row in known:
        own = params.get(_subject(row), {})
        totals: dict[str, int] = {}
        for counts in own.values():
            for verdict, count in counts.items():
                totals[verdict] = totals.get(verdict, 0) + count
        found.append(
            part(
                Client,
                row,
                excused=ranked(excused.get(_subject(row), {})),
                verdicts=_in_order(totals),
                params={name: _in_order(counts) for name, counts in own.items()},
            )
        )
    return tuple(sorted(found, key=_worst_first))


def counted_verdicts(rec: Recording) -> list[Row]:
    """How many verdicts of each kind by client, origin, dialect and parameter."""
    key = (*_SUBJECT, "param", "verdict")
    return rec.once(
        "report.verdict_counts",
        lambda: rows(verdict_counts(rec).select(*key, count="times"), *key),
    )


def _excused(rec: Recording) -> dict[Subject, dict[str, int]]:
    """The faults with a cause of the server's, by that cause, of each client, origin, dialect."""
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
    unjudged = client.compliance is None
    return (
        unjudged,
        0 if client.compliance is None else client.compliance,
        -client.faults,
        client.client,
        client.origin,
        client.dialect,
    )
