"""Uses: every presented use of a token as one trial of how long tokens live.

Enters: a recording. Leaves: the table `USES`, one row per request and token presented, with what
became of the token and, in brackets, how long it had lain unused and how old it was.

The brackets
    The proxy sees when a request is sent and when its response ends; the server's clock ticks
    somewhere in between. So a gap is at least the time from the end of the last earlier exchange
    that carried the token to the start of this request, and at most the time from the start of
    the last earlier exchange that the server surely accepted to the end of this response. Where
    another exchange overlaps this one, or a request without a response came in between, the token
    may have been touched a moment before: the gap is at least zero. Where all clock readings of an
    origin are whole milliseconds or seconds, they were cut to that, and the brackets widen by it.

What became of the token, and which uses are left out: `statetrail.analyses.outcomes`.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.asof import as_of
from statetrail.analyses.outcomes import TOKEN, TOKEN_SERIES, outcomes, token_series
from statetrail.analyses.values import NEVER, issues, presentations, seconds
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import USES

_SECOND: Final = 1_000_000
_MILLISECOND: Final = 1_000


def uses(rec: Recording) -> Frame:
    """The trials: each use of a token, whether it survived, its gap and its age in brackets.

    Returns
    -------
    Frame
        `statetrail.schema.USES`. For thresholds take ``gap_low_s`` of the survived and
        ``gap_high_s`` of the ended ones, and the same for the age.
    """
    return rec.result(USES, lambda: _uses(rec))


def _uses(rec: Recording) -> Lazy:
    decided = outcomes(rec)
    timed = (
        decided.join(_earlier(decided, rec), on=[*TOKEN, "exchange_id"], how="left")
        .join(_ages(rec), on=list(TOKEN), how="left")
        .join(_ticks(rec), on="origin", how="left")
    )
    asked, ended, tick = nw.col("asked_us"), nw.col("ended_us"), nw.col("tick_us")
    touched = (nw.col("started") - nw.col("before") > 1) | (
        nw.col("lost_us") >= nw.col("before_asked_us")
    ).fill_null(False)
    counts = nw.col("excluded").is_null()
    longest_lower = nw.when(~touched).then(asked - nw.col("before_ended_us") - tick).otherwise(0)
    return timed.select(
        "exchange_id",
        "client",
        *TOKEN,
        "outcome",
        "excluded",
        at_us="asked_us",
        gap_low_s=nw.when(counts & ~nw.col("before_ended_us").is_null()).then(
            _positive(longest_lower)
        ),
        gap_high_s=nw.when(counts).then(seconds(ended + tick - nw.col("accepted_asked_us"))),
        age_low_s=nw.when(counts).then(_positive(asked - nw.col("known_us") - tick)),
        age_high_s=nw.when(counts & nw.col("birth_seen")).then(
            seconds(ended + tick - nw.col("issue_asked_us"))
        ),
    )


def _positive(span_us: nw.Expr) -> nw.Expr:
    return seconds(nw.when(span_us > 0).then(span_us).otherwise(0))


def _earlier(decided: Lazy, rec: Recording) -> Lazy:
    """What had been seen of the token before each use.

    Returns
    -------
    Lazy
        `TOKEN`, ``exchange_id``; over the exchanges that carried the token and had ended when
        the request started: ``before`` (their number), ``before_ended_us`` and
        ``before_asked_us`` (their latest end and start), ``accepted_asked_us`` (the latest start
        of those that the server surely accepted); ``lost_us`` (latest start of one whose end is
        not known); ``started`` (those begun by the end of this exchange, itself included).
    """
    columns = (*TOKEN, "exchange_id", "asked_us", "ended_us")
    issued = (
        issues(rec).join(token_series(rec), on=list(TOKEN_SERIES)).select(*columns, sure="asked_us")
    )
    sure = nw.when(nw.col("outcome") == "survived").then("asked_us")
    carried = (
        nw.concat([issued, decided.select(*columns, sure=sure)], how="vertical")
        .group_by(*columns)
        .agg(nw.col("sure").max())
    )
    whole = nw.col("ended_us") != NEVER
    # At least a microsecond, so that no exchange has ended before its own request.
    end = nw.max_horizontal(nw.col("ended_us"), nw.col("asked_us") + 1)
    one = nw.col("asked_us") * 0 + 1
    points = carried.with_columns(
        end_us=nw.when(whole).then(end).otherwise("asked_us"),
        one=nw.when(whole).then(one).otherwise(0),
        before_ended_us=nw.when(whole).then(end),
        before_asked_us=nw.when(whole).then("asked_us"),
        accepted_asked_us=nw.when(whole).then("sure"),
        lost_us=nw.when(~whole).then("asked_us"),
    )
    before = as_of(
        points.with_columns(at=nw.col("end_us"), before=nw.col("one")),
        decided.with_columns(at=nw.col("asked_us")),
        by=TOKEN,
        at=["at"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["before_ended_us", "before_asked_us", "accepted_asked_us", "lost_us"],
        sums=["before"],
    )
    started = as_of(
        points.with_columns(at=nw.col("asked_us"), started=nw.col("one")),
        decided.with_columns(at=nw.col("ended_us")),
        by=TOKEN,
        at=["at"],
        inclusive=True,
        carry=["exchange_id"],
        sums=["started"],
    )
    return before.drop("at").join(started.drop("at"), on=[*TOKEN, "exchange_id"])


def _ages(rec: Recording) -> Lazy:
    """When each token was first known, whoever had it.

    Returns
    -------
    Lazy
        `TOKEN`, ``known_us`` (by when it existed at the latest), ``issue_asked_us`` (before when
        it did not exist, where its birth was seen) and ``birth_seen``.
    """
    issued = (
        issues(rec)
        .group_by(*TOKEN)
        .agg(
            nw.col("begun_us").min(),
            nw.col("ended_us").min(),
            issue_asked_us=nw.col("asked_us").min(),
        )
    )
    presented = presentations(rec).group_by(*TOKEN).agg(shown_us=nw.col("asked_us").min())
    return presented.join(issued, on=list(TOKEN), how="left").select(
        *TOKEN,
        "issue_asked_us",
        known_us=nw.min_horizontal("shown_us", "ended_us"),
        birth_seen=(nw.col("begun_us") < nw.col("shown_us")).fill_null(False),
    )


def _ticks(rec: Recording) -> Lazy:
    """The grain of each origin's clock readings: columns ``origin``, ``tick_us``."""
    times = ("request_start_us", "response_end_us")
    grains = (("seconds", _SECOND), ("milliseconds", _MILLISECOND))
    rests = (
        rec.exchanges_with_client()
        .select("origin", *times)
        .with_columns(
            **{
                name: nw.sum_horizontal(*(nw.col(t) - nw.col(t) // grain * grain for t in times))
                for name, grain in grains
            }
        )
        .group_by("origin")
        .agg(*(nw.col(name).max() for name, _ in grains))
    )
    return rests.select(
        "origin",
        tick_us=nw.when(nw.col("seconds") == 0)
        .then(nw.lit(_SECOND, dtype=nw.Int64))
        .when(nw.col("milliseconds") == 0)
        .then(nw.lit(_MILLISECOND, dtype=nw.Int64))
        .otherwise(nw.lit(0, dtype=nw.Int64)),
    )
