"""The heatmap: which client obeys which parameter, at a glance; made of the clients.

Enters: the clients of a document. Leaves: rows and columns of shares, the worst first, capped.
"""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from statetrail.analyses.conformance.verdict import FAULTS, HONOURED
from statetrail.report.section import Section
from statetrail.report.sections.clients import Client

MAX_ROWS: Final = 40
MAX_COLUMNS: Final = 14
GRADES: Final = (1.0, 0.9, 0.5, 0.0)
"""A share of at least so much is of grade 0, 1, 2, 3; the last, where nothing was honoured, 4."""


class HeatmapSection(Section, frozen=True, kw_only=True):
    """Which client obeys which parameter; it has no part of its own in `audit.json`."""

    title: ClassVar = "Who obeys what"


class Cell(NamedTuple):
    """How much of what counts was honoured, and the grade that colours it."""

    share: float
    judged: int
    grade: int


class Row(NamedTuple):
    """One client at one origin, with a cell for each column; `None`: nothing to judge."""

    client: str
    origin: str
    cells: tuple[Cell | None, ...]


class Heatmap(NamedTuple):
    """The rows and the names of their columns, with how many there are in all."""

    dialect: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    all_columns: int
    all_rows: int


def heatmaps(clients: Sequence[Client]) -> tuple[Heatmap, ...]:
    """Who obeys which parameter, one heatmap a dialect, the clients in the order given.

    A dialect with a single parameter has none: the table of clients shows the same.
    """
    names = sorted({client.dialect for client in clients})
    found = [
        _heatmap(name, [client for client in clients if client.dialect == name]) for name in names
    ]
    return tuple(one for one in found if len(one.columns) > 1 and one.rows)


def _heatmap(dialect: str, clients: Sequence[Client]) -> Heatmap:
    judged, faulty = Counter[str](), Counter[str]()
    for client in clients:
        for name, verdicts in client.params.items():
            faults = sum(verdicts.get(fault, 0) for fault in FAULTS)
            judged[name] += faults + verdicts.get(HONOURED, 0)
            faulty[name] += faults
    # Where there are too many, those with most faults are kept, in the order of their names.
    known = [name for name in judged if judged[name]]
    known.sort(key=lambda name: (-faulty[name], -judged[name], name))
    columns = tuple(sorted(known[:MAX_COLUMNS]))
    rows = [client for client in clients if client.judged]
    shown = tuple(
        Row(client.client, client.origin, tuple(_cell(client, name) for name in columns))
        for client in rows[:MAX_ROWS]
    )
    return Heatmap(dialect, columns, shown, len(known), len(rows))


def _cell(client: Client, name: str) -> Cell | None:
    verdicts = client.params.get(name, {})
    honoured = verdicts.get(HONOURED, 0)
    judged = honoured + sum(verdicts.get(fault, 0) for fault in FAULTS)
    if not judged:
        return None
    share = honoured / judged
    grade = 4 if not honoured else next(at for at, least in enumerate(GRADES) if share >= least)
    return Cell(share, judged, grade)
