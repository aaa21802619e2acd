"""The values that were issued and presented, with their client, their origin and their times.

Enters: a recording. Leaves: lazy frames with one row per exchange and value, which the other
analyses start from. Malformed issues are apart, since they bind nobody; the dialects that the
recording is not judged by are left out. A time that the capture does not know is replaced here,
once, so that no analysis has to think of nulls again.
"""

from collections.abc import Callable
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

SERIES: Final = ("client", "origin", "dialect", "param")
"""What one run of values belongs to."""
SEEN: Final = ("exchange_id", "dialect", "param", "fingerprint")
"""What identifies one value in one exchange."""
NEVER: Final = 2**62
"""A time after every time, in microseconds: the end of a response that did not end."""


def issues(rec: Recording) -> Lazy:
    """The well-formed issued values, one row per exchange and value.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``fingerprint``, ``value``, ``length``, ``alphabet``,
        ``usage``, ``priority`` and the int64 times in microseconds ``asked_us`` (start of the
        request), ``begun_us`` (start of the response; where not known, the end or else the start
        of the request) and ``ended_us`` (end of the response, never before ``begun_us``; `NEVER`
        where it did not end).
    """
    return collected(rec, "issues", _issues)


def _issues(rec: Recording) -> Lazy:
    # One exchange may issue a value twice, in two channels: that is one issue.
    issued = (
        _judged(rec, rec.issued.lazy)
        .filter(nw.col("problem").is_null())
        .group_by(*SEEN)
        .agg(
            *(nw.col(name).max() for name in ("value", "length", "alphabet", "usage")),
            # `forced` sorts before `informational`: the stricter one counts.
            nw.col("priority").min(),
        )
    )
    return issued.join(_times(rec), on="exchange_id", how="inner")


def presentations(rec: Recording) -> Lazy:
    """The presented values, one row per exchange and value; only ``kind`` ``value``.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``ordinal`` (of the value's first appearance in the
        request), ``fingerprint``, ``value``, ``status`` (null: no response) and the times of
        `issues`.
    """
    return collected(rec, "presentations", _presentations)


def _presentations(rec: Recording) -> Lazy:
    presented = (
        _judged(rec, rec.presented.lazy)
        .filter(nw.col("kind") == "value")
        .group_by(*SEEN)
        .agg(nw.col("ordinal").min(), nw.col("value").max())
    )
    return presented.join(_times(rec), on="exchange_id", how="inner")


def seconds(span_us: nw.Expr) -> nw.Expr:
    """A span of microseconds in seconds, the same to the last bit on every engine.

    Polars multiplies by the reciprocal where it divides by a constant: so the divisor is none.
    """
    return span_us / (span_us * 0 + 1_000_000)


def collected(rec: Recording, name: str, compute: Callable[[Recording], Lazy]) -> Lazy:
    """The frame, computed once per recording: for what several analyses start from."""

    def collect() -> Lazy:
        lazy = compute(rec)
        table: pa.Table = lazy.collect("pyarrow").to_native()
        columns = lazy.collect_schema().names()
        return rec.place(table.select(columns).replace_schema_metadata(None))

    return rec.once(f"values.{name}", collect)


def _judged(rec: Recording, sightings: Lazy) -> Lazy:
    return sightings.filter(nw.col("dialect").is_in([dialect.name for dialect in rec.dialects]))


def _times(rec: Recording) -> Lazy:
    begun = nw.coalesce("response_start_us", "request_end_us", "request_start_us")
    ended = nw.col("response_end_us").fill_null(NEVER)
    # A clock that was set back must not let a response begin before its request, nor end before
    # it began.
    return (
        rec.exchanges_with_client()
        .with_columns(begun_us=nw.max_horizontal(begun, "request_start_us"))
        .select(
            "exchange_id",
            "client",
            "origin",
            "status",
            "begun_us",
            asked_us=nw.col("request_start_us"),
            ended_us=nw.max_horizontal(ended, "begun_us"),
        )
    )
