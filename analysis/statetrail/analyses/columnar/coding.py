"""Columns as codes: words as places in the list of the distinct ones.

Enters: columns as Arrow. Leaves: integer arrays, and what each integer stands for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, distinct

type Words = npt.NDArray[np.int8]
"""Words from a short list, as codes."""
type Coded = tuple[Ints, list[Any]]
"""A column as places in the list of its distinct entries, and that list."""


def coded(column: pa.ChunkedArray) -> Coded:
    """A column as places in the list of its distinct entries; null is the last of them."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    words = whole.dictionary.to_pylist()
    code = whole.indices.fill_null(len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
    return code, [*words, None]


def integers(column: pa.ChunkedArray, missing: int = 0) -> Ints:
    """An integer column as an array."""
    if column.null_count:
        column = column.fill_null(missing)
    return cast("npt.NDArray[np.int64]", column.to_numpy())


def placed(column: pa.ChunkedArray, texts: dict[str, int]) -> Ints:
    """The column's words as places in `texts`, where new ones are added; -1 for none."""
    code, words = coded(column)
    places = [NOTHING if word is None else texts.setdefault(word, len(texts)) for word in words]
    return np.array(places, dtype=np.int64)[code]


def numbered_words(column: pa.ChunkedArray, numbers: Mapping[str, int], otherwise: int) -> Words:
    """The column's words as the numbers given."""
    code, words = coded(column)
    return np.array([numbers.get(word or "", otherwise) for word in words], dtype=np.int8)[code]


def paired(first: Coded, second: Coded) -> tuple[Ints, tuple[tuple[Any, Any], ...]]:
    """The pairs of two coded columns: their numbers, and what each number stands for."""
    code, (one, two) = combined([first, second])
    return code, tuple((first[1][a], second[1][b]) for a, b in zip(one, two, strict=True))


def named(
    table: pa.Table, names: Sequence[str], name: Callable[[pa.Table], pa.Array | pa.ChunkedArray]
) -> Coded:
    """A name made of some columns, coded: it is made once for each distinct row of them."""
    columns = [coded(table[column]) for column in names]
    code, numbers = combined(columns)
    rows = pa.table(
        [
            pa.array([words[n] for n in row], pa.int64() if column == "port" else pa.string())
            for column, (_, words), row in zip(names, columns, numbers, strict=True)
        ],
        names=list(names),
    )
    places: dict[Any, int] = {}
    place = [places.setdefault(word, len(places)) for word in name(rows).to_pylist()]
    return np.array(place, dtype=np.int64)[code], list(places)


def combined(columns: Sequence[Coded]) -> tuple[Ints, list[list[int]]]:
    """The distinct rows of coded columns: each row's number, and the codes of each number."""
    code, rows = columns[0][0], [list(range(len(columns[0][1])))]
    for codes, words in columns[1:]:
        width = max(len(words), 1)
        keys, code = distinct(code * width + codes, len(rows[0]) * width)
        left, right = (keys // width).tolist(), (keys % width).tolist()
        rows = [[row[n] for n in left] for row in rows] + [right]
    return code, rows


def largest(count: int, value: Ints, which: Bools, numbers: Ints) -> Ints:
    """The largest number of each value, -1 for none."""
    found = np.full(count, NOTHING, dtype=np.int64)
    if numbers.max(initial=NOTHING) > NOTHING:
        np.maximum.at(found, value[which], numbers[which])
    return found
