"""Masks: what the dialects say of the parameters and endpoints of a bucket.

Enters: a bucket. Leaves: small boolean arrays by endpoint and by parameter. The dialects are asked
once for each distinct endpoint, so that their knowledge stays data.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, distinct
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.dialects import Dialect, Param
from statetrail.recording.frames import Recording

type Place = tuple[str, str, str]
"""(origin, endpoint, dialect)."""


def of_params(bucket: Bucket, holds: Callable[[Param | None], bool]) -> Bools:
    """What holds of each parameter; `holds` is given `None` for one that is not declared."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    return np.array([holds(dialects[d].param(name)) for d, name in bucket.params], dtype=np.bool_)


def server_issued(bucket: Bucket) -> Bools:
    """The parameters whose values come from the server alone."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    return np.array([dialects[d].mints(param) for d, param in bucket.params], dtype=np.bool_)


def names_sessions(bucket: Bucket) -> Bools:
    """The parameters whose values are tokens of sessions."""
    if not bucket.declared:
        return server_issued(bucket)
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    keys = [dialects[dialect].key_rank(param) is not None for dialect, param in bucket.params]
    return np.array(keys, dtype=np.bool_)


def superseded_by(bucket: Bucket) -> npt.NDArray[np.str_]:
    """What makes a value of each parameter old (`Param.supersedes`); of session keys an answer."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    return np.array(
        [
            "lineage" if param in dialects[d].session_keys else str(dialects[d].supersedes(param))
            for d, param in bucket.params
        ],
        dtype=np.str_,
    )


def secret(bucket: Bucket) -> Bools:
    """The parameters whose values are secret."""
    return of_params(bucket, lambda param: param is None or param.clear is None)


def in_channel(bucket: Bucket, channel: str) -> Bools:
    """The parameters that can be presented in the channel."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    can = [
        any(place.channel == channel for place in dialects[dialect].presented_at(param))
        for dialect, param in bucket.params
    ]
    return np.array(can, dtype=np.bool_)


def may_be_silent(bucket: Bucket) -> Bools:
    """The parameters of which a live value may go unmentioned in a response."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    silent = [not dialects[dialect].speaks_always(param) for dialect, param in bucket.params]
    return np.array(silent, dtype=np.bool_)


def allowed(bucket: Bucket) -> Bools:
    """Where the dialect lets each parameter be presented; shape (endpoints, params)."""
    return _by_param(bucket, lambda dialect, param, paths: dialect.allowing(param, paths))


def having_own_state(bucket: Bucket) -> Bools:
    """Where a presented value has no effect on the state kept there; shape (endpoints, params)."""
    return _by_param(bucket, lambda dialect, param, paths: dialect.having_own_state(param, paths))


def bound(bucket: Bucket, issuing: frozenset[Place]) -> Bools:
    """Where each parameter binds the requests (V1); shape (endpoints, params)."""
    declared = of_params(bucket, lambda param: param is not None)
    return in_scope(bucket, issuing) & allowed(bucket) & declared


def in_scope(bucket: Bucket, issuing: frozenset[Place]) -> Bools:
    """Where each parameter's dialect is spoken; shape (endpoints, params)."""
    paths = tuple(endpoint for _, endpoint in bucket.endpoints)
    grid = np.zeros((len(paths), len(bucket.params)), dtype=np.bool_)
    for dialect in _named(bucket):
        issues = [(*place, dialect.name) in issuing for place in bucket.endpoints]
        spoken = np.array(issues, np.bool_) | np.array(dialect.scoping(paths), np.bool_)
        grid[:, [name == dialect.name for name, _ in bucket.params]] = spoken[:, None]
    return grid


def mount(bucket: Bucket) -> Ints:
    """What stands in front of the API, as a number; -1 where a path lacks the dialect's scope.

    Shape (endpoints, params): as the dialect of each parameter has it.
    """
    numbers = np.full((len(bucket.endpoints), len(bucket.params)), NOTHING, dtype=np.int64)
    known: dict[str, int] = {}
    for dialect in _named(bucket):
        before = [dialect.mount(endpoint) for _, endpoint in bucket.endpoints]
        mounts = [NOTHING if m is None else known.setdefault(m, len(known)) for m in before]
        own = [name == dialect.name for name, _ in bucket.params]
        numbers[:, own] = np.array(mounts, dtype=np.int64)[:, None]
    return numbers


def acting(bucket: Bucket, action: str) -> Bools:
    """Where requests log in or out or write a cart: ``login``, ``logout`` or ``cart``.

    Shape (endpoints, params): as the dialect of each parameter has it.
    """
    return _by_param(bucket, lambda dialect, _, paths: dialect.acting(action, paths))


def _by_param(
    bucket: Bucket, holds: Callable[[Dialect, str, tuple[str, ...]], Sequence[bool]]
) -> Bools:
    """Where something holds of each parameter; shape (endpoints, params)."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    paths = tuple(endpoint for _, endpoint in bucket.endpoints)
    grid = np.zeros((len(paths), len(bucket.params)), dtype=np.bool_)
    for at, (dialect, param) in enumerate(bucket.params):
        grid[:, at] = holds(dialects[dialect], param, paths)
    return grid


@artifact(needs=(bucket,))
def _issuing(bucket: Bucket) -> set[Place]:
    exchange = bucket.issued.exchange
    sound = bucket.exchanges.open[exchange] & (bucket.issued.usage != MALFORMED)
    param = bucket.series_param[bucket.issued.series[sound]]
    endpoint = bucket.exchanges.endpoint[exchange[sound]]
    width = max(len(bucket.params), 1)
    pairs = distinct(endpoint * width + param, len(bucket.endpoints) * width)[0].tolist()
    return {(*bucket.endpoints[pair // width], bucket.params[pair % width][0]) for pair in pairs}


@artifact(needs=(_issuing,), scope="whole")
def issuing_places(_: Recording, places: Iterator[set[Place]]) -> frozenset[Place]:
    """The endpoints that were seen to issue a dialect's state, anywhere in the recording.

    They are methods of the API, whatever prefix it is mounted under.
    """
    return frozenset().union(*places)


def refuses(bucket: Bucket, param: Ints, status: Ints) -> Bools:
    """Whether the status refuses a token, as the dialect of each parameter has it."""
    refuses = np.zeros(len(param), dtype=np.bool_)
    for dialect in bucket.dialects:
        own = np.array([name == dialect.name for name, _ in bucket.params], dtype=np.bool_)
        refuses |= own[param] & np.isin(status, dialect.refused)
    return refuses


def _named(bucket: Bucket) -> list[Dialect]:
    """The dialects that the bucket has parameters of."""
    names = {name for name, _ in bucket.params}
    return [dialect for dialect in bucket.dialects if dialect.name in names]
