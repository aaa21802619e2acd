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

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail import schema
from statetrail.analyses.knowledge import FAULTS, VERDICTS
from statetrail.analyses.scope import UNBOUND_METHODS, barred, in_scope
from statetrail.frames import Frame, Lazy, Recording

__all__ = ["FAULTS", "VERDICTS", "judge", "verdicts"]

_NEVER: Final = -(2**62)
_FOREVER: Final = 2**62
_PARAM: Final = ("client", "origin", "dialect", "param")
_MAY, _REQUEST, _MUST = 0, 1, 2
# More than the sightings that one exchange may leave (MAX_SIGHTINGS).
_ORDINALS: Final = 1024


def verdicts(rec: Recording) -> Frame:
    """The verdicts of a recording (table `verdicts`), computed once."""
    return rec.result(schema.VERDICTS, lambda: judge(rec))


def judge(rec: Recording) -> Lazy:
    """The verdicts as a lazy frame with the columns of table `verdicts`."""
    exchanges = rec.exchanges_with_client().select(
        "exchange_id",
        "client",
        "origin",
        "endpoint",
        "method",
        at_us=nw.col("request_start_us"),
        begun=nw.coalesce("response_start_us", "request_end_us", "request_start_us"),
        ended="response_end_us",
    )
    issues = _issues(rec, exchanges)
    catalogue = rec.place(_catalogue(rec))
    rows, foreign = _rows(rec, exchanges, issues, catalogue)
    judged = _decide(_known(rows, issues, rec.grace_us))
    return nw.concat([judged, foreign], how="vertical").select(*schema.VERDICTS.names)


def _issues(rec: Recording, exchanges: Lazy) -> Lazy:
    """The issues with who, when and how; times made to follow their own request and each other."""
    spans = exchanges.select("exchange_id", "client", "origin", "at_us", "begun", "ended")
    names = [dialect.name for dialect in rec.dialects]
    return (
        rec.issued.lazy.filter(nw.col("dialect").is_in(names))
        .select("exchange_id", "dialect", "param", "fingerprint", "usage", "priority", "problem")
        .join(spans, on="exchange_id")
        .with_columns(begun=nw.max_horizontal("begun", "at_us"))
        .with_columns(ended=nw.max_horizontal(nw.col("ended").fill_null(_FOREVER), "begun"))
        .with_columns(
            usage=nw.col("usage").fill_null("malformed"),
            priority=nw.col("priority").fill_null("malformed"),
            sound=nw.col("problem").is_null(),
        )
    )


def _catalogue(rec: Recording) -> pa.Table:
    """The parameters that the dialects declare: columns ``dialect``, ``param``, ``minted``."""
    rows = [
        {"dialect": dialect.name, "param": param.name, "minted": param.minted}
        for dialect in rec.dialects
        for param in dialect.params
    ]
    layout = [("dialect", pa.string()), ("param", pa.string()), ("minted", pa.bool_())]
    return pa.Table.from_pylist(rows, schema=pa.schema(layout))


def _rows(rec: Recording, exchanges: Lazy, issues: Lazy, catalogue: Lazy) -> tuple[Lazy, Lazy]:
    """What is to be judged, and the tokens that nothing before explains.

    The first frame has a row per request, parameter issued before it and value presented (one
    with nulls where none was). The second is already judged (V1, V2).
    """
    params = (
        issues.filter(nw.col("sound"))
        .group_by(*_PARAM)
        .agg(first=nw.col("begun").min())
        .join(catalogue, on=["dialect", "param"], how="left")
    )
    presented = rec.presented.lazy.select(
        "exchange_id", "dialect", "param", "ordinal", "fingerprint", "channel", "kind"
    )
    requests = exchanges.select("exchange_id", "client", "origin", "endpoint", "method", "at_us")
    rows = (
        requests.join(params, on=["client", "origin"])
        .filter(nw.col("at_us") >= nw.col("first"))
        .join(presented, on=["exchange_id", "dialect", "param"], how="left")
    )
    first = params.select(*_PARAM, "first")
    foreign = (
        presented.filter(nw.col("kind") == "value")
        .join(catalogue.filter(nw.col("minted")), on=["dialect", "param"])
        .join(requests, on="exchange_id")
        .join(first, on=list(_PARAM), how="left")
        .filter(nw.col("first").is_null() | (nw.col("at_us") < nw.col("first")))
    )
    return _bind(rec, rows), _mildest(
        _bind(rec, foreign).with_columns(
            verdict=nw.when(nw.col("bound"))
            .then(nw.lit("foreign"))
            .otherwise(nw.lit("not-applicable"))
        )
    )


def _bind(rec: Recording, rows: Lazy) -> Lazy:
    """Rows with a column ``bound``: whether the parameter binds the request (V1)."""
    scope = in_scope(rec).with_columns(in_scope=nw.lit(1))
    bar = barred(rec).with_columns(barred=nw.lit(1))
    return (
        rows.join(scope, on=["origin", "endpoint", "dialect"], how="left")
        .join(bar, on=["endpoint", "dialect", "param"], how="left")
        .with_columns(
            bound=~nw.col("in_scope").is_null()
            & nw.col("barred").is_null()
            & ~nw.col("minted").is_null()
            & ~nw.col("method").is_in(UNBOUND_METHODS)
        )
    )


def _known(rows: Lazy, issues: Lazy, grace_us: int) -> Lazy:
    """The rows with what their client may and must know: running maxima over sorted events."""
    label = [*_PARAM, "fingerprint", "usage", "priority", "sound", "begun", "ended"]
    may = issues.select(*label, t="begun").with_columns(event=nw.lit(_MAY, nw.Int64))
    must = (
        issues.filter(nw.col("sound") & (nw.col("ended") < _FOREVER))
        .select(*label, t=nw.col("ended") + grace_us)
        .with_columns(event=nw.lit(_MUST, nw.Int64))
    )
    # Every engine has the same idea of a value, not of a null of some type: hence the blanks.
    blank_row = {
        "exchange_id": nw.lit(-1, nw.Int64),
        "ordinal": nw.lit(-1, nw.Int64),
        "channel": nw.lit(""),
        "kind": nw.lit(""),
        "bound": nw.lit(value=False),
        "minted": nw.lit(value=False),
    }
    blank_issue = {
        "usage": nw.lit(""),
        "priority": nw.lit(""),
        "sound": nw.lit(value=False),
        "begun": nw.lit(_NEVER, nw.Int64),
        "ended": nw.lit(_NEVER, nw.Int64),
    }
    issued = nw.concat([may, must], how="vertical").with_columns(**blank_row)
    asked = rows.select(
        *_PARAM,
        nw.col("fingerprint").fill_null(0),
        *("exchange_id", "bound"),
        nw.col("ordinal").fill_null(0),
        nw.col("channel").fill_null(""),
        nw.col("kind").fill_null(""),
        nw.col("minted").fill_null(value=False),
        t="at_us",
    ).with_columns(event=nw.lit(_REQUEST, nw.Int64), **blank_issue)
    columns = [*label, "t", "event", *blank_row]
    events = nw.concat([issued.select(*columns), asked.select(*columns)], how="vertical")
    of_param, of_value = list(_PARAM), [*_PARAM, "fingerprint"]
    is_may, is_must = nw.col("event") == _MAY, nw.col("event") == _MUST
    sound_may = is_may & nw.col("sound")
    usage = nw.col("usage")
    # A value from a malformed header has no channel that would be wrong, and one that is implicit
    # in one of two concurrent issues is not held against the client either.
    anywhere = usage.is_in(("malformed", "implicit"))
    return events.with_columns(
        superseded_before=_latest("begun", is_must, of_param),
        header=_latest("ended", sound_may & (usage == "header"), of_param),
        uriquery=_latest("ended", sound_may & (usage == "uriquery"), of_param),
        implicit=_latest("ended", sound_may & (usage == "implicit"), of_param),
        changeable=_latest("ended", sound_may & (nw.col("priority") == "informational"), of_param),
        value_may=_latest("ended", is_may, of_value),
        value_must=_latest("ended", is_must, of_value),
        value_header=_latest("ended", is_may & ((usage == "header") | anywhere), of_value),
        value_uriquery=_latest("ended", is_may & ((usage == "uriquery") | anywhere), of_value),
    ).filter(nw.col("event") == _REQUEST)


def _latest(column: str, where: nw.Expr, partition: list[str]) -> nw.Expr:
    """The latest `column` of the events so far that `where` selects; `_NEVER` if there is none."""
    chosen = nw.when(where).then(nw.col(column)).otherwise(nw.lit(_NEVER))
    return chosen.cum_max().over(*partition, order_by=["t", "event"])


def _decide(known: Lazy) -> Lazy:
    """The verdict of each row by V1-V10, then the mildest of each request and parameter."""
    since = nw.col("superseded_before")
    kind, channel = nw.col("kind"), nw.col("channel")
    absent = kind.is_in(("", "empty"))
    issued = nw.col("value_may") > _NEVER
    placed = ((channel == "header") & (nw.col("value_header") >= since)) | (
        (channel == "uriquery") & (nw.col("value_uriquery") >= since)
    )
    rules = (
        (~nw.col("bound"), "not-applicable"),
        ((kind == "value") & nw.col("minted") & ~issued, "foreign"),
        (since == _NEVER, "in-flight"),
        (absent & (nw.col("implicit") >= since), "not-applicable"),
        (absent, "omitted"),
        (kind == "establish", "restarted"),
        ((nw.col("header") < since) & (nw.col("uriquery") < since), "implicit-set"),
        (issued & (nw.col("value_may") < since), "stale"),
        (~issued & (nw.col("changeable") < since), "defied"),
        (~issued, "overridden"),
        ((nw.col("value_must") >= since) & placed, "honoured"),
        (nw.col("value_must") >= since, "misplaced"),
    )
    verdict: nw.Expr = nw.lit("in-flight")
    for condition, name in reversed(rules):
        verdict = nw.when(condition).then(nw.lit(name)).otherwise(verdict)
    shown = kind != ""
    return _mildest(
        known.with_columns(
            at_us=nw.col("t"),
            verdict=verdict,
            fingerprint=nw.when(shown).then(nw.col("fingerprint")),
            channel=nw.when(shown).then(channel),
        )
    )


def _mildest(rows: Lazy) -> Lazy:
    """One row per request and parameter: the mildest verdict, the first value that has it."""
    rank: nw.Expr = nw.lit(0)
    for position, name in enumerate(VERDICTS):
        rank = nw.when(nw.col("verdict") == name).then(nw.lit(position)).otherwise(rank)
    keys = ("exchange_id", "dialect", "param")
    return (
        rows.with_columns(order=rank * _ORDINALS + nw.col("ordinal"))
        .filter(nw.col("order") == nw.col("order").min().over(*keys))
        .select(*schema.VERDICTS.names)
    )
