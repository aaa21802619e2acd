"""Looking back: what had happened in a group by a certain moment, in NumPy.

Enters: points of groups, each at a moment. Leaves: running maxima over them, looked up at other
moments. Groups and moments are small non-negative integers, so that a group and a moment together
are one integer to sort and to search by.
"""

import itertools
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]

NOTHING: Final = -1
"""The maximum of no points at all."""

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


class AsOfIndex:
    """The points of groups in order of time.

    Parameters
    ----------
    group, moment
        Of each point; shape (points,).
    span
        More than any moment of a point or of a question.

    Examples
    --------
    >>> index = AsOfIndex(np.array([0, 0, 1]), np.array([5, 9, 7]), span=10)
    >>> known = index.maxima(np.array([30, 20, 40]))
    >>> known[index.at(np.array([0, 0, 1, 1]), np.array([4, 9, 6, 8]))]
    array([-1, 30, -1, 40])
    """

    def __init__(self, group: Ints, moment: Ints, span: int) -> None:
        self._span = span
        self._key = group * span + moment
        self._order: Ints | None = None
        if (self._key[1:] < self._key[:-1]).any():
            self._order = np.argsort(self._key)
            self._key = self._key[self._order]
        self._group = self._ordered(group)

    def _ordered(self, column: Ints) -> Ints:
        return column if self._order is None else column[self._order]

    def at(self, group: Ints, moment: Ints, *, inclusive: bool = True) -> Ints:
        """For each question the place of the last point of its group by that moment.

        Points at the very moment count where `inclusive`. The place is one for `maxima`: -1, its
        last entry, where there is no such point.
        """
        base = group * self._span
        place = np.searchsorted(self._key, base + moment, "right" if inclusive else "left") - 1
        if len(self._key):
            place[self._key[place] < base] = NOTHING
        return place

    def last(self, group: Ints, moment: Ints, *, inclusive: bool = True) -> Ints:
        """For each question the last point of its group by that moment, -1 for none.

        Points are named by their place in what this was made of. Of several at that moment it is
        any.
        """
        place = self.at(group, moment, inclusive=inclusive)
        return place if self._order is None else np.append(self._order, NOTHING)[place]

    def after(self, group: Ints, moment: Ints) -> Ints:
        """For each question the first point of its group after that moment, -1 for none.

        Points are named by their place in what this was made of. Of several at that moment it is
        any.
        """
        place = np.searchsorted(self._key, group * self._span + moment, "right")
        inside = place < len(self._key)
        inside[inside] = self._group[place[inside]] == group[inside]
        found = np.full(len(place), NOTHING, dtype=np.int64)
        found[inside] = place[inside] if self._order is None else self._order[place[inside]]
        return found

    def maxima(self, values: Ints) -> Ints:
        """The running maxima of values in [-1, span), and last of all `NOTHING`."""
        width = self._span + 1
        base = self._group * width
        known = np.empty(len(values) + 1, dtype=np.int64)
        np.maximum.accumulate(self._ordered(values) + base + 1, out=known[:-1])
        known[:-1] -= base + 1
        # What was carried over from the group before lies below every value of this one.
        np.maximum(known, NOTHING, out=known)
        known[-1] = NOTHING
        return known


def ranked(*times: Ints) -> tuple[list[Ints], Ints]:
    """The times as ranks that compare as they do, and the time of each rank.

    >>> ranked(np.array([700, 300]), np.array([300, 900]))
    ([array([1, 0]), array([0, 2])], array([300, 700, 900]))
    """
    every = np.concatenate(times)
    order = np.argsort(every)
    every = every[order]
    begins = run_begins(every)
    ranks = np.empty(len(every), dtype=np.int64)
    ranks[order] = np.cumsum(begins) - 1
    cuts = np.cumsum([len(each) for each in times])[:-1]
    return np.split(ranks, cuts), every[np.flatnonzero(begins)]


def ordered(key: Ints, *then: Ints) -> Ints:
    """The order by a key, and by the other columns where that is the same.

    >>> ordered(np.array([5, 3, 5]), np.array([8, 9, 7]))
    array([1, 2, 0])
    """
    # NumPy sorts one column with vector instructions, and several without: so only ties meet these.
    order = np.argsort(key)
    same = np.flatnonzero(np.diff(key[order]) == 0)
    if len(same):
        tied = np.zeros(len(key), dtype=np.bool_)
        tied[same] = tied[same + 1] = True
        rows = order[tied]
        columns = (rows, *(column[rows] for column in reversed(then)), key[rows])
        order[tied] = rows[np.lexsort(columns)]
    return order


def among(keys: Ints, wanted: Ints) -> Ints:
    """The place of each wanted key in sorted, distinct keys; -1 where it is not there."""
    place = np.searchsorted(keys, wanted)
    inside = place < len(keys)
    inside[inside] = keys[place[inside]] == wanted[inside]
    return np.where(inside, place, NOTHING)


def unique(keys: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    """The distinct keys in order.

    >>> unique(np.array([7, 2, 7]))
    array([2, 7])
    """
    # np.unique hashes what NumPy sorts ten times as fast with vector instructions.
    every = np.sort(keys, axis=None)
    return every[run_begins(every)]


def within(keys: Ints, wanted: Ints) -> Bools:
    """Which keys are among the wanted ones, which may be in any order.

    >>> within(np.array([7, 2, 9]), np.array([9, 7, 7]))
    array([ True, False,  True])
    """
    found: Bools = among(unique(wanted), keys) != NOTHING
    return found


def numbered(*columns: Ints) -> tuple[Ints, Ints]:
    """Numbers for the distinct rows of integer columns, and a place where each of them stands.

    The numbers are in no order, but the same rows always get the same ones.

    >>> number, place = numbered(np.array([2, 1, 2, 2]), np.array([7, 9, 7, 3]))
    >>> bool(number[0] == number[2]), len(place)
    (True, 3)
    """
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _MULTIPLIER + column.view(np.uint64)
    coded = pc.dictionary_encode(pa.array(mixed))
    number, count = coded.indices.to_numpy().astype(np.int64), len(coded.dictionary)
    place = np.empty(count, dtype=np.int64)
    place[number] = np.arange(len(number), dtype=np.int64)
    if not all(np.array_equal(column[place][number], column) for column in columns):
        # Two rows of one mix: compare them column by column.
        order = np.lexsort(columns)
        begins = np.logical_or.reduce([run_begins(column[order]) for column in columns])
        number[order] = np.cumsum(begins) - 1
        place = order[begins]
    return number, place


def mixed(keys: Ints) -> npt.NDArray[np.uint64]:
    """Keys as well mixed integers: the least of them are a sample."""
    product: npt.NDArray[np.uint64] = keys.view(np.uint64) * _MULTIPLIER
    return product ^ (product >> np.uint64(31))


def distinct(keys: Ints, span: int) -> tuple[Ints, Ints]:
    """The distinct keys in [0, span) in order, and the place of each key among them.

    >>> distinct(np.array([7, 2, 7]), 10)
    (array([2, 7]), array([1, 0, 1]))
    """
    if span > 4 * len(keys) + 1024:
        found, place = np.unique(keys, return_inverse=True)
        return found, place
    seen = np.zeros(span, dtype=np.bool_)
    seen[keys] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[keys]


def foremost(
    group: Ints, count: int, by: Sequence[Ints], times: Ints | None = None
) -> tuple[Ints, Ints]:
    """The first entries of each group and its last, and how many entries each of them stands for.

    A group of more than `count` entries has that many and the last, which stands for itself and
    for those in between.

    Parameters
    ----------
    by
        The columns that say which entry comes first.
    times
        How many each entry stands for already, by default 1.

    Examples
    --------
    >>> foremost(np.array([7, 7, 7, 7, 3]), 1, [np.array([30, 10, 40, 20, 50])])
    (array([4, 1, 2]), array([1, 1, 3]))
    """
    times = np.ones(len(group), dtype=np.int64) if times is None else times
    order = np.argsort(group, kind="stable")
    cuts = [*np.flatnonzero(run_begins(group[order])).tolist(), len(order)]
    places, stand_for = [], []
    for first, last in itertools.pairwise(cuts):
        own = order[first:last]
        stands = times[own]
        if len(own) > count:
            # Only those that may be among the first, or the last, have to be sorted.
            key = by[0][own]
            early = own[key <= np.partition(key, count - 1)[count - 1]]
            late = own[key == key.max()]
            head = early[np.lexsort([column[early] for column in reversed(by)])][:count]
            last_one = late[np.lexsort([column[late] for column in reversed(by)])][-1]
            rest = stands.sum() - times[head].sum()
            own, stands = np.append(head, last_one), np.append(times[head], rest)
        stand_for.append(stands)
        places.append(own)
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([none, *places]), np.concatenate([none, *stand_for])


def run_begins(ordered: npt.NDArray[np.generic]) -> Bools:
    """Where a run of equal entries begins."""
    begins = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return begins


class Rows(Protocol):
    """A dataclass of arrays of one length."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def chosen[T: Rows](rows: T, which: Bools) -> T:
    """The rows of arrays for which the flag is set."""
    if which.all():
        return rows
    places = np.flatnonzero(which)
    return replace(rows, **{f.name: getattr(rows, f.name)[places] for f in fields(rows)})


def concatenated[T: Rows](several: Sequence[T]) -> T:
    """The rows of several, one after the other."""
    names = [entry.name for entry in fields(several[0])]
    return replace(
        several[0],
        **{name: np.concatenate([getattr(rows, name) for rows in several]) for name in names},
    )
