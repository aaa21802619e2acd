"""The trail: each time a server moved a client to another value, as the exchange itself shows it.

Enters: a recording. Leaves: a lazy frame, one row per issue of a new value.
`statetrail.analyses.rotations` makes a table of it, and names causes that take more than one
exchange to tell.

When is an issue a rotation?
    Issues of one client, origin, dialect and parameter are ordered by the start of their
    responses, then by the end, then by the exchange id. An earlier issue is *superseded* for a
    later one when a third began after it had ended, and ended before the later one began: the same
    rule by which verdicts decide what a client can know. An issue is a rotation when no earlier
    issue of its value still stands. So a response that was already under way when a new value went
    out, and still repeats the old one, is no rotation back; and of two parallel requests that were
    each given a new value, both are rotations: the trail forks.
    A value that its own request presented is not new to the client. Where the client may choose
    (priority ``informational``) the server took over the client's choice: cause `override`. Where
    it may not, the server kept an older value alive: no rotation.

Which value was before?
    The one that the request presented, where it presented another: that value is what the server
    took away. A choice of the client's own (``informational`` and never issued) was not the
    server's to take away. Otherwise the newest one whose response had ended when this one began.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.asof import as_of
from statetrail.analyses.births import VALUE, births
from statetrail.analyses.values import (
    NEVER,
    SEEN,
    SERIES,
    collected,
    establishing,
    issues,
    presentations,
    seconds,
)
from statetrail.frames import Lazy, Recording

SHOWN: Final = ("establish", "restart", "reset", "reissue", "override")
"""The causes that the exchange itself shows."""

_TRAIL: Final = ("exchange_id", "dialect", "param")


def trail(rec: Recording) -> Lazy:
    """Every issue of a value that is new to its client.

    Returns
    -------
    Lazy
        `SERIES`, ``exchange_id``, ``asked_us``, ``at_us`` (start of the response),
        ``from_fingerprint`` (null: first value), ``to_fingerprint``, ``cause`` (one of `SHOWN`),
        and how long the value before had lain unused and how old it was, in brackets: ``idle_s``
        to ``idle_high_s``, ``age_s`` to ``age_high_s``; see the table `ROTATIONS`.
    """
    return collected(rec, "trail", _trail)


def _trail(rec: Recording) -> Lazy:
    moved = _caused(rec, _new(rec))
    asked, begun = nw.col("asked_us"), nw.col("begun_us")
    waited = asked - nw.col("seen_us")
    aged = asked - nw.col("born_us")
    known = nw.col("lost_us").is_null() | (nw.col("lost_us") < nw.col("seen_us"))
    return (
        moved.join(_last_seen(rec, moved), on=[*_TRAIL, "fingerprint"], how="left")
        .join(_last_kept(rec, moved), on=[*_TRAIL, "fingerprint"], how="left")
        .join(
            births(rec).rename({"fingerprint": "from_fingerprint"}),
            on=[*SERIES, "from_fingerprint"],
            how="left",
        )
        .select(
            "exchange_id",
            *SERIES,
            "from_fingerprint",
            "asked_us",
            "cause",
            at_us="begun_us",
            to_fingerprint="fingerprint",
            idle_s=nw.when(known & (waited >= 0)).then(seconds(waited)),
            idle_high_s=seconds(begun - nw.col("kept_us")),
            age_s=nw.when(aged >= 0).then(seconds(aged)),
            age_high_s=seconds(begun - nw.col("conceived_us")),
        )
    )


def _new(rec: Recording) -> Lazy:
    """The issues no earlier issue of whose value still stands, with the newest issue before them.

    ``nth`` numbers the issues of a series, so that the newest of several is a maximum.
    """
    order = ["begun_us", "ended_us", "exchange_id", "fingerprint"]
    numbered = (
        issues(rec)
        .with_columns(
            nth=(nw.col("exchange_id") * 0 + 1)
            .cum_sum()
            .over(*SERIES, order_by=order)
            .cast(nw.Int64),
            stood_us=nw.col("ended_us").cum_max().over(*VALUE, order_by=order),
        )
        .with_columns(stood_us=nw.col("stood_us").shift(1).over(*VALUE, order_by=order))
    )
    before = as_of(
        numbered.select(*SERIES, at=nw.col("ended_us"), before=nw.col("nth")),
        numbered.select(*SERIES, "nth", at=nw.col("begun_us")),
        by=SERIES,
        at=["at"],
        inclusive=False,
        carry=["nth"],
        maxima=["before"],
    ).drop("at")
    newest = numbered.select(
        *SERIES,
        before="nth",
        before_fingerprint="fingerprint",
        before_begun_us="begun_us",
    )
    first_ended = nw.col("ended_us").min().over(*SERIES)
    return (
        numbered.with_columns(first_ended_us=first_ended)
        .join(before, on=[*SERIES, "nth"], how="left")
        .join(newest, on=[*SERIES, "before"], how="left")
        .filter(nw.col("stood_us").is_null() | (nw.col("before_begun_us") > nw.col("stood_us")))
    )


def _caused(rec: Recording, new: Lazy) -> Lazy:
    """The rotations with ``cause`` and ``from_fingerprint``, by what their requests presented."""
    shown = presentations(rec)
    kept_ones = shown.select(*SEEN, kept="ordinal")
    used = shown.filter(nw.col("ordinal") == nw.col("ordinal").min().over(*_TRAIL)).select(
        *_TRAIL, used="fingerprint"
    )
    used_issued = births(rec).select(*SERIES, used="fingerprint", used_issued_us="first_issued_us")
    free = nw.col("priority") == "informational"
    issued_before = (nw.col("used_issued_us") <= nw.col("begun_us")).fill_null(False)
    taken_away = ~nw.col("used").is_null() & (~free | issued_before)
    had_one = nw.col("first_ended_us") + rec.grace_us < nw.col("asked_us")
    kept = ~nw.col("kept").is_null()
    first = nw.col("before_fingerprint").is_null()
    asked = ~nw.col("asked").is_null()
    return (
        new.join(kept_ones, on=list(SEEN), how="left")
        .join(used, on=list(_TRAIL), how="left")
        .join(used_issued, on=[*SERIES, "used"], how="left")
        .join(establishing(rec), on=list(_TRAIL), how="left")
        .filter(~kept | free)
        .with_columns(
            cause=nw.when(kept)
            .then(nw.lit("override"))
            .when(taken_away)
            .then(nw.lit("reset"))
            .when(first | (asked & ~had_one))
            .then(nw.lit("establish"))
            .when(asked)
            .then(nw.lit("restart"))
            .otherwise(nw.lit("reissue"))
        )
        .with_columns(
            from_fingerprint=nw.when(nw.col("cause") == "reset")
            .then("used")
            .when(nw.col("cause") != "establish")
            .then("before_fingerprint")
        )
    )


def _last_seen(rec: Recording, moved: Lazy) -> Lazy:
    """When the value before was last carried by an earlier exchange, issued or presented.

    Returns `_TRAIL`, ``fingerprint``, ``seen_us`` (the end of the last earlier exchange that
    ended) and ``lost_us`` (the start of the last earlier one whose end is not known).
    """
    columns = (*VALUE, "exchange_id", "asked_us", "ended_us")
    carried = nw.concat(
        [issues(rec).select(*columns), presentations(rec).select(*columns)], how="vertical"
    )
    ended = nw.col("ended_us") != NEVER
    moment = ["asked_us", "exchange_id"]
    return as_of(
        carried.with_columns(
            seen_us=nw.when(ended).then("ended_us"), lost_us=nw.when(~ended).then("asked_us")
        ),
        moved.filter(~nw.col("from_fingerprint").is_null()).select(
            *SERIES, *moment, to_fingerprint="fingerprint", fingerprint="from_fingerprint"
        ),
        by=VALUE,
        at=moment,
        inclusive=False,
        carry=["to_fingerprint"],
        maxima=["seen_us", "lost_us"],
    ).select(*_TRAIL, "seen_us", "lost_us", fingerprint="to_fingerprint")


def _last_kept(rec: Recording, moved: Lazy) -> Lazy:
    """When the value before was last surely alive: a response that issued it had begun by then.

    Returns `_TRAIL`, ``fingerprint``, ``kept_us`` (the start of the latest request so answered).
    """
    return as_of(
        issues(rec).select(*VALUE, at=nw.col("begun_us"), kept_us=nw.col("asked_us")),
        moved.filter(~nw.col("from_fingerprint").is_null()).select(
            *SERIES,
            "exchange_id",
            to_fingerprint="fingerprint",
            fingerprint="from_fingerprint",
            at="asked_us",
        ),
        by=VALUE,
        at=["at"],
        inclusive=False,
        carry=["exchange_id", "to_fingerprint"],
        maxima=["kept_us"],
    ).select(*_TRAIL, "kept_us", fingerprint="to_fingerprint")
