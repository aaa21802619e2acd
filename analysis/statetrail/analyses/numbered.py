"""The facts with integers for names: what the hot path of the verdicts works on.

Enters: a recording. Leaves: `Numbered`. Clients, origins, endpoints, dialects and parameters are
text that repeats a million times; here each has a number, and the text is joined back at the end.
"""

from dataclasses import dataclass
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.knowledge import FOREVER
from statetrail.analyses.scope import UNBOUND_METHODS, barred, in_scope
from statetrail.frames import Lazy, Recording

# What an issue says besides its value, as one number: twice the usage, plus one if the client may
# choose. A malformed issue says nothing.
_HEADER, _URIQUERY, _IMPLICIT, _MALFORMED = 0, 2, 4, 6
_PARAMS_AT_MOST: Final = 2**20


@dataclass(frozen=True)
class Numbered:
    """The facts of a recording with integers for names; all times in microseconds.

    Attributes
    ----------
    exchanges
        ``exchange_id, who, place, at_us, begun, ended, open``: ended null for a response that
        never ended, open 1 unless the method never carries state.
    clients
        ``who, client, origin``.
    params
        ``pid, dialect, param, minted``: minted 1 or 0, null where no dialect declares it.
    bindings
        ``place, pid, bound`` (1): the endpoints at which a parameter binds (V1).
    issues
        ``series, exchange_id, fingerprint, form, begun, ended``; a series is one parameter of one
        client at one origin.
    """

    exchanges: Lazy
    clients: Lazy
    params: Lazy
    bindings: Lazy
    issues: Lazy


def numbered(rec: Recording) -> Numbered:
    """Number a recording's facts."""
    named = rec.exchanges_with_client().select(
        *("exchange_id", "client", "origin", "endpoint", "method"),
        at_us=nw.col("request_start_us"),
        begun=nw.coalesce("response_start_us", "request_end_us", "request_start_us"),
        ended="response_end_us",
    )
    clients = _number(rec, named.select("client", "origin"), "who")
    places = _number(rec, named.select("origin", "endpoint"), "place")
    exchanges = rec.keep(
        named.join(clients, on=["client", "origin"])
        .join(places, on=["origin", "endpoint"])
        .select(
            *("exchange_id", "who", "place", "at_us", "ended"),
            begun=nw.max_horizontal("begun", "at_us"),
            open=_flag(~nw.col("method").is_in(UNBOUND_METHODS)),
        )
    )
    params = _params(rec)
    return Numbered(
        exchanges=exchanges,
        clients=clients,
        params=params,
        bindings=_bindings(rec, places, params),
        issues=_issues(rec, exchanges, params),
    )


def series_number() -> nw.Expr:
    """The series of a client and a parameter."""
    return nw.col("who") * _PARAMS_AT_MOST + nw.col("pid")


def says(*usages: str) -> nw.Expr:
    """Whether an issue's form is one of these usages (``malformed`` for a malformed one)."""
    numbers = {
        "header": (_HEADER, _HEADER + 1),
        "uriquery": (_URIQUERY, _URIQUERY + 1),
        "implicit": (_IMPLICIT, _IMPLICIT + 1),
        "malformed": (_MALFORMED,),
    }
    return nw.col("form").is_in([number for usage in usages for number in numbers[usage]])


def may_be_changed() -> nw.Expr:
    """Whether an issue's priority is informational."""
    return nw.col("form").is_in([_HEADER + 1, _URIQUERY + 1, _IMPLICIT + 1])


def _number(rec: Recording, names: Lazy, number: str) -> Lazy:
    columns = names.collect_schema().names()
    distinct = names.unique().with_row_index(number, order_by=columns)
    return rec.keep(distinct.with_columns(nw.col(number).cast(nw.Int64)))


def _flag(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64))


def _params(rec: Recording) -> Lazy:
    """Every parameter that was issued or is declared."""
    layout = [("dialect", pa.string()), ("param", pa.string()), ("minted", pa.int64())]
    rows = [
        {"dialect": dialect.name, "param": param.name, "minted": int(param.minted)}
        for dialect in rec.dialects
        for param in dialect.params
    ]
    declared = rec.place(pa.Table.from_pylist(rows, schema=pa.schema(layout)))
    issued = rec.issued.lazy.filter(
        nw.col("dialect").is_in([dialect.name for dialect in rec.dialects])
    )
    names = [frame.select("dialect", "param") for frame in (issued, declared)]
    every = _number(rec, nw.concat(names, how="vertical"), "pid")
    return rec.keep(every.join(declared, on=["dialect", "param"], how="left"))


def _bindings(rec: Recording, places: Lazy, params: Lazy) -> Lazy:
    refused = barred(rec).with_columns(refused=nw.lit(1))
    return rec.keep(
        in_scope(rec)
        .join(places, on=["origin", "endpoint"])
        .join(params.filter(~nw.col("minted").is_null()), on="dialect")
        .join(refused, on=["endpoint", "dialect", "param"], how="left")
        .filter(nw.col("refused").is_null())
        .select("place", "pid", bound=nw.lit(1, nw.Int64))
    )


def _issues(rec: Recording, exchanges: Lazy, params: Lazy) -> Lazy:
    usage = (
        nw.when(nw.col("usage") == "header")
        .then(nw.lit(_HEADER, nw.Int64))
        .otherwise(
            nw.when(nw.col("usage") == "uriquery")
            .then(nw.lit(_URIQUERY, nw.Int64))
            .otherwise(nw.lit(_IMPLICIT, nw.Int64))
        )
    )
    form = (
        nw.when(nw.col("problem").is_null())
        .then(usage + _flag(nw.col("priority") == "informational"))
        .otherwise(nw.lit(_MALFORMED, nw.Int64))
    )
    return (
        rec.issued.lazy.join(params.select("pid", "dialect", "param"), on=["dialect", "param"])
        .select("exchange_id", "pid", "fingerprint", form=form)
        .join(exchanges.select("exchange_id", "who", "begun", "ended"), on="exchange_id")
        .select(
            *("exchange_id", "fingerprint", "form", "begun"),
            series=series_number(),
            ended=nw.max_horizontal(nw.col("ended").fill_null(FOREVER), "begun"),
        )
    )
