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

What is left out, and why (column ``excluded``)
    `incomplete`: no whole response. `ambiguous`: one request presented several tokens.
    `unanswered`: the response does not tell (an error, no token where the protocol answers with
    one, or a 401 to several tokens). `late`: the use overlaps or follows the token's replacement,
    so that its fate is no longer a matter of time.

Tokens are merged by value: clients that share one keep it alive for each other. Which parameters
hold tokens is a matter of the dialect and of the traffic: secret, forced, and the client's to
present.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.asof import as_of
from statetrail.analyses.rotations import rotations
from statetrail.analyses.values import NEVER, SEEN, issues, presentations, seconds
from statetrail.dialects import XmlRootIssue
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import USES

TOKEN_SERIES: Final = ("origin", "dialect", "param")
"""What one policy of expiry is about."""
EXCLUDED: Final = ("incomplete", "ambiguous", "unanswered", "late")

_TOKEN: Final = (*TOKEN_SERIES, "fingerprint")
_TRAIL: Final = ("exchange_id", "dialect", "param")
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


def token_series(rec: Recording) -> Lazy:
    """The parameters that hold tokens, by origin.

    Returns
    -------
    Lazy
        Columns `TOKEN_SERIES` and ``mute`` (1: a live token may go unmentioned in a response).
    """
    rows = [
        {
            "dialect": dialect.name,
            "param": param.name,
            # A token on the document's root is on every one: silence is no acceptance then.
            "mute": int(
                not any(
                    isinstance(i, XmlRootIssue) and i.param == param.name for i in dialect.issues
                )
            ),
        }
        for dialect in rec.dialects
        for param in dialect.params
        if param.clear is None
    ]
    layout = pa.schema([("dialect", pa.string()), ("param", pa.string()), ("mute", pa.int64())])
    secret = rec.place(pa.Table.from_pylist(rows, schema=layout))
    bound = (nw.col("priority") == "forced") & (nw.col("usage") != "implicit")
    seen = issues(rec).filter(bound).select(*TOKEN_SERIES).unique()
    return seen.join(secret, on=["dialect", "param"])


def _uses(rec: Recording) -> Lazy:
    decided = _decided(rec)
    timed = (
        decided.join(_earlier(decided, rec), on=[*_TOKEN, "exchange_id"], how="left")
        .join(_ages(rec), on=list(_TOKEN), how="left")
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
        *_TOKEN,
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


def _decided(rec: Recording) -> Lazy:
    """The uses with ``outcome`` and ``excluded``."""
    shown = presentations(rec).join(token_series(rec), on=list(TOKEN_SERIES))
    issued = issues(rec)
    kept = issued.select(*SEEN, kept="begun_us")
    answered = issued.group_by(*_TRAIL).agg(answers=nw.col("fingerprint").count())
    tokens_of_param = shown.group_by(*_TRAIL).agg(tokens=nw.col("fingerprint").count())
    tokens_of_all = shown.group_by("exchange_id").agg(all_tokens=nw.col("fingerprint").count())
    status = nw.col("status").fill_null(0)
    incomplete = (nw.col("ended_us") == NEVER) | nw.col("status").is_null()
    accepted = (status >= 200) & (status < 300) & (nw.col("mute") == 1)
    rejected = (status == 401) & (nw.col("all_tokens") == 1)
    read = (
        shown.join(kept, on=list(SEEN), how="left")
        .join(answered, on=list(_TRAIL), how="left")
        .join(tokens_of_param, on=list(_TRAIL))
        .join(tokens_of_all, on="exchange_id")
        .with_columns(
            outcome=nw.when(incomplete | (nw.col("tokens") > 1))
            .then(nw.lit("unknown"))
            .when(~nw.col("kept").is_null())
            .then(nw.lit("survived"))
            .when(~nw.col("answers").is_null() | rejected)
            .then(nw.lit("ended"))
            .when(accepted)
            .then(nw.lit("survived"))
            .otherwise(nw.lit("unknown"))
        )
    )
    late = (nw.col("ended_us") > nw.col("cut_us")) & (nw.col("exchange_id") != nw.col("cut_id"))
    return (
        read.join(_replaced(rec, read), on=list(_TOKEN), how="left")
        .with_columns(late=late.fill_null(False))
        .with_columns(
            excluded=nw.when(incomplete)
            .then(nw.lit("incomplete"))
            .when(nw.col("tokens") > 1)
            .then(nw.lit("ambiguous"))
            .when(nw.col("outcome") == "unknown")
            .then(nw.lit("unanswered"))
            .when(nw.col("late"))
            .then(nw.lit("late"))
        )
        .select("exchange_id", "client", *_TOKEN, "asked_us", "ended_us", "outcome", "excluded")
    )


def _replaced(rec: Recording, read: Lazy) -> Lazy:
    """The first exchange that ended or replaced each token: ``cut_us`` (its start), ``cut_id``."""
    asked = rec.exchanges.lazy.select("exchange_id", cut_us="request_start_us")
    moved = (
        rotations(rec)
        .lazy.filter(~nw.col("from_fingerprint").is_null())
        .join(asked, on="exchange_id")
        .select(
            *TOKEN_SERIES, fingerprint="from_fingerprint", cut_us="cut_us", cut_id="exchange_id"
        )
    )
    ended = read.filter(nw.col("outcome") == "ended").select(
        *_TOKEN, cut_us="asked_us", cut_id="exchange_id"
    )
    both = nw.concat([moved, ended], how="vertical")
    first = nw.col("cut_us").min().over(*_TOKEN)
    return (
        both.filter(nw.col("cut_us") == first)
        .group_by(*_TOKEN, "cut_us")
        .agg(nw.col("cut_id").min())
    )


def _earlier(decided: Lazy, rec: Recording) -> Lazy:
    """What had been seen of the token before each use.

    Returns
    -------
    Lazy
        `_TOKEN`, ``exchange_id``; over the exchanges that carried the token and had ended when
        the request started: ``before`` (their number), ``before_ended_us`` and
        ``before_asked_us`` (their latest end and start), ``accepted_asked_us`` (the latest start
        of those that the server surely accepted); ``lost_us`` (latest start of one whose end is
        not known); ``started`` (those begun by the end of this exchange, itself included).
    """
    columns = (*_TOKEN, "exchange_id", "asked_us", "ended_us")
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
        by=_TOKEN,
        at=["at"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["before_ended_us", "before_asked_us", "accepted_asked_us", "lost_us"],
        sums=["before"],
    )
    started = as_of(
        points.with_columns(at=nw.col("asked_us"), started=nw.col("one")),
        decided.with_columns(at=nw.col("ended_us")),
        by=_TOKEN,
        at=["at"],
        inclusive=True,
        carry=["exchange_id"],
        sums=["started"],
    )
    return before.drop("at").join(started.drop("at"), on=[*_TOKEN, "exchange_id"])


def _ages(rec: Recording) -> Lazy:
    """When each token was first known, whoever had it.

    Returns
    -------
    Lazy
        `_TOKEN`, ``known_us`` (by when it existed at the latest), ``issue_asked_us`` (before when
        it did not exist, where its birth was seen) and ``birth_seen``.
    """
    issued = (
        issues(rec)
        .group_by(*_TOKEN)
        .agg(
            nw.col("begun_us").min(),
            nw.col("ended_us").min(),
            issue_asked_us=nw.col("asked_us").min(),
        )
    )
    presented = presentations(rec).group_by(*_TOKEN).agg(shown_us=nw.col("asked_us").min())
    return presented.join(issued, on=list(_TOKEN), how="left").select(
        *_TOKEN,
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
