"""Tables in a notebook's output cell: small HTML in which nothing from the network can act.

Enters: columns of the catalogue and a few rows. Leaves: HTML. Text is escaped and bounded, without
characters that are invisible or turn its direction; what stands between dollars is no formula.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final

from statetrail.extract.text import clean
from statetrail.schema import Column, pseudonym
from statetrail.schema.columns import Type

MAX_SHOWN: Final = 200
"""Characters of a cell."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STYLES: Final[dict[Type, str]] = {
    "int": "text-align: right",
    "float": "text-align: right",
    "timestamp": "text-align: left; white-space: nowrap",
}


def html_rows(
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    caption: str,
    most: int = MAX_SHOWN,
) -> str:
    """Rows as an HTML table, with at most so many characters in a cell.

    The title of a heading says what its column means.
    """
    styles = {c.name: _STYLES.get(c.type, "text-align: left") for c in columns}
    heads = "".join(
        f'<th style="{styles[c.name]}" title="{escape(meaning(c))}">{escape(heading(c))}</th>'
        for c in columns
    )
    lines = (
        "<tr>"
        + "".join(
            f'<td style="{styles[c.name]}">{escape(cell(c, row[c.name], most))}</td>'
            for c in columns
        )
        + "</tr>"
        for row in rows
    )
    table = (
        f'<table class="dataframe"><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody>'
        "</table>"
    )
    return inert(f"<p>{escape(caption)}</p>{table}")


def inert(html: str) -> str:
    """HTML of escaped text, in which a notebook sets no formulas."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'


def heading(column: Column) -> str:
    """The name of a column as pandas has it: a time without its unit."""
    return column.name.removesuffix("_us") if column.type == "timestamp" else column.name


def meaning(column: Column) -> str:
    """What a column says, and what null means in it."""
    return column.description + (f"; null: {column.null}" if column.null else "")


def cell(column: Column, value: Any, most: int = MAX_SHOWN) -> str:
    """A value as text: a time in UTC to the millisecond, a fingerprint as its pseudonym."""
    if value is None:
        return ""
    if column.type == "fingerprint":
        return pseudonym(value)
    if column.type == "timestamp":
        return moment(value)
    if column.type == "float":
        return f"{value:,.6g}"
    return clean(str(value), most)


def moment(time_us: int) -> str:
    """A time in UTC to the millisecond; one beyond the calendar as its number.

    >>> moment(1_772_442_000_123_456), moment(2**62)
    ('2026-03-02 09:00:00.123', '4611686018427387904')
    """
    try:
        at = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return str(time_us)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
