"""Tables on terminals of any width."""

import io
import sys

import pytest

from statetrail.cli.output.terminal import Terminal

COLUMNS = ("client", "origin", "requests", "faults")
ROWS = [
    ("127.0.0.1 | shopper/1.2 of a long name", "https://shop.example:8443", "12", "3 stale Ticket"),
    ("127.0.0.1 | other/2", "https://shop.example:8443", "1", ""),
]


def lines(monkeypatch: pytest.MonkeyPatch, columns: int) -> list[str]:
    """What is shown of the rows on a terminal of that width."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    out = io.StringIO()
    Terminal(file=out, width=columns).write_rows("Clients", COLUMNS, ROWS, iter, most=2)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_is_as_wide_as_its_terminal(monkeypatch, columns) -> None:
    """No line is longer, and no column is narrower than a word."""
    shown = lines(monkeypatch, columns)
    assert max(map(len, shown)) <= columns
    assert any("127.0.0.1 |" in line for line in shown)


def test_a_narrow_terminal_gets_a_paragraph_a_row(monkeypatch) -> None:
    """With the names of what is there."""
    assert lines(monkeypatch, 50) == [
        "Clients",
        "  127.0.0.1 | shopper/1.2 of a long name",
        "      origin https://shop.example:8443; requests",
        "      12; faults 3 stale Ticket",
        "  127.0.0.1 | other/2",
        "      origin https://shop.example:8443; requests 1",
    ]
