"""What had happened by a certain moment: running maxima and sums over two merged event streams.

Enters: *points* (things that happened) and *asks* (moments to look back from). Leaves: the asks,
each with the greatest value, or the sum, of the points before it. One union, one sort, one pass,
and no join on an inequality: it works the same on every engine, also where there is no as-of join.
"""

from collections.abc import Sequence
from typing import Final

import narwhals as nw

from statetrail.recording.engines import Lazy

_NOTHING: Final = -(2**63) + 1


def as_of(
    points: Lazy,
    asks: Lazy,
    *,
    by: Sequence[str],
    at: Sequence[str],
    inclusive: bool,
    carry: Sequence[str],
    maxima: Sequence[str] = (),
    sums: Sequence[str] = (),
) -> Lazy:
    """For each ask, the maxima and sums over the points of the same group that came before it.

    Parameters
    ----------
    points
        Columns `by`, `at`, `maxima`, `sums`; the latter two int64, null where a point says nothing.
    asks
        Columns `by`, `at`, `carry`.
    by, at
        The group, and the moment: one or several integer columns compared in order.
    inclusive
        Whether a point at the very moment of the ask counts as before it.
    carry
        Integer columns of `asks` that are handed through.

    Returns
    -------
    Lazy
        One row per ask: `by`, `at`, `carry`, `maxima` (null: no such point), `sums`.
    """
    side = nw.lit(0 if inclusive else 1, dtype=nw.Int64)
    happened = points.select(
        *by,
        *at,
        *(nw.lit(0, dtype=nw.Int64).alias(name) for name in carry),
        *(nw.col(name).fill_null(_NOTHING) for name in maxima),
        *(nw.col(name).fill_null(0) for name in sums),
        _side=side,
    )
    asked = asks.select(
        *by,
        *at,
        *carry,
        *(nw.lit(_NOTHING, dtype=nw.Int64).alias(name) for name in maxima),
        *(nw.lit(0, dtype=nw.Int64).alias(name) for name in sums),
        _side=1 - side,
    )
    order = [*at, "_side"]
    merged = nw.concat([happened, asked], how="vertical").with_columns(
        *(nw.col(name).cum_max().over(*by, order_by=order) for name in maxima),
        # Sums are wider than int64 in DuckDB.
        *(nw.col(name).cum_sum().over(*by, order_by=order).cast(nw.Int64) for name in sums),
    )
    return merged.filter(nw.col("_side") == 1 - side).select(
        *by,
        *at,
        *carry,
        *(nw.when(nw.col(name) != _NOTHING).then(nw.col(name)).alias(name) for name in maxima),
        *sums,
    )
