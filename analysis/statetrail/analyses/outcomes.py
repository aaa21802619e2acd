"""Outcomes: what became of each token that a request presented.

Enters: a recording. Leaves: lazy frames, one row per use of a token, that `uses` puts times to.

Which parameters hold tokens is a matter of the dialect and of the traffic: secret, forced, and the
client's to present.

What becomes of a token
    It `survived` where the response issues it again, and where a success carries no value of the
    parameter: silence is acceptance, but for two cases. Where the protocol puts a token on every
    document, its absence says nothing; and where the origin renews tokens, only endpoints that
    were seen to issue one could have told.
    It `ended` where the response issues another, or is a 401 to this token alone.
    Anything else is `unknown`.

What is left out, and why (column ``excluded``)
    `incomplete`: no whole response. `ambiguous`: one request presented several tokens for the
    parameter. `unanswered`: the outcome is unknown. `late`: the use overlaps or follows the
    token's replacement, so that its fate is no longer a matter of time.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.trail import trail
from statetrail.analyses.values import NEVER, SEEN, issues, presentations
from statetrail.dialects import XmlRootIssue
from statetrail.frames import Lazy, Recording

TOKEN_SERIES: Final = ("origin", "dialect", "param")
"""What one policy of expiry is about."""
TOKEN: Final = (*TOKEN_SERIES, "fingerprint")
"""One token. Clients that share one keep it alive for each other, so it is whoever's."""
OUTCOMES: Final = ("survived", "ended", "unknown")
EXCLUDED: Final = ("incomplete", "ambiguous", "unanswered", "late")

_TRAIL: Final = ("exchange_id", "dialect", "param")


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
            "mute": int(
                not any(
                    isinstance(issue, XmlRootIssue) and issue.param == param.name
                    for issue in dialect.issues
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


def outcomes(rec: Recording) -> Lazy:
    """The uses of tokens with what became of them.

    Returns
    -------
    Lazy
        ``exchange_id``, ``client``, `TOKEN`, ``asked_us``, ``ended_us``, ``outcome`` (one of
        `OUTCOMES`), ``excluded`` (one of `EXCLUDED`; null: the use counts).
    """
    read = _read(rec)
    late = (nw.col("ended_us") > nw.col("cut_us")) & (nw.col("exchange_id") != nw.col("cut_id"))
    return (
        read.join(_replaced(rec, read), on=list(TOKEN), how="left")
        .with_columns(late=late.fill_null(False))
        .with_columns(
            excluded=nw.when(nw.col("incomplete"))
            .then(nw.lit("incomplete"))
            .when(nw.col("tokens") > 1)
            .then(nw.lit("ambiguous"))
            .when(nw.col("outcome") == "unknown")
            .then(nw.lit("unanswered"))
            .when(nw.col("late"))
            .then(nw.lit("late"))
        )
        .select("exchange_id", "client", *TOKEN, "asked_us", "ended_us", "outcome", "excluded")
    )


def _read(rec: Recording) -> Lazy:
    """The uses with ``outcome``, read off their own responses."""
    endpoints = rec.exchanges.lazy.select("exchange_id", "endpoint")
    shown = (
        presentations(rec)
        .join(token_series(rec), on=list(TOKEN_SERIES))
        .join(endpoints, on="exchange_id")
    )
    issued = issues(rec)
    kept = issued.select(*SEEN, kept="begun_us")
    answers = issued.group_by(*_TRAIL).agg(answers=nw.col("fingerprint").count())
    of_param = shown.group_by(*_TRAIL).agg(tokens=nw.col("fingerprint").count())
    of_request = shown.group_by("exchange_id").agg(all_tokens=nw.col("fingerprint").count())
    another = ~nw.col("answers").is_null() & nw.col("kept").is_null()
    answered = (
        shown.join(kept, on=list(SEEN), how="left")
        .join(answers, on=list(_TRAIL), how="left")
        .join(of_param, on=list(_TRAIL))
        .join(of_request, on="exchange_id")
    )
    renewing = answered.filter(another).group_by(*TOKEN_SERIES).agg(renewals=nw.col("tokens").sum())
    issuing = (
        issued.join(endpoints, on="exchange_id")
        .group_by(*TOKEN_SERIES, "endpoint")
        .agg(issues_here=nw.col("fingerprint").count())
    )
    could_tell = nw.col("renewals").is_null() | ~nw.col("issues_here").is_null()
    status = nw.col("status").fill_null(0)
    silent = (status >= 200) & (status < 300) & (nw.col("mute") == 1) & could_tell
    rejected = (status == 401) & (nw.col("all_tokens") == 1)
    incomplete = (nw.col("ended_us") == NEVER) | nw.col("status").is_null()
    return (
        answered.join(renewing, on=list(TOKEN_SERIES), how="left")
        .join(issuing, on=[*TOKEN_SERIES, "endpoint"], how="left")
        .with_columns(incomplete=incomplete)
        .with_columns(
            outcome=nw.when(nw.col("incomplete") | (nw.col("tokens") > 1))
            .then(nw.lit("unknown"))
            .when(~nw.col("kept").is_null())
            .then(nw.lit("survived"))
            .when(another | rejected)
            .then(nw.lit("ended"))
            .when(silent)
            .then(nw.lit("survived"))
            .otherwise(nw.lit("unknown"))
        )
    )


def _replaced(rec: Recording, read: Lazy) -> Lazy:
    """The first exchange that ended or replaced each token: ``cut_us`` (its start), ``cut_id``."""
    moved = (
        trail(rec)
        .filter(~nw.col("from_fingerprint").is_null())
        .select(
            *TOKEN_SERIES, cut_us="asked_us", fingerprint="from_fingerprint", cut_id="exchange_id"
        )
    )
    columns = (*TOKEN, "cut_us", "cut_id")
    ended = read.filter(nw.col("outcome") == "ended").select(
        *TOKEN, cut_us="asked_us", cut_id="exchange_id"
    )
    both = nw.concat([moved.select(*columns), ended.select(*columns)], how="vertical")
    return (
        both.filter(nw.col("cut_us") == nw.col("cut_us").min().over(*TOKEN))
        .group_by(*TOKEN, "cut_us")
        .agg(nw.col("cut_id").min())
    )
