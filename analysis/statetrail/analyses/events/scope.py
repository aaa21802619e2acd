"""Scope: what the dialects say of endpoints, as frames that rules join with.

Enters: a recording. Leaves: small frames. The dialects are evaluated once for each endpoint.

An endpoint is in a dialect's scope where its path says so, or where it was seen to issue the
dialect's state: it is an API method then, whatever prefix the API is mounted under.
"""

from collections.abc import Callable
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.columnar.dialect_masks import issuing_places
from statetrail.analyses.conformance.visibility import WRITES
from statetrail.dialects import Dialect, Param
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_IN_SCOPE: Final = ("origin", "endpoint", "dialect")
_ACTIONS: Final = ("endpoint", "dialect")
_DECLARED: Final = ("endpoint", "dialect", "param")


def in_scope(rec: Recording) -> Lazy:
    """The endpoints in scope: columns ``origin``, ``endpoint``, ``dialect``, one row each."""
    return rec.once("in scope", lambda: _placed(rec, _IN_SCOPE, _in_scope(rec)))


def _in_scope(rec: Recording) -> list[tuple[str, ...]]:
    issuing = issuing_places(rec)
    endpoints = rec.exchanges_with_client().select("origin", "endpoint").unique().collect("pyarrow")
    places = zip(*(endpoints[name].to_list() for name in ("origin", "endpoint")), strict=True)
    return [
        (origin, endpoint, dialect.name)
        for origin, endpoint in places
        for dialect in rec.dialects
        if (origin, endpoint, dialect.name) in issuing
        or (dialect.has_scope and dialect.in_scope(endpoint))
    ]


def declared(rec: Recording, name: str, holds: Callable[[Dialect, Param, str], bool]) -> Lazy:
    """Where something holds of a parameter: columns ``endpoint``, ``dialect``, ``param``.

    It is evaluated once for each endpoint, and kept under the name.
    """

    def rows() -> list[tuple[str, ...]]:
        endpoints = rec.exchanges.lazy.select("endpoint").unique().collect("pyarrow")
        return [
            (endpoint, dialect.name, param.name)
            for endpoint in endpoints["endpoint"].to_list()
            for dialect in rec.dialects
            for param in dialect.params
            if holds(dialect, param, endpoint)
        ]

    return rec.once(f"declared {name}", lambda: _placed(rec, _DECLARED, rows()))


def actions(rec: Recording, action: str) -> Lazy:
    """The endpoints whose requests are an action: columns ``endpoint``, ``dialect``."""

    def rows() -> list[tuple[str, ...]]:
        endpoints = rec.exchanges.lazy.select("endpoint").unique().collect("pyarrow")
        return [
            (endpoint, dialect.name)
            for endpoint in endpoints["endpoint"].to_list()
            for dialect in rec.dialects
            if dialect.is_action(action, endpoint)
        ]

    return rec.once(f"action {action}", lambda: _placed(rec, _ACTIONS, rows()))


def barred(rec: Recording) -> Lazy:
    """The endpoints that a dialect does not know to allow a parameter (S3), as in `declared`."""
    return declared(rec, "barred", lambda dialect, param, at: not dialect.allows(param.name, at))


def logins(rec: Recording) -> Lazy:
    """The requests that logged in, with success: ``exchange_id``, ``dialect``, ``param``.

    A redirect counts as success.
    """
    status = nw.col("status").fill_null(0)
    return (
        rec.exchanges.lazy.filter(nw.col("method").is_in(WRITES))
        .filter((status >= 200) & (status < 400))
        .select("exchange_id", "endpoint")
        .join(declared(rec, "login", lambda d, _, at: d.is_action("login", at)), on="endpoint")
        .select("exchange_id", "dialect", "param")
    )


def _placed(rec: Recording, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Lazy:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return rec.place(
        pa.table([pa.array(column, pa.string()) for column in columns], names=[*names])
    )
