"""Scope: what the dialects say of endpoints, as frames that rules join with.

Enters: a recording. Leaves: small frames. The dialects are evaluated once for each endpoint.

An endpoint is in a dialect's scope where its path says so, or where it was seen to issue the
dialect's state: it is an API method then, whatever prefix the API is mounted under.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.columnar.dialect_masks import issuing_places
from statetrail.analyses.conformance.visibility import WRITES
from statetrail.dialects import Dialect
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

type Holds = Callable[[Dialect, str, tuple[str, ...]], Sequence[bool]]
"""Whether something holds of a dialect's parameter at each of some endpoints."""

_IN_SCOPE: Final = ("origin", "endpoint", "dialect")
_ACTIONS: Final = ("endpoint", "dialect")
_DECLARED: Final = ("endpoint", "dialect", "param")


def in_scope(rec: Recording) -> Lazy:
    """The endpoints in scope: columns ``origin``, ``endpoint``, ``dialect``, one row each."""
    return rec.once("in scope", lambda: _placed(rec, _IN_SCOPE, _in_scope(rec)))


def _in_scope(rec: Recording) -> list[tuple[str, ...]]:
    issuing, dialects = issuing_places(rec), spoken(rec)
    endpoints = rec.exchanges_with_client().select("origin", "endpoint").unique().collect("pyarrow")
    places = zip(*(endpoints[name].to_list() for name in ("origin", "endpoint")), strict=True)
    return [
        (origin, endpoint, dialect.name)
        for origin, endpoint in places
        for dialect in dialects
        if (origin, endpoint, dialect.name) in issuing
        or (dialect.has_scope and dialect.in_scope(endpoint))
    ]


def spoken(rec: Recording) -> tuple[Dialect, ...]:
    """The dialects whose values were issued or presented: no other is joined with anything."""
    return tuple(dialect for dialect in rec.dialects if dialect.name in rec.spoken)


def declared(rec: Recording, name: str, holds: Holds) -> Lazy:
    """Where something holds of a parameter: columns ``endpoint``, ``dialect``, ``param``.

    It is evaluated once for each endpoint, and kept under the name.
    """

    def rows() -> list[tuple[str, ...]]:
        endpoints = _endpoints(rec)
        return [
            (endpoint, dialect.name, param.name)
            for dialect in spoken(rec)
            for param in dialect.params
            for endpoint in compress(endpoints, holds(dialect, param.name, endpoints))
        ]

    return rec.once(f"declared {name}", lambda: _placed(rec, _DECLARED, rows()))


def actions(rec: Recording, action: str) -> Lazy:
    """The endpoints whose requests are an action: columns ``endpoint``, ``dialect``."""

    def rows() -> list[tuple[str, ...]]:
        endpoints = _endpoints(rec)
        return [
            (endpoint, dialect.name)
            for dialect in spoken(rec)
            for endpoint in compress(endpoints, dialect.acting(action, endpoints))
        ]

    return rec.once(f"action {action}", lambda: _placed(rec, _ACTIONS, rows()))


def _endpoints(rec: Recording) -> tuple[str, ...]:
    found = rec.exchanges.lazy.select("endpoint").unique()
    return rec.once("endpoints", lambda: tuple(found.collect("pyarrow")["endpoint"].to_list()))


def barred(rec: Recording) -> Lazy:
    """The endpoints that a dialect does not know to allow a parameter (S3), as in `declared`."""
    return declared(rec, "barred", _barred)


def _barred(dialect: Dialect, param: str, paths: tuple[str, ...]) -> list[bool]:
    return [not allowed for allowed in dialect.allowing(param, paths)]


def logins(rec: Recording) -> Lazy:
    """The requests that logged in, with success: ``exchange_id``, ``dialect``, ``param``.

    A redirect counts as success.
    """
    status = nw.col("status").fill_null(0)
    return (
        rec.exchanges.lazy.filter(nw.col("method").is_in(WRITES))
        .filter((status >= 200) & (status < 400))
        .select("exchange_id", "endpoint")
        .join(declared(rec, "login", lambda d, _, at: d.acting("login", at)), on="endpoint")
        .select("exchange_id", "dialect", "param")
    )


def _placed(rec: Recording, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Lazy:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return rec.place(
        pa.table([pa.array(column, pa.string()) for column in columns], names=[*names])
    )
