"""Counting on the engine, and plain values for the document.

Enters: lazy frames and stored numbers. Leaves: few rows of plain Python, in an order that does
not depend on the engine.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.coding import coded
from statetrail.recording.engines import Lazy
from statetrail.schema import pseudonym

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US: Final = -62_135_596_800_000_000
_LAST_US: Final = 253_402_300_799_999_999

_AT_A_TIME: Final = 1000

type Row = dict[str, Any]

SUBJECT: Final = ("origin", "dialect", "param")
"""The columns that name a parameter at an origin."""


def rows(lazy: Lazy, *order: str) -> list[Row]:
    """The rows of a small lazy frame, sorted by the named columns, null first."""
    listed: list[Row] = sorted_table(lazy, *order).to_pylist()
    return listed


def sorted_table(lazy: Lazy, *order: str) -> pa.Table:
    """The rows of a lazy frame as an Arrow table, sorted by the named columns, null first."""
    found: pa.Table = lazy.collect("pyarrow").to_native()
    if order and found.num_rows > 1:
        keys = [(name, "ascending", "at_start") for name in order]
        found = found.take(pc.sort_indices(found, sort_keys=keys))
    return found


def each_row(table: pa.Table) -> Iterator[Row]:
    """The rows one after the other: as dictionaries, all of a large table take much memory."""
    for part in parts(table):
        yield from part.to_pylist()


def parts(table: pa.Table) -> Iterator[pa.Table]:
    """The rows of a table, some at a time."""
    for batch in table.to_batches(_AT_A_TIME):
        yield pa.Table.from_batches([batch])


def columns(table: pa.Table, *names: str) -> list[list[Any]]:
    """Some columns of a table as lists, in which equal texts are one object."""
    listed = []
    for name in names:
        column = table[name]
        if pa.types.is_string(column.type):
            code, words = coded(column)
            listed.append([words[at] for at in code.tolist()])
        else:
            listed.append(column.to_pylist())
    return listed


def counted(lazy: Lazy, *by: str) -> list[Row]:
    """How many rows there are of each combination of `by`: those columns and ``count``."""
    return rows(lazy.group_by(*by).agg(count=nw.len()), *by)


def largest(lazy: Lazy, column: str, most: int, *by: str) -> list[Row]:
    """The rows with the largest numbers in a column, ties by the columns `by`."""
    order = ("order", *by)
    ranks = lazy.with_columns(order=nw.col(column).cast(nw.Int64) * -1)
    return rows(ranks.sort(*order).head(most), *order)


def total(lazy: Lazy) -> int:
    """How many rows a lazy frame has."""
    return int(lazy.select(count=nw.len()).collect("pyarrow").to_native()["count"][0].as_py())


def key(row: Row, names: Iterable[str] = SUBJECT) -> tuple[Any, ...]:
    """The cells of these columns."""
    return tuple(map(row.__getitem__, names))


def nested(
    counts: Iterable[Row], name: str, outer: Iterable[str] = SUBJECT
) -> defaultdict[tuple[Any, ...], Counter[str]]:
    """Counts by the column `name` of each subject (`outer`); a null is left out."""
    found = defaultdict[tuple[Any, ...], Counter[str]](Counter)
    for row in counts:
        if row[name] is not None:
            found[key(row, outer)][row[name]] += int(row["count"])
    return found


def ranked(counts: Mapping[str, int], most: int | None = None) -> dict[str, int]:
    """Counts, the largest first, ties by name; at most `most` of them."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(order[:most])


def moment(us: int | None) -> datetime | None:
    """A stored time as a datetime; one that no calendar has is put at the calendar's end."""
    if us is None:
        return None
    return _EPOCH + timedelta(microseconds=min(max(us, _FIRST_US), _LAST_US))


def known[T](value: T | None) -> T:
    """The value, which is there."""
    assert value is not None
    return value


def seconds(span_s: float | None) -> float | None:
    """A span in seconds, rounded to the microsecond, so that engines agree on the last digit."""
    return None if span_s is None else round(span_s, 6)


def of_row[T: msgspec.Struct](kind: type[T], row: Row, **more: Any) -> T:
    """A part of the document from a row: the columns that it has fields for, and `more`.

    Columns named ``*_us`` become datetimes without the suffix; those named ``*_s`` are rounded
    (`seconds`).
    """
    fields = dict(more)
    for name, field, convert in _conversions(kind, tuple(row)):
        if field not in more:
            fields[field] = row[name] if convert is None else convert(row[name])
    return kind(**fields)


@functools.cache
def _conversions(
    kind: type[msgspec.Struct], names: tuple[str, ...]
) -> tuple[tuple[str, str, Callable[[Any], Any] | None], ...]:
    """The columns that become fields, each with its field and what its values are put through."""
    ends: dict[str, Callable[[Any], Any]] = {"_us": moment, "_s": seconds}
    found = []
    for name in names:
        convert = next((each for end, each in ends.items() if name.endswith(end)), None)
        field = name.removesuffix("_us")
        if field in kind.__struct_fields__:
            found.append((name, field, convert))
    return tuple(found)


def shown_value(value: str | None, fingerprint: int) -> str:
    """The value where it is in clear, else its pseudonym."""
    return pseudonym(fingerprint) if value is None else value
