"""Scope: which requests a dialect's parameters bind, decided per endpoint.

Enters: a recording. Leaves: two small frames to join with. The dialects are asked once per distinct
endpoint, so that their knowledge stays data and the rows stay on the engine.

An endpoint is in a dialect's scope where its path says so, or where it was seen to issue the
dialect's state: it is an API method then, whatever prefix the API is mounted under.
"""

from collections.abc import Callable
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.conformance.visibility import UNBOUND_METHODS as UNBOUND_METHODS
from statetrail.dialects import Dialect, Param
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_IN_SCOPE: Final = pa.schema(
    [("origin", pa.string()), ("endpoint", pa.string()), ("dialect", pa.string())]
)
_DECLARED: Final = pa.schema(
    [("endpoint", pa.string()), ("dialect", pa.string()), ("param", pa.string())]
)


def in_scope(rec: Recording) -> Lazy:
    """The endpoints in scope: columns ``origin``, ``endpoint``, ``dialect``, one row each."""
    return rec.once("scope", lambda: rec.place(_in_scope(rec)))


def barred(rec: Recording) -> Lazy:
    """Where a parameter does not belong: columns ``endpoint``, ``dialect``, ``param``.

    These are the endpoints that the dialect does not know to allow the parameter (S3).
    """
    return declared(rec, "barred", lambda dialect, param, at: not dialect.allows(param.name, at))


def declared(rec: Recording, name: str, holds: Callable[[Dialect, Param, str], bool]) -> Lazy:
    """Where something holds of a parameter: columns ``endpoint``, ``dialect``, ``param``.

    It is asked once for each endpoint, and kept under the name.
    """
    return rec.once(f"declared.{name}", lambda: rec.place(_declared(rec, holds)))


def _in_scope(rec: Recording) -> pa.Table:
    exchanges = rec.exchanges_with_client()
    issuing = (
        rec.issued.lazy.filter(nw.col("problem").is_null())
        .select("exchange_id", "dialect")
        .unique()
        .join(exchanges.select("exchange_id", "origin", "endpoint", "method"), on="exchange_id")
        .filter(~nw.col("method").is_in(UNBOUND_METHODS))
        .select("origin", "endpoint", "dialect")
        .unique()
        .collect("pyarrow")
    )
    known = {(r["origin"], r["endpoint"], r["dialect"]) for r in issuing.rows(named=True)}
    seen = exchanges.select("origin", "endpoint").unique().collect("pyarrow")
    for row in seen.rows(named=True):
        for dialect in rec.dialects:
            if dialect.in_scope(row["endpoint"]):
                known.add((row["origin"], row["endpoint"], dialect.name))
    names = {dialect.name for dialect in rec.dialects}
    rows = [
        dict(zip(_IN_SCOPE.names, row, strict=True)) for row in sorted(known) if row[2] in names
    ]
    return pa.Table.from_pylist(rows, schema=_IN_SCOPE)


def _declared(rec: Recording, holds: Callable[[Dialect, Param, str], bool]) -> pa.Table:
    endpoints = rec.exchanges.lazy.select("endpoint").unique().collect("pyarrow")
    rows = [
        {"endpoint": endpoint, "dialect": dialect.name, "param": param.name}
        for endpoint in sorted(endpoints["endpoint"].to_list())
        for dialect in rec.dialects
        for param in dialect.params
        if holds(dialect, param, endpoint)
    ]
    return pa.Table.from_pylist(rows, schema=_DECLARED)
