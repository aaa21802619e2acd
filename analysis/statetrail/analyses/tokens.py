"""Tokens: each value of each parameter of each client, from its first sighting to its last.

Enters: a recording. Leaves: the table `TOKENS`, one row per client, origin, dialect, parameter
and value, whether it was seen issued, presented or both.

A value is superseded when a response issues another one, and that response began after the last
one that issued this value had ended. Of two responses under way at once neither supersedes the
other: the client may go on with either.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.asof import as_of
from statetrail.analyses.values import NEVER, SERIES, issues, presentations, seconds
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import TOKENS

VALUE: Final = (*SERIES, "fingerprint")


def tokens(rec: Recording) -> Frame:
    """The life of every value: when issued, how often and until when used, when superseded.

    Requests that ask for a value (``kind`` ``establish``) present none; malformed issues bind
    nobody.

    Returns
    -------
    Frame
        `statetrail.schema.TOKENS`. ``observed_s`` runs from the first sighting to the last, where
        a sighting is the start of a response that issued the value or of a request that presented
        it: how long it was seen, not how long it lived.
    """
    return rec.result(TOKENS, lambda: _tokens(rec))


def births(rec: Recording) -> Lazy:
    """When each issued value came into being.

    Returns
    -------
    Lazy
        Columns `VALUE`, ``first_issued_us`` and ``born_us``: when the first response that issued
        the value had ended. Null where none ended, or where a request presented the value before
        it was issued: its birth was not seen.
    """
    return _issued(rec).select(
        *VALUE,
        "first_issued_us",
        born_us=nw.when((nw.col("ended_us") != NEVER) & nw.col("birth_seen")).then("ended_us"),
    )


def _tokens(rec: Recording) -> Lazy:
    first = nw.min_horizontal("first_issued_us", "first_presented_us")
    last = nw.max_horizontal("last_issued_us", "last_presented_us")
    by = list(VALUE)
    issued = _issued(rec).drop("first_presented_us", "ended_us")
    together = issued.join(_superseded(rec), on=by, how="left").join(
        _presented(rec), on=by, how="full"
    )
    return together.select(
        *(nw.coalesce(name, f"{name}_right") for name in VALUE),
        nw.coalesce("value", "value_right"),
        "length",
        "alphabet",
        nw.col("issues").fill_null(0),
        nw.col("uses").fill_null(0),
        "first_issued_us",
        "last_issued_us",
        "first_presented_us",
        "last_presented_us",
        "superseded_us",
        nw.col("birth_seen").fill_null(False),
        observed_s=seconds(last - first),
    )


def _issued(rec: Recording) -> Lazy:
    """The values that were issued: their facts, and whether that came before their first use."""
    issued = (
        issues(rec)
        .group_by(*VALUE)
        .agg(
            *(nw.col(name).max() for name in ("value", "length", "alphabet")),
            nw.col("ended_us").min(),
            issues=nw.col("exchange_id").count(),
            first_issued_us=nw.col("begun_us").min(),
            last_issued_us=nw.col("begun_us").max(),
        )
    )
    uses = _presented(rec).select(*VALUE, "first_presented_us")
    unused = nw.col("first_presented_us").is_null()
    return issued.join(uses, on=list(VALUE), how="left").with_columns(
        birth_seen=unused | (nw.col("first_issued_us") < nw.col("first_presented_us"))
    )


def _presented(rec: Recording) -> Lazy:
    """The values that were presented."""
    return (
        presentations(rec)
        .group_by(*VALUE)
        .agg(
            nw.col("value").max(),
            uses=nw.col("exchange_id").count(),
            first_presented_us=nw.col("asked_us").min(),
            last_presented_us=nw.col("asked_us").max(),
        )
    )


def _superseded(rec: Recording) -> Lazy:
    """When the first response began that issued another value after the last end of this one.

    Time runs backwards here: the earliest moment after an end is the latest one before it.
    """
    issued = issues(rec)
    return as_of(
        issued.select(*SERIES, at=-nw.col("begun_us"), later=-nw.col("begun_us")),
        issued.group_by(*VALUE).agg(nw.col("ended_us").max()).with_columns(at=-nw.col("ended_us")),
        by=SERIES,
        at=["at"],
        inclusive=False,
        carry=["fingerprint"],
        maxima=["later"],
    ).select(*VALUE, superseded_us=-nw.col("later"))
