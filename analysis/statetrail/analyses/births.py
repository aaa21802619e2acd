"""Births: when each value was first issued, and whether that came before its first use.

Enters: a recording. Leaves: lazy frames with one row per client, origin, dialect, parameter and
value, which the analyses of lives and of changes start from.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.values import NEVER, SERIES, issues, presentations
from statetrail.frames import Lazy, Recording

VALUE: Final = (*SERIES, "fingerprint")


def births(rec: Recording) -> Lazy:
    """When each issued value came into being.

    Returns
    -------
    Lazy
        Columns `VALUE`, ``first_issued_us``, and two that are null where a request presented the
        value before it was issued, so that its birth was not seen: ``born_us``, when the first
        response that issued it had ended (null where none ended), and ``conceived_us``, when the
        first request that was answered with it began.
    """
    seen = nw.col("birth_seen")
    return issued_values(rec).select(
        *VALUE,
        "first_issued_us",
        born_us=nw.when((nw.col("ended_us") != NEVER) & seen).then("ended_us"),
        conceived_us=nw.when(seen).then("asked_us"),
    )


def issued_values(rec: Recording) -> Lazy:
    """The values that were issued: their facts, and whether that came before their first use."""
    issued = (
        issues(rec)
        .group_by(*VALUE)
        .agg(
            *(nw.col(name).max() for name in ("value", "length", "alphabet")),
            nw.col("asked_us").min(),
            nw.col("ended_us").min(),
            issues=nw.col("exchange_id").count(),
            first_issued_us=nw.col("begun_us").min(),
            last_issued_us=nw.col("begun_us").max(),
        )
    )
    shown = presentations(rec).group_by(*VALUE).agg(first_presented_us=nw.col("asked_us").min())
    unused = nw.col("first_presented_us").is_null()
    return (
        issued.join(shown, on=list(VALUE), how="left")
        .with_columns(
            birth_seen=unused | (nw.col("first_issued_us") < nw.col("first_presented_us"))
        )
        .drop("first_presented_us")
    )
