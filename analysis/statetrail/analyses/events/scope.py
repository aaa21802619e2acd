"""Scope: what the dialects say of endpoints, as frames that rules join with.

Enters: a recording. Leaves: small frames. The dialects are evaluated once for each endpoint.

An endpoint is in a dialect's scope where its path says so, or where it was seen to issue the
dialect's state: it is an API method then, whatever prefix the API is mounted under.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

import pyarrow as pa

from statetrail.dialects import Dialect
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

type Holds = Callable[[Dialect, str, tuple[str, ...]], Sequence[bool]]
"""Whether something holds of a dialect's parameter at each of some endpoints."""

_ACTIONS: Final = ("endpoint", "dialect")
_DECLARED: Final = ("endpoint", "dialect", "param")


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


def _placed(rec: Recording, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Lazy:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return rec.place(
        pa.table([pa.array(column, pa.string()) for column in columns], names=[*names])
    )
