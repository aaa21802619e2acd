"""Masks: what the dialects say of the parameters and endpoints of a bucket.

Enters: a bucket. Leaves: small boolean arrays by endpoint and by parameter. The dialects are asked
once for each distinct endpoint, so that their knowledge stays data.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, distinct, unique
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
    grid = np.ones((len(bucket.endpoints), len(bucket.params)), dtype=np.bool_)
    for at, (dialect, name) in enumerate(_of_each_param(bucket)):
        param = dialect.param(name)
        if param is not None:
            if param.only_on:
                grid[:, at] = bucket.answers.of(param.only_on)
            grid[:, at] &= ~bucket.answers.of(param.not_on)
    return grid


def having_own_state(bucket: Bucket) -> Bools:
    """Where a presented value has no effect on the state kept there; shape (endpoints, params)."""
    grid = np.zeros((len(bucket.endpoints), len(bucket.params)), dtype=np.bool_)
    for at, (dialect, name) in enumerate(_of_each_param(bucket)):
        param, scope = dialect.param(name), dialect.scope
        methods = (param.state_methods if param is not None else ()) or scope.state_methods
        grid[:, at] = bucket.answers.of(scope.own_state) & ~bucket.answers.of(methods)
    return grid


def acting(bucket: Bucket, action: str) -> Bools:
    """Where requests log in or out or write a cart: ``login``, ``logout`` or ``cart``.

    Shape (endpoints, params): as the dialect of each parameter has it.
    """
    return _by_dialect(bucket, lambda dialect: bucket.answers.of(getattr(dialect.scope, action)))


def beginning(bucket: Bucket) -> Bools:
    """Where requests begin a session, whatever comes of it: by a login; (endpoints, params)."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    begins = [dialects[dialect].begins_at_login for dialect, _ in bucket.params]
    logins: Bools = acting(bucket, "login") & np.array(begins, dtype=np.bool_)
    return logins


def in_own_paths(bucket: Bucket) -> Bools:
    """Where the paths of each parameter's dialect are, if it names any; (endpoints, params)."""
    return _by_dialect(bucket, partial(_in_paths, bucket))


def bound(bucket: Bucket, spoken_at: "SpokenAt") -> Bools:
    """Where each parameter binds the requests (V1); shape (endpoints, params)."""
    declared = of_params(bucket, lambda param: param is not None)
    return in_scope(bucket, spoken_at) & allowed(bucket) & declared


def in_scope(bucket: Bucket, spoken_at: "SpokenAt") -> Bools:
    """Where each parameter's dialect is spoken; shape (endpoints, params)."""
    names = [dialect.name for dialect in bucket.dialects]
    own = [names.index(dialect) for dialect, _ in bucket.params]
    grid: Bools = spoken_at.grid[:, own]
    return grid


def mount(bucket: Bucket, endpoints: Ints) -> Ints:
    """What stands in front of the API, as a number; -1 where a path lacks the dialect's scope.

    Shape (endpoints, params): as the dialect of each parameter has it, of these `endpoints` alone.
    """
    numbers = np.full((len(bucket.endpoints), len(bucket.params)), NOTHING, dtype=np.int64)
    known: dict[str, int] = {}
    wanted = unique(endpoints)
    paths = [bucket.endpoints[at][1] for at in wanted.tolist()]
    for dialect in _named(bucket):
        before = [dialect.mount(path) for path in paths]
        mounts = [NOTHING if m is None else known.setdefault(m, len(known)) for m in before]
        own = np.flatnonzero([name == dialect.name for name, _ in bucket.params])
        numbers[np.ix_(wanted, own)] = np.array(mounts, dtype=np.int64)[:, None]
    return numbers


def _by_dialect(bucket: Bucket, holds: Callable[[Dialect], Bools]) -> Bools:
    """Where something holds of the dialect of each parameter; shape (endpoints, params)."""
    grid = np.zeros((len(bucket.endpoints), len(bucket.params)), dtype=np.bool_)
    for dialect in _named(bucket):
        grid[:, [name == dialect.name for name, _ in bucket.params]] = holds(dialect)[:, None]
    return grid


def _in_paths(bucket: Bucket, dialect: Dialect) -> Bools:
    if not dialect.scope.paths:
        return np.ones(len(bucket.endpoints), dtype=np.bool_)
    return bucket.answers.of(dialect.scope.paths, exact=True)


def _of_each_param(bucket: Bucket) -> Iterator[tuple[Dialect, str]]:
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    return ((dialects[dialect], name) for dialect, name in bucket.params)


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
def issuing_places(
    _: Recording, places: Iterator[set[Place]]
) -> Mapping[str, frozenset[tuple[str, str]]]:
    """The endpoints that were seen to issue a dialect's state, anywhere in the recording.

    They are methods of the API, whatever prefix it is mounted under.
    """
    found = defaultdict[str, set[tuple[str, str]]](set)
    for some in places:
        for origin, endpoint, dialect in some:
            found[dialect].add((origin, endpoint))
    return {dialect: frozenset(endpoints) for dialect, endpoints in found.items()}


@dataclass(frozen=True, slots=True)
class SpokenAt:
    """Where each dialect of a bucket is spoken; `grid` has the shape (endpoints, dialects)."""

    grid: Bools


@artifact(needs=(bucket, issuing_places), stored=True)
def spoken_at(bucket: Bucket, issuing: Mapping[str, frozenset[tuple[str, str]]]) -> SpokenAt:
    """Where the dialects are spoken: in their paths, and where their state was issued."""
    grid = np.zeros((len(bucket.endpoints), len(bucket.dialects)), dtype=np.bool_)
    for at, dialect in enumerate(bucket.dialects):
        own = issuing.get(dialect.name, frozenset())
        grid[:, at] = _in_paths(bucket, dialect)
        if own:
            grid[:, at] |= np.array([place in own for place in bucket.endpoints], dtype=np.bool_)
    return SpokenAt(grid)


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
