"""Tallies: how often something happened, of how often it could have, and when.

Enters: arrays with an entry for each time that it happened. Leaves: tables that stay small whatever
the size of the recording: of each parameter the first times that something happened, and the last,
which stands for all others.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Ints, foremost
from statetrail.analyses.columnar.coding import Coded, coded, combined, integers
from statetrail.analyses.columnar.result_rows import words
from statetrail.schema import DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

FIRST: Final = 20
"""Times of one parameter that have a row of their own: what a finding shows."""

_SUBJECT: Final = ("tally", "origin", "dialect", "param")
_ORDER: Final = ("observed_us", "exchange_id", "detail")
_MANY_ROWS: Final = 100_000

type Subject = tuple[str, str, str]
"""(origin, dialect, param); empty texts for none."""


def tallies(name: str, row: str) -> Table:
    """A table of tallies; `row` says what they are about."""
    columns = (
        Column("tally", "text", "What is counted"),
        *(ORIGIN, DIALECT, PARAM, EXCHANGE),
        Column("observed_us", "timestamp", "When it happened"),
        Column("detail", "text", "What is particular to it; may be empty"),
        Column("hits", "int", "How often it happened: 1, in the last row more"),
        Column("times", "int", "How often it could have happened: in a row without hits"),
    )
    return Table(name, row, columns, (*_SUBJECT, *_ORDER))


_LAYOUT: Final = tallies("tallies", "").arrow


def tally(
    name: str,
    subjects: Sequence[Subject],
    times: Ints,
    hits: tuple[Ints, Ints, Ints],
    detail: Coded | None = None,
) -> pa.Table:
    """One tally of a bucket.

    Parameters
    ----------
    times
        How often it could have happened to each of the `subjects`.
    hits
        Each time that it happened: the subject as a place, the exchange and the moment.
    detail
        The detail of each hit; null is the empty text.
    """
    subject, exchange, observed_us = hits
    order = [observed_us, exchange]
    texts = np.zeros(len(subject), dtype=np.int64)
    names = [""]
    if detail is not None:
        texts, names = detail[0], [text or "" for text in detail[1]]
        order.append(_ranks(names)[texts])
    row, stand_for = foremost(subject, FIRST, order)
    there = np.flatnonzero(times)
    none = np.zeros(len(there), dtype=np.int64)
    of = np.concatenate([there, subject[row]])
    columns = {
        "tally": pa.repeat(name, len(of)),
        **{
            column: words(of, [each[at] for each in subjects])
            for at, column in enumerate(_SUBJECT[1:])
        },
        "exchange_id": np.concatenate([none - 1, exchange[row]]),
        "observed_us": np.concatenate([none, observed_us[row]]),
        "detail": words(np.concatenate([none, texts[row] + 1]), ["", *names]),
        "hits": np.concatenate([none, stand_for]),
        "times": np.concatenate([times[there], 0 * stand_for]),
    }
    return pa.table(columns).cast(_LAYOUT)


class Tallies:
    """The tallies of several buckets as one."""

    def __init__(self) -> None:
        self._held = [_LAYOUT.empty_table()]

    def add(self, tallies: pa.Table) -> None:
        """Add those of a bucket."""
        self._held.append(tallies)
        if sum(map(len, self._held[1:])) > _MANY_ROWS:
            self._held = [self.rows]

    @property
    def rows(self) -> pa.Table:
        """All of them."""
        return _summed(pa.concat_tables(self._held))


def united(tables: Iterable[pa.Table]) -> pa.Table:
    """The tallies of several buckets as one table."""
    summed = Tallies()
    for each in tables:
        summed.add(each)
    return summed.rows


def _summed(rows: pa.Table) -> pa.Table:
    """The rows with those of one subject put together."""
    subject, _ = combined([coded(rows[name]) for name in _SUBJECT])
    hits, times = integers(rows["hits"]), integers(rows["times"])
    total = np.flatnonzero(hits == 0)
    count = int(subject.max(initial=-1)) + 1
    first = np.full(count, len(rows))
    np.minimum.at(first, subject[total], total)
    summed = np.zeros(count, dtype=np.int64)
    np.add.at(summed, subject[total], times[total])
    first, summed = first[first < len(rows)], summed[first < len(rows)]
    hit = np.flatnonzero(hits)
    details, texts = coded(rows["detail"])
    keys = (integers(rows[name]) for name in _ORDER[:2])
    order = [key[hit] for key in (*keys, _ranks([text or "" for text in texts])[details])]
    place, stand_for = foremost(subject[hit], FIRST, order, hits[hit])
    whole = rows.take(pa.array(np.concatenate([first, hit[place]])))
    counts = {
        "hits": np.concatenate([0 * first, stand_for]),
        "times": np.concatenate([summed, 0 * stand_for]),
    }
    for name, column in counts.items():
        at = _LAYOUT.get_field_index(name)
        whole = whole.set_column(at, _LAYOUT.field(at), pa.array(column))
    return whole


def _ranks(texts: Sequence[str]) -> Ints:
    """The place of each text in their order."""
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return ranks
