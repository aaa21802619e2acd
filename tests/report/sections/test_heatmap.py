"""The heatmap of clients and parameters."""

import msgspec
import pytest

from statetrail.report.sections.heatmap import MAX_COLUMNS, MAX_ROWS, heatmaps
from support.audits import document

CLIENT = document().clients[0]


@pytest.mark.parametrize(
    ("verdicts", "share", "grade"),
    [
        ({"honoured": 5}, 1.0, 0),
        ({"honoured": 9, "stale": 1}, 0.9, 1),
        ({"honoured": 1, "omitted": 1}, 0.5, 2),
        ({"honoured": 1, "omitted": 9, "in-flight": 50}, 0.1, 3),
        ({"defied": 3}, 0.0, 4),
    ],
    ids=["all", "nearly all", "half", "few", "none"],
)
def test_a_cell_is_the_share_honoured_and_its_grade(
    verdicts: dict[str, int], share: float, grade: int
) -> None:
    """Only verdicts that count are in it."""
    client = msgspec.structs.replace(CLIENT, params={"A": verdicts, "B": {"honoured": 1}})
    (heat,) = heatmaps([client])
    cell = heat.rows[0].cells[0]
    assert cell is not None
    assert (cell.share, cell.grade) == (share, grade)


def test_a_dialect_of_one_parameter_has_no_heatmap() -> None:
    """The table of clients says it all."""
    assert heatmaps([msgspec.structs.replace(CLIENT, params={"A": {"honoured": 1}})]) == ()
    assert heatmaps([]) == ()


def test_many_clients_and_parameters_are_capped_with_their_count() -> None:
    """The parameters with most faults are kept; what is nowhere judged is no column."""
    params = {f"P{n:02}": {"honoured": 1, "stale": n} for n in range(30)}
    many = [msgspec.structs.replace(CLIENT, params=params | {"X": {"foreign": 1}})] * 99
    (heat,) = heatmaps(many)
    assert (len(heat.rows), heat.all_rows, heat.all_columns) == (MAX_ROWS, 99, 30)
    assert heat.columns == tuple(f"P{n}" for n in range(30 - MAX_COLUMNS, 30))
