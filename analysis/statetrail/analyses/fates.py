"""Fates: what each presented value met with: known to be old or not, honoured, refused, replaced.

Enters: a recording. Leaves: a lazy frame, one row per request and value presented, for the lives
of tokens and the causes of rotations.

Late or in flight?
    A use is `late` when the client had to know of a newer value, by the race rule of the verdicts
    (R1-R3 there): some issue whose response had ended, and the grace period passed, when this
    request started, began after the last issue of this value that the client may have known had
    ended. It is `in_flight` when such an issue had only begun: the client may have known of it,
    and need not have.

Honoured or refused?
    A value is `honoured` when the response issues it again; or when the response is no error,
    issues no other, and the protocol does not put a value on every answer. A secret that is alone
    in its request is `refused` when it is not honoured and the status says so (`Dialect.refused`),
    unless the endpoint is known not to allow the parameter: then where it was sent is the trouble.
    It is `replaced` when the response issues another value of the parameter.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.asof import as_of
from statetrail.analyses.births import VALUE
from statetrail.analyses.deeds import deeds
from statetrail.analyses.scope import barred
from statetrail.analyses.values import SEEN, SERIES, collected, issues, presentations
from statetrail.dialects import XmlRootIssue
from statetrail.frames import Lazy, Recording

_TRAIL: Final = ("exchange_id", "dialect", "param")


def fates(rec: Recording) -> Lazy:
    """The presented values with what they met.

    Returns
    -------
    Lazy
        `SERIES`, ``exchange_id``, ``fingerprint``, ``value``, ``asked_us``, ``begun_us`` and the
        booleans ``late``, ``in_flight``, ``honoured``, ``refused``, ``replaced``, ``logout`` (the
        request logged its client out).
    """
    return collected(rec, "fates", _fates)


def _fates(rec: Recording) -> Lazy:
    issued = issues(rec)
    shown = presentations(rec).join(rec.place(_manners(rec)), on=["dialect", "param"], how="left")
    kept = issued.select(*SEEN, kept="begun_us")
    answers = issued.group_by(*_TRAIL).agg(answers=nw.col("fingerprint").count())
    secrets = (
        shown.filter(nw.col("secret").fill_null(True))
        .group_by("exchange_id")
        .agg(secrets=nw.col("fingerprint").count())
    )
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    out = deeds(rec).filter(nw.col("logout")).select("exchange_id", "dialect", "logout")
    status = nw.col("status").fill_null(0)
    again = ~nw.col("kept").is_null()
    answered = ~nw.col("answers").is_null()
    silent = ~answered & nw.col("mute").fill_null(True) & (status >= 200) & (status < 400)
    alone = nw.col("secret").fill_null(True) & (nw.col("secrets") == 1)
    placed = nw.col("barred").is_null()
    return (
        shown.join(kept, on=list(SEEN), how="left")
        .join(answers, on=list(_TRAIL), how="left")
        .join(secrets, on="exchange_id", how="left")
        .join(where, on="exchange_id")
        .join(
            barred(rec).with_columns(barred=nw.lit(1)),
            on=["endpoint", "dialect", "param"],
            how="left",
        )
        .join(out, on=["exchange_id", "dialect"], how="left")
        .join(rec.place(_refusals(rec)), on=["dialect", "status"], how="left")
        .join(_known(rec), on=list(SEEN), how="left")
        .select(
            *SERIES,
            "exchange_id",
            "fingerprint",
            "value",
            "asked_us",
            "begun_us",
            late=(nw.col("must_us") > nw.col("held_us")).fill_null(False),
            in_flight=(nw.col("may_us") > nw.col("held_us")).fill_null(False)
            & ~(nw.col("must_us") > nw.col("held_us")).fill_null(False),
            honoured=again | silent,
            refused=~again & alone & placed & ~nw.col("refusal").is_null(),
            replaced=answered & ~again,
            logout=nw.col("logout").fill_null(False),
        )
    )


def _known(rec: Recording) -> Lazy:
    """What the client knew when it presented each value.

    Returns
    -------
    Lazy
        `SEEN`, and three moments, null where there is none: ``must_us`` and ``may_us`` (latest
        start of a response that it had to know, or may have known), ``held_us`` (latest end of a
        response with this value that it may have known).
    """
    issued, shown = issues(rec), presentations(rec)
    carry = ["exchange_id", "fingerprint"]
    must = as_of(
        issued.select(*SERIES, at=nw.col("ended_us") + rec.grace_us, must_us=nw.col("begun_us")),
        shown.select(*SERIES, *carry, at="asked_us"),
        by=SERIES,
        at=["at"],
        inclusive=False,
        carry=carry,
        maxima=["must_us"],
    )
    may = as_of(
        issued.select(*SERIES, at="begun_us", may_us="begun_us"),
        shown.select(*SERIES, *carry, at="asked_us"),
        by=SERIES,
        at=["at"],
        inclusive=True,
        carry=carry,
        maxima=["may_us"],
    )
    held = as_of(
        issued.select(*VALUE, at="begun_us", held_us="ended_us"),
        shown.select(*VALUE, "exchange_id", at="asked_us"),
        by=VALUE,
        at=["at"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["held_us"],
    )
    return (
        must.drop("at", "client", "origin")
        .join(may.drop("at", "client", "origin"), on=list(SEEN))
        .join(held.drop("at", "client", "origin"), on=list(SEEN))
    )


def _manners(rec: Recording) -> pa.Table:
    """How a parameter is handled: ``dialect``, ``param``, ``secret``, ``mute``.

    ``mute``: a live value may go unmentioned in a response.
    """
    rows = [
        {
            "dialect": dialect.name,
            "param": param.name,
            "secret": param.clear is None,
            "mute": not any(
                isinstance(issue, XmlRootIssue) and issue.param == param.name
                for issue in dialect.issues
            ),
        }
        for dialect in rec.dialects
        for param in dialect.params
    ]
    layout = [("dialect", pa.string()), ("param", pa.string())]
    layout += [("secret", pa.bool_()), ("mute", pa.bool_())]
    return pa.Table.from_pylist(rows, schema=pa.schema(layout))


def _refusals(rec: Recording) -> pa.Table:
    """The statuses that refuse a token: columns ``dialect``, ``status``, ``refusal``."""
    rows = [
        {"dialect": dialect.name, "status": status, "refusal": 1}
        for dialect in rec.dialects
        for status in dialect.refused
    ]
    layout = [("dialect", pa.string()), ("status", pa.int64()), ("refusal", pa.int64())]
    return pa.Table.from_pylist(rows, schema=pa.schema(layout))
