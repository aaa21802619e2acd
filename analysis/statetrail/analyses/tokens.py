"""Tokens: each value of each parameter of each client, from its first sighting to its last.

Enters: a recording. Leaves: the table `TOKENS`, one row per client, origin, dialect, parameter
and value, whether it was seen issued, presented or both.

A value is superseded when a response issues another one, and that response began after the last
one that issued this value had ended. Of two responses under way at once neither supersedes the
other: the client may go on with either.

How a value ended
    These ends are looked for:
    `reset`, a response issued another value to a request that presented this one;
    `rejected`, a status refused it;
    `restarted`, its client asked for a new one;
    `logged-out`, its client logged out with it;
    `rotated`, it was superseded.
    An end counts only if the value was not honoured afterwards, by a response that began then or
    later (a logout's own response does not matter). The first that counts is the value's end; of
    several at one moment, the first in the list above. Else the value is still `open` when the
    capture ends. What honours and refuses a value: `statetrail.analyses.fates`.

The successors of a value are the edges of the table `ROTATIONS`: parallel requests can each be
given a new value, so a value may have several.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.asof import as_of
from statetrail.analyses.births import VALUE, issued_values
from statetrail.analyses.fates import fates
from statetrail.analyses.trail import trail
from statetrail.analyses.values import SERIES, issues, seconds
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import TOKENS

ENDS: Final[dict[str, str]] = {
    "reset": "The server answered a request that presented it with another value",
    "rejected": "The server refused it (401, 403, 419, 440)",
    "restarted": "Its client asked for a new one",
    "logged-out": "Its client logged out",
    "rotated": "The server issued another one",
    "open": "It had not ended when the capture did",
}
"""How values end; of several ends at one moment the first counts."""


def tokens(rec: Recording) -> Frame:
    """The life of every value: when issued, how often and until when used, how it ended.

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


def _tokens(rec: Recording) -> Lazy:
    first = nw.min_horizontal("first_issued_us", "first_presented_us")
    last = nw.max_horizontal("last_issued_us", "last_presented_us")
    by = list(VALUE)
    successors = (
        trail(rec)
        .filter(~nw.col("from_fingerprint").is_null())
        .group_by(*SERIES, "from_fingerprint")
        .agg(successors=nw.col("to_fingerprint").n_unique())
        .rename({"from_fingerprint": "fingerprint"})
    )
    issued = issued_values(rec).drop("asked_us", "ended_us")
    superseded = _superseded(rec)
    together = (
        issued.join(superseded, on=by, how="left")
        .join(_presented(rec), on=by, how="full")
        .with_columns(*(nw.coalesce(name, f"{name}_right") for name in (*VALUE, "value")))
        .drop(*(f"{name}_right" for name in (*VALUE, "value")))
        .join(successors, on=by, how="left")
        .join(_ends(rec, superseded), on=by, how="left")
    )
    counts = ("issues", "uses", "uses_in_flight", "uses_late", "late_honoured", "successors")
    return together.with_columns(
        *(nw.col(name).fill_null(0).cast(nw.Int64) for name in counts),
        nw.col("ended").fill_null("open"),
        nw.col("birth_seen").fill_null(False),
        observed_s=seconds(last - first),
    ).select(*TOKENS.names)


def _presented(rec: Recording) -> Lazy:
    """The values that were presented, and how they fared."""
    one = nw.col("exchange_id") * 0 + 1
    flags = {
        "uses_in_flight": nw.col("in_flight"),
        "uses_late": nw.col("late"),
        "late_honoured": nw.col("late") & nw.col("honoured"),
    }
    return (
        fates(rec)
        .with_columns(
            **{name: nw.when(told).then(one).otherwise(0) for name, told in flags.items()}
        )
        .group_by(*VALUE)
        .agg(
            nw.col("value").max(),
            *(nw.col(name).sum() for name in flags),
            uses=nw.col("exchange_id").count(),
            first_presented_us=nw.col("asked_us").min(),
            last_presented_us=nw.col("asked_us").max(),
        )
    )


def _ends(rec: Recording, superseded: Lazy) -> Lazy:
    """How each value ended, and when: columns `VALUE`, ``ended``, ``ended_at_us``."""
    shown = fates(rec)
    columns = (*VALUE, "at_us")
    honoured = (
        nw.concat(
            [
                issues(rec).select(*VALUE, at_us="begun_us").select(*columns),
                shown.filter(nw.col("honoured")).select(*VALUE, at_us="begun_us").select(*columns),
            ],
            how="vertical",
        )
        .group_by(*VALUE)
        .agg(honoured_us=nw.col("at_us").max())
    )
    restarts = trail(rec).filter(nw.col("cause") == "restart")
    found = {
        "reset": shown.filter(nw.col("replaced")).select(*VALUE, at_us="begun_us"),
        "rejected": shown.filter(nw.col("refused")).select(*VALUE, at_us="begun_us"),
        "restarted": restarts.select(*SERIES, "at_us", fingerprint="from_fingerprint"),
        "logged-out": shown.filter(nw.col("logout")).select(*VALUE, at_us="begun_us"),
        "rotated": superseded.filter(~nw.col("superseded_us").is_null()).select(
            *VALUE, at_us="superseded_us"
        ),
    }
    rank = {name: at for at, name in enumerate(ENDS)}
    ends = nw.concat(
        [
            frame.select(*columns, rank=nw.lit(rank[name], dtype=nw.Int64))
            for name, frame in found.items()
        ],
        how="vertical",
    )
    after = nw.col("at_us") > nw.col("honoured_us")
    same = (nw.col("rank") == rank["logged-out"]) & (nw.col("at_us") == nw.col("honoured_us"))
    # That an old value is still taken does not undo that a newer one replaced it.
    counts = nw.col("honoured_us").is_null() | after | same | (nw.col("rank") == rank["rotated"])
    ended = nw.lit("rotated")
    for name in ("logged-out", "restarted", "rejected", "reset"):
        ended = nw.when(nw.col("rank") == rank[name]).then(nw.lit(name)).otherwise(ended)
    return (
        ends.join(honoured, on=list(VALUE), how="left")
        .filter(counts)
        .filter(nw.col("at_us") == nw.col("at_us").min().over(*VALUE))
        .group_by(*VALUE, "at_us")
        .agg(nw.col("rank").min())
        .select(*VALUE, ended_at_us="at_us", ended=ended)
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
