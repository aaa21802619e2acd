"""The clients section: what each client did with the state it was given, the worst first.

Enters: `clients` and `verdicts`. Leaves: `Client` parts.
"""

from statetrail.analyses.clients import clients
from statetrail.analyses.verdicts import VERDICTS, verdicts
from statetrail.frames import Recording
from statetrail.report.document import Client
from statetrail.report.gather.counting import Row, counted, part

_SUBJECT = ("client", "origin", "dialect")
_ORDER = {verdict: at for at, verdict in enumerate(VERDICTS)}


def gather_clients(rec: Recording) -> tuple[Client, ...]:
    """All clients with their verdict counts, in total and by parameter."""
    params: dict[tuple[str, ...], dict[str, dict[str, int]]] = {}
    for row in verdict_counts(rec):
        subject = tuple(row[name] for name in _SUBJECT)
        params.setdefault(subject, {}).setdefault(row["param"], {})[row["verdict"]] = row["count"]
    found = []
    for row in clients(rec).rows():
        own = params.get(tuple(row[name] for name in _SUBJECT), {})
        totals: dict[str, int] = {}
        for counts in own.values():
            for verdict, count in counts.items():
                totals[verdict] = totals.get(verdict, 0) + count
        found.append(
            part(
                Client,
                row,
                verdicts=_in_order(totals),
                params={name: _in_order(counts) for name, counts in own.items()},
            )
        )
    return tuple(sorted(found, key=_worst_first))


def verdict_counts(rec: Recording) -> list[Row]:
    """How many verdicts of each kind by client, origin, dialect and parameter."""
    return rec.once(
        "report.verdict_counts",
        lambda: counted(verdicts(rec).lazy, *_SUBJECT, "param", "verdict"),
    )


def _in_order(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (_ORDER.get(item[0], 99), item[0])))


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
