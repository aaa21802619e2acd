"""Verdicts: what each request did with each state parameter that had been issued before.

Enters: the facts of a recording. Leaves: one row per request and parameter (table `verdicts`).

The race rule
-------------
A verdict against a client holds under every order of events that fits what the proxy saw. For a
request that starts at ``s``:

R1  An issue *may* be known once its response has begun: ``begun <= s``.
R2  It *must* be known once its response has ended and the grace period has passed:
    ``ended + grace < s``. A response that never ended (cut short) never has to be known.
R3  Issue *j* supersedes *i* only if j's response began after i's had ended: ``begun_j > ended_i``.
    Else they are concurrent, and either value may be presented.

So, with ``M`` the latest ``begun`` of the issues that must be known, an issue is *current* while
``ended >= M``; and the value p is stale exactly when ``M`` lies after the latest ``ended`` of the
issues of p that may be known. These are running maxima over events sorted by time. A tie always
counts for the client.

The verdicts
------------
The first line that fits decides. Several values presented for one parameter: the mildest verdict.

V1  The request is out of the dialect's scope, the parameter is unknown to the dialect, or the
    endpoint is not known to allow it: ``not-applicable``.
V2  A value of a minted parameter (a session token) that no issue before it gave: ``foreign``.
V3  Nothing has to be known yet: ``in-flight``.
V4  Nothing is presented: ``not-applicable`` if a current issue is implicit, else ``omitted``.
V5  A new value is asked for: ``restarted``.
V6  All current issues are implicit: ``implicit-set``.
V7  The value was issued, and is stale: ``stale``.
V8  The value was never issued: ``defied`` if all current issues are forced, else ``overridden``.
V9  The value must be known and is current: ``honoured`` in the channel that a current issue of it
    names, else ``misplaced``.
V10 Else (it is only just being issued): ``in-flight``.

A malformed issue binds nobody, but a client that takes a value from one is not blamed for it.
"""

from collections.abc import Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail import schema
from statetrail.analyses.asof import as_of
from statetrail.analyses.knowledge import FAULTS, NEVER, VERDICTS
from statetrail.analyses.numbered import Numbered, numbered, says, series_number
from statetrail.analyses.timeline import (
    OF_SERIES,
    OF_VALUE,
    essential,
    moments,
    request_moment,
    states,
)
from statetrail.frames import Frame, Lazy, Recording

__all__ = ["FAULTS", "VERDICTS", "judge", "verdicts"]

# Words as numbers on the way; 0 is none of them.
_IN_HEADER, _IN_QUERY = 1, 2
_NOTHING, _VALUE, _ESTABLISH = 0, 1, 2
# More than the sightings that one exchange may leave (MAX_SIGHTINGS).
_ORDINALS: Final = 1024
_JUDGED: Final = (
    *("exchange_id", "series", "at_us", "present", "fingerprint", "ordinal", "channel", "rank"),
)


def verdicts(rec: Recording) -> Frame:
    """The verdicts of a recording (table `verdicts`), computed once."""
    return rec.result(schema.VERDICTS, lambda: judge(rec))


def judge(rec: Recording) -> Lazy:
    """The verdicts as a lazy frame with the columns of table `verdicts`."""
    facts = numbered(rec)
    issues = essential(rec, facts.issues)
    series = _series(rec, facts, issues)
    presented = _presented(rec, facts)
    happened = moments(rec, issues, rec.grace_us)
    known = rec.keep(_rows(facts, series, presented))
    for by, maxima in ((["series"], OF_SERIES), (["series", "fingerprint"], OF_VALUE)):
        known = _look_up(known, states(rec, happened, by, maxima), by, maxima)
    judged = nw.concat([_decide(known), _foreign(facts, series, presented)], how="vertical")
    return _named(rec, facts, _mildest(rec.keep(judged)))


def _series(rec: Recording, facts: Numbered, issues: Lazy) -> Lazy:
    """The series in which something was issued: ``series, who, pid, minted, first``."""
    firsts = issues.filter(~says("malformed")).group_by("series").agg(first=nw.col("begun").min())
    return rec.keep(
        _pairs(facts)
        .join(firsts, on="series")
        .select("series", "who", "pid", "first", minted=nw.col("minted").fill_null(0))
    )


def _pairs(facts: Numbered) -> Lazy:
    """Every client with every parameter, and the number of their series."""
    return facts.clients.join(facts.params, how="cross").with_columns(series=series_number())


def _presented(rec: Recording, facts: Numbered) -> Lazy:
    """The values presented, their words as numbers."""
    return rec.presented.lazy.join(
        facts.params.select("pid", "dialect", "param", "minted"), on=["dialect", "param"]
    ).select(
        *("exchange_id", "pid", "minted", "ordinal", "fingerprint"),
        channel=_code("channel", {"header": _IN_HEADER, "uriquery": _IN_QUERY}),
        kind=_code("kind", {"value": _VALUE, "establish": _ESTABLISH}),
        present=nw.lit(1, nw.Int64),
    )


def _code(column: str, codes: dict[str, int]) -> nw.Expr:
    """The column's words as numbers; 0 for any other."""
    coded: nw.Expr = nw.lit(0, nw.Int64)
    for word, number in codes.items():
        coded = nw.when(nw.col(column) == word).then(nw.lit(number, nw.Int64)).otherwise(coded)
    return coded


def _rows(facts: Numbered, series: Lazy, presented: Lazy) -> Lazy:
    """What is to be judged: a row per request, parameter issued before it and value presented.

    Where none was presented there is one row with zeros for the value.
    """
    shown = ("present", "fingerprint", "ordinal", "channel", "kind")
    return (
        facts.exchanges.select("exchange_id", "who", "place", "at_us", "open")
        .join(series, on="who")
        .filter(nw.col("at_us") >= nw.col("first"))
        .join(presented.drop("minted"), on=["exchange_id", "pid"], how="left")
        .join(facts.bindings, on=["place", "pid"], how="left")
        .select(
            *("exchange_id", "series", "at_us", "minted"),
            *(nw.col(name).fill_null(0) for name in shown),
            bound=nw.col("bound").fill_null(0) * nw.col("open"),
            moment=request_moment(nw.col("at_us")),
        )
    )


def _foreign(facts: Numbered, series: Lazy, presented: Lazy) -> Lazy:
    """Tokens that no issue before them explains, judged already (V1, V2)."""
    asked = facts.exchanges.select("exchange_id", "who", "place", "at_us", "open")
    bound = nw.col("bound").fill_null(0) * nw.col("open")
    return (
        presented.filter((nw.col("minted") == 1) & (nw.col("kind") == _VALUE))
        .join(asked, on="exchange_id")
        .join(series.select("who", "pid", "first"), on=["who", "pid"], how="left")
        .filter(nw.col("first").is_null() | (nw.col("at_us") < nw.col("first")))
        .join(facts.bindings, on=["place", "pid"], how="left")
        .with_columns(
            series=series_number(), rank=_rank([(bound == 1, "foreign")], "not-applicable")
        )
        .select(*_JUDGED)
    )


def _look_up(rows: Lazy, known: Lazy, by: Sequence[str], maxima: Sequence[str]) -> Lazy:
    """The rows with the maxima of the last moment of their group; `NEVER` where there is none."""
    carry = [name for name in rows.collect_schema().names() if name not in (*by, "moment")]
    found = as_of(
        known.select(*by, "moment", "state"),
        rows,
        by=by,
        at=["moment"],
        inclusive=True,
        carry=carry,
        maxima=["state"],
    )
    return (
        found.join(known.select("state", *maxima), on="state", how="left")
        .drop("state")
        .with_columns(*(nw.col(name).fill_null(NEVER) for name in maxima))
    )


def _decide(known: Lazy) -> Lazy:
    """The verdict of each row by V1-V10, as its rank among `VERDICTS`."""
    since = nw.col("superseded_before")
    kind, channel = nw.col("kind"), nw.col("channel")
    absent = kind == _NOTHING
    issued = nw.col("value_may") > NEVER
    placed = ((channel == _IN_HEADER) & (nw.col("value_header") >= since)) | (
        (channel == _IN_QUERY) & (nw.col("value_uriquery") >= since)
    )
    rules = (
        (nw.col("bound") == 0, "not-applicable"),
        ((kind == _VALUE) & (nw.col("minted") == 1) & ~issued, "foreign"),
        (since == NEVER, "in-flight"),
        (absent & (nw.col("implicit") >= since), "not-applicable"),
        (absent, "omitted"),
        (kind == _ESTABLISH, "restarted"),
        ((nw.col("header") < since) & (nw.col("uriquery") < since), "implicit-set"),
        (issued & (nw.col("value_may") < since), "stale"),
        (~issued & (nw.col("changeable") < since), "defied"),
        (~issued, "overridden"),
        ((nw.col("value_must") >= since) & placed, "honoured"),
        (nw.col("value_must") >= since, "misplaced"),
    )
    return known.with_columns(rank=_rank(rules, "in-flight")).select(*_JUDGED)


def _rank(rules: Sequence[tuple[nw.Expr, str]], otherwise: str) -> nw.Expr:
    """The rank of the first verdict whose condition holds."""
    rank: nw.Expr = nw.lit(VERDICTS.index(otherwise), nw.Int64)
    for condition, name in reversed(rules):
        rank = nw.when(condition).then(nw.lit(VERDICTS.index(name), nw.Int64)).otherwise(rank)
    return rank


def _mildest(judged: Lazy) -> Lazy:
    """One row per request and parameter: the mildest verdict, the first value that has it."""
    keys = ["exchange_id", "series"]
    ordered = judged.with_columns(order=nw.col("rank") * _ORDINALS + nw.col("ordinal"))
    # Hardly any request presents a parameter twice: only those that do are compared.
    several = (
        ordered.group_by(*keys)
        .agg(rows=nw.len(), best=nw.col("order").min())
        .filter(nw.col("rows") > 1)
    )
    return ordered.join(several, on=keys, how="left").filter(
        nw.col("best").is_null() | (nw.col("order") == nw.col("best"))
    )


def _named(rec: Recording, facts: Numbered, judged: Lazy) -> Lazy:
    """The table, with names for numbers."""
    ranks = pa.table({"rank": pa.array(range(len(VERDICTS)), pa.int64()), "verdict": [*VERDICTS]})
    names = rec.keep(
        judged.select("series")
        .unique()
        .join(_pairs(facts), on="series")
        .select("series", "client", "origin", "dialect", "param")
    )
    in_header = nw.col("channel") == _IN_HEADER
    channel = nw.when(in_header).then(nw.lit("header")).otherwise(nw.lit("uriquery"))
    shown = nw.when(nw.col("present") == 1)
    return (
        judged.join(rec.place(ranks), on="rank")
        .join(names, on="series")
        .with_columns(fingerprint=shown.then(nw.col("fingerprint")), channel=shown.then(channel))
        .select(*schema.VERDICTS.names)
    )
