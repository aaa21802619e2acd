"""Tables on terminals of any width."""

import io
import sys

import pytest
from rich.console import Console

from statetrail.cli.output.terminal import Terminal
from statetrail.report.render.terminal import text

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


@pytest.mark.parametrize(
    ("cell", "width", "folded"),
    [
        ("a token-kept-after-reset", 14, ["a token-kept-", "after-reset"]),
        ("https://shop.example:8443", 14, ["https://", "shop.example:", "8443"]),
        ("ends (26 %) of 3.60-4.21 s", 12, ["ends (26 %)", "of", "3.60-4.21 s"]),
        ("stale _session_token, 1", 16, ["stale", "_session_token,", "1"]),
        ("abcdefghijkl", 5, ["abcde", "fghij", "kl"]),
        ("\u6771\u4eac\u6771\u4eac", 5, ["\u6771\u4eac", "\u6771\u4eac"]),
    ],
)
def test_names_are_folded_after_the_signs_that_divide_them(cell, width, folded) -> None:
    """Words, parts of names, and numbers with their units stay whole where they have room."""
    assert [line.plain for line in text(cell).wrap(Console(), width)] == folded


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
