"""Rotations: each time a server moved a client to another value, and why.

Enters: a recording. Leaves: the table `ROTATIONS`, one row per issue of a new value. What counts
as one, and which value was before: `statetrail.analyses.trail`.

What the exchange itself shows is only that the answer to a presented token was another (`reset`),
or that a new value came to a request that presented none (`reissue`). Why takes more, and each
name is given only where the evidence holds for the whole origin and parameter; the first that
fits:

1.  `idle`: the expiry inference names an idle timeout, and the token may have lain unused for
    longer than any that survived.
2.  `age`, `periodic`: it names a limit on the age, and the token may have been older than any
    that survived. It is `periodic` where replaced tokens still worked, `MIN_ENDS` times or more,
    for clients that must have known the newer one: then the server renews by the clock.
3.  `login`: the request logged in or out, with success.
4.  `every-request`: no use of any token survived; at least `MIN_ENDS` tokens of `MIN_CLIENTS`
    clients ended so within `PROMPT_S` of the last sign of life, which no idle timeout explains.
5.  `basket`: the request wrote a basket, and the parameter is context, not a token.

Else the honest coarse word stays.
"""

from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.deeds import deeds
from statetrail.analyses.expiry import MIN_CLIENTS, MIN_ENDS, expiry
from statetrail.analyses.fates import fates
from statetrail.analyses.trail import trail
from statetrail.analyses.uses import uses
from statetrail.analyses.values import SEEN
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import ROTATIONS

CAUSES: Final[dict[str, str]] = {
    "establish": "The client's first value: none had been issued before, or the request asked for "
    "one while the client had none yet",
    "restart": "The request asked for a new value although the client had one",
    "idle": "The request presented a token that had lain unused for too long, and the answer was "
    "another",
    "age": "The request presented a token that had become too old, and the answer was another",
    "periodic": "The server renews tokens by the clock, and still takes the old one for a while",
    "every-request": "The server answers every use of a token with another",
    "login": "The request logged in or out, and the answer was another value",
    "basket": "The request changed a basket, and the answer was another context",
    "reset": "The request presented the value before, and the answer was another; the traffic does "
    "not settle why",
    "reissue": "The response issued another value to a request that did not present the one "
    "before; the traffic does not settle why",
    "override": "The request presented a value of the client's choice, and the server took it over",
}
"""What led to a rotation."""
LOSSES: Final = ("reset", "idle", "age")
"""Causes by which the server ended what hung on the token."""
PROMPT_S: Final = 5.0
"""No server lets a session time out within so many seconds of its use."""

_PARAM: Final = ("origin", "dialect", "param")


def rotations(rec: Recording) -> Frame:
    """Every issue of a value that is new to its client, with what led to it.

    Returns
    -------
    Frame
        `statetrail.schema.ROTATIONS`; ``cause`` is one of `CAUSES`.
    """
    return rec.result(ROTATIONS, lambda: _rotations(rec))


def _rotations(rec: Recording) -> Lazy:
    policy, low = nw.col("policy"), nw.col("low_s").fill_null(0.0)
    reset = nw.col("cause") == "reset"
    replaced = reset | (nw.col("cause") == "reissue")
    rested = reset & (policy == "idle") & (nw.col("idle_high_s") > low)
    aged = reset & (policy == "age") & (nw.col("age_high_s") > low)
    causes = {
        "idle": rested,
        "periodic": aged & nw.col("overlaps"),
        "age": aged,
        "login": replaced & nw.col("logged"),
        "every-request": reset & nw.col("single_use"),
        "basket": replaced & nw.col("context") & nw.col("cart"),
    }
    cause = nw.col("cause")
    for name, told in reversed(causes.items()):
        cause = nw.when(told.fill_null(False)).then(nw.lit(name)).otherwise(cause)
    done = deeds(rec).select(
        "exchange_id", "dialect", "cart", logged=nw.col("login") | nw.col("logout")
    )
    return (
        trail(rec)
        .join(done, on=["exchange_id", "dialect"], how="left")
        .join(rec.place(_habits(rec)), on=list(_PARAM), how="left")
        .join(rec.place(_context(rec)), on=["dialect", "param"], how="left")
        .with_columns(cause=cause)
        .select(*ROTATIONS.names)
    )


def _habits(rec: Recording) -> pa.Table:
    """What is known of each parameter's tokens: few rows, so that they are plain Python.

    Columns `_PARAM`, ``policy`` and ``low_s`` (of `expiry`), ``single_use``, ``overlaps``.
    """
    known = [
        {name: row[name] for name in (*_PARAM, "policy", "low_s")} for row in expiry(rec).rows()
    ]
    once, worked = _single_use(rec), _overlapping(rec)
    rows = [
        row | {"single_use": key in once, "overlaps": key in worked}
        for row in known
        for key in (tuple(row[name] for name in _PARAM),)
    ]
    layout = [(name, pa.string()) for name in (*_PARAM, "policy")]
    layout += [("low_s", pa.float64()), ("single_use", pa.bool_()), ("overlaps", pa.bool_())]
    return pa.Table.from_pylist(rows, schema=pa.schema(layout))


def _single_use(rec: Recording) -> set[tuple[str, ...]]:
    """The parameters no token of which survived a use, however soon after it was issued."""
    counted = uses(rec).lazy.filter(nw.col("excluded").is_null())
    survivors = {
        tuple(row[name] for name in _PARAM)
        for row in _rows(counted.filter(nw.col("outcome") == "survived").select(*_PARAM).unique())
    }
    prompt = (nw.col("outcome") == "ended") & (nw.col("gap_high_s") <= PROMPT_S)
    ended = (
        counted.filter(prompt)
        .group_by(*_PARAM)
        .agg(tokens=nw.col("fingerprint").n_unique(), clients=nw.col("client").n_unique())
    )
    return {
        tuple(row[name] for name in _PARAM)
        for row in _rows(ended)
        if row["tokens"] >= MIN_ENDS and row["clients"] >= MIN_CLIENTS
    } - survivors


def _overlapping(rec: Recording) -> set[tuple[str, ...]]:
    """The parameters whose replaced tokens still worked."""
    late = fates(rec).filter(nw.col("late")).select(*SEEN, "late")
    worked = (
        uses(rec)
        .lazy.filter(nw.col("outcome") == "survived")
        .join(late, on=list(SEEN))
        .group_by(*_PARAM)
        .agg(uses=nw.col("exchange_id").count())
    )
    return {tuple(row[name] for name in _PARAM) for row in _rows(worked) if row["uses"] >= MIN_ENDS}


def _context(rec: Recording) -> pa.Table:
    """The parameters that are context, not tokens: columns ``dialect``, ``param``, ``context``."""
    rows = [
        {"dialect": dialect.name, "param": param.name, "context": param.clear is not None}
        for dialect in rec.dialects
        for param in dialect.params
    ]
    layout = [("dialect", pa.string()), ("param", pa.string()), ("context", pa.bool_())]
    return pa.Table.from_pylist(rows, schema=pa.schema(layout))


def _rows(lazy: Lazy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lazy.collect("pyarrow").to_native().to_pylist()
    return found
