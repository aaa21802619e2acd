"""Allowance: where a capture shows that restricted parameters are allowed or refused.

Enters: the buckets of a recording. Leaves: what was learned per endpoint, beside what the dialects
declare (``Param.only_on``), and the requests that presented restricted parameters. Findings use it;
no verdict is made from it.

An endpoint allows a parameter where at least `MIN_ALLOWED` requests that presented it succeeded
(2xx) and none failed (4xx). It refuses it where requests that presented it only failed, and others
without it succeeded.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import Bools, Ints, numbered
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.coding import Coded, coded
from statetrail.analyses.columnar.dialect_masks import (
    SpokenAt,
    acting,
    allowed,
    in_scope,
    of_params,
    spoken_at,
)
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import REQUEST, hits_and_totals, of_requests, table
from statetrail.analyses.conformance.visibility import UNBOUND_METHODS
from statetrail.analyses.events.details import Details, aligned
from statetrail.analyses.events.history import History, history, pairs
from statetrail.recording.frames import Recording
from statetrail.schema import Column, Table

MIN_ALLOWED: Final = 2
"""Successful requests with the parameter from which on an endpoint is learned to allow it."""

RESTRICTED_USES: Final = Table(
    "restricted_uses",
    "one request that presented a parameter where it is not allowed, or the number of others",
    (
        *REQUEST,
        Column("excess", "bool", "Whether the endpoint is not known to allow it"),
        Column("refused", "bool", "Whether the endpoint was seen to refuse it"),
        Column("times", "int", "Requests that the row stands for"),
    ),
    ("exchange_id", "dialect", "param"),
)

type Method = tuple[str, str | None, str]
"""(origin, method, endpoint)."""
type Restricted = tuple[Method, tuple[str, str]]
"""A method, and (dialect, param)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How many requests succeeded, and succeeded or failed with restricted parameters."""

    good: Counter[Method] = field(default_factory=Counter)
    good_with: Counter[Restricted] = field(default_factory=Counter)
    bad_with: Counter[Restricted] = field(default_factory=Counter)


@artifact(reads={"exchanges": ("exchange_id", "method")})
def methods(facts: Details) -> Details:
    """The methods of a bucket's requests."""
    return facts


@artifact(needs=(bucket, history, methods, spoken_at))
def _answers(bucket: Bucket, history: History, details: Details, spoken_at: SpokenAt) -> Answers:
    answers, grid = Answers(), _grid(bucket, spoken_at)
    if not grid.any():
        return answers
    exchanges, (method, names) = bucket.exchanges, _methods(bucket, details)
    good = (exchanges.status >= 200) & (exchanges.status < 300)
    bad = (exchanges.status >= 400) & (exchanges.status < 500)
    bound = _bound(method, names)

    def place(endpoint: int, method: int) -> Method:
        origin, path = bucket.endpoints[endpoint]
        return origin, names[method], path

    every = np.flatnonzero(good & bound & grid.any(axis=1)[exchanges.endpoint])
    counted = _counted(exchanges.endpoint[every], method[every])
    answers.good.update({place(endpoint, code): times for (endpoint, code), times in counted})
    param, exchange = bucket.series_param[history.uses.series], history.uses.exchange
    _, row = np.unique(pairs(exchange, param, len(bucket.params)), return_index=True)
    row = row[grid[exchanges.endpoint[exchange[row]], param[row]] & bound[exchange[row]]]
    for flag, counter in ((good, answers.good_with), (bad, answers.bad_with)):
        some = row[flag[exchange[row]]]
        columns = exchanges.endpoint[exchange[some]], method[exchange[some]], param[some]
        counter.update(
            {(place(e, m), bucket.params[p]): times for (e, m, p), times in _counted(*columns)}
        )
    return answers


@artifact(needs=(_answers,), scope="whole")
def allowance(_: Recording, several: Iterator[Answers]) -> dict[Restricted, bool]:
    """What the answers say of restricted parameters: whether they are allowed; else no entry."""
    total = Answers()
    for each in several:
        total.good.update(each.good)
        total.good_with.update(each.good_with)
        total.bad_with.update(each.bad_with)
    found = {}
    for key in total.good_with | total.bad_with:
        good, bad = total.good_with[key], total.bad_with[key]
        if good >= MIN_ALLOWED and not bad:
            found[key] = True
        elif not good and bad and total.good[key[0]]:
            found[key] = False
    return found


@analysis(RESTRICTED_USES, needs=(bucket, history, methods, spoken_at, allowance), audited=True)
def restricted_uses(
    bucket: Bucket,
    history: History,
    details: Details,
    spoken_at: SpokenAt,
    learned: Mapping[Restricted, bool],
) -> pa.Table:
    """The requests that presented restricted parameters in the scope of their dialects."""
    exchanges, uses = bucket.exchanges, history.uses
    param, endpoint = bucket.series_param[uses.series], exchanges.endpoint[uses.exchange]
    row = np.flatnonzero(_grid(bucket, spoken_at)[endpoint, param])
    method, names = _methods(bucket, details)
    row = row[_bound(method, names)[uses.exchange[row]]]
    exchange, series = uses.exchange[row], uses.series[row]
    param, endpoint = param[row], endpoint[row]
    at, place = numbered(endpoint, method[exchange], param)
    rows = zip(
        *(column[place].tolist() for column in (endpoint, method[exchange], param)), strict=True
    )
    says = [
        learned.get(((bucket.endpoints[e][0], names[m], bucket.endpoints[e][1]), bucket.params[p]))
        for e, m, p in rows
    ]
    # What the server was seen to accept is allowed, whatever the list says.
    accepted, refused = (
        np.array([one is wanted for one in says], dtype=np.bool_)[at] for wanted in (True, False)
    )
    # A logout has to say whose authentication it ends; one that fails may not allow it.
    status = bucket.exchanges.status[exchange]
    ends = acting(bucket, "logout")[endpoint, param] & (status >= 200) & (status < 400)
    excess = ~allowed(bucket)[endpoint, param] & ~accepted & ~ends
    kept, times = hits_and_totals(series, excess)
    return table(
        RESTRICTED_USES,
        of_requests(bucket, exchange[kept], series[kept])
        | {"excess": excess[kept], "refused": refused[kept], "times": times},
    )


def _grid(bucket: Bucket, spoken_at: SpokenAt) -> Bools:
    """Where parameters are restricted, in their dialects' scope; shape (endpoints, params)."""
    restricted = of_params(bucket, lambda param: param is not None and bool(param.only_on))
    if not restricted.any():
        return np.zeros((len(bucket.endpoints), len(bucket.params)), dtype=np.bool_)
    return in_scope(bucket, spoken_at) & restricted


def _methods(bucket: Bucket, details: Details) -> Coded:
    return coded(aligned(bucket, details["exchanges"])["method"])


def _bound(method: Ints, names: list[str | None]) -> Bools:
    return np.array([name not in UNBOUND_METHODS for name in names], dtype=np.bool_)[method]


def _counted(*columns: Ints) -> Iterator[tuple[tuple[int, ...], int]]:
    """The distinct rows of some columns, each with how often it is there."""
    number, place = numbered(*columns)
    rows = zip(*(column[place].tolist() for column in columns), strict=True)
    return zip(rows, np.bincount(number, minlength=len(place)).tolist(), strict=True)
