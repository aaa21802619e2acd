"""The clients section: what each client did with the state it was given, the worst first.

Enters: `clients`, `verdicts` and `root_causes`. Leaves: `Client` parts.
"""

from statetrail.analyses.clients import clients
from statetrail.analyses.root_causes import SERVERS, root_causes
from statetrail.analyses.verdicts import VERDICTS, verdict_counts
from statetrail.frames import Recording
from statetrail.report.document import Client
from statetrail.report.gather.counting import Row, part, ranked, rows

_SUBJECT = ("client", "origin", "dialect")
_ORDER = {verdict: at for at, verdict in enumerate(VERDICTS)}


def gather_clients(rec: Recording) -> tuple[Client, ...]:
    """All clients with their verdict counts, in total and by parameter."""
    params: dict[tuple[str, ...], dict[str, dict[str, int]]] = {}
    for row in counted_verdicts(rec):
        subject = tuple(row[name] for name in _SUBJECT)
        params.setdefault(subject, {}).setdefault(row["param"], {})[row["verdict"]] = row["count"]
    excused = _excused(rec)
    found = []
    for row in clients(rec).rows():
        subject = tuple(row[name] for name in _SUBJECT)
        own = params.get(subject, {})
        totals: dict[str, int] = {}
        for counts in own.values():
            for verdict, count in counts.items():
                totals[verdict] = totals.get(verdict, 0) + count
        found.append(
            part(
                Client,
                row,
                excused=ranked(excused.get(subject, {})),
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


def _excused(rec: Recording) -> dict[tuple[str, ...], dict[str, int]]:
    """The faults with a cause of the server's, by that cause, of each client, origin, dialect."""
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for row in root_causes(rec).rows():
        if row["cause"] in SERVERS:
            causes = found.setdefault(tuple(row[name] for name in _SUBJECT), {})
            causes[row["cause"]] = causes.get(row["cause"], 0) + row["count"]
    return found


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
