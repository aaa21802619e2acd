"""Overrides: what became of values that clients chose themselves, where they may.

Enters: a recording. Leaves: the table `overrides`, and the outcome of each single override.

An override is *answered* where the server's next issue of the parameter, in the same response or a
later one, is the client's value: it has been adopted. It is *fought* where that issue is another
value, and *unanswered* where none came. The latter two are what the protocol announces on what has
a state of its own, as a basket (`Dialect.has_own_state`): there a fought attempt had no effect.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among, chosen
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import of_series, table, words
from statetrail.analyses.conformance.verdict import OVERRIDDEN, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.details import extremes, of_pairs
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.scope import declared
from statetrail.analyses.exposure.tables import OVERRIDES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

OUTCOMES: Final = ("answered", "fought", "unanswered")
ANSWERED, FOUGHT, UNANSWERED = range(3)

# fmt: off

OVERRIDE_OUTCOMES: Final = Table(
    "override_outcomes", "one request that presented a value of its client's own choice",
    (
        CLIENT, ORIGIN, DIALECT, PARAM, EXCHANGE,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("endpoint", "text", "Where the request went"),
        Column("outcome", "text", "One of `OUTCOMES`"),
    ),
    ("exchange_id", "dialect", "param"),
)

# fmt: on


def own_state(rec: Recording) -> Lazy:
    """Where values in a request have no effect: columns ``endpoint``, ``dialect``, ``param``."""
    return declared(rec, "own state", lambda d, param, at: d.has_own_state(param.name, at))


@dataclass(frozen=True, slots=True)
class Overrides:
    """The overrides of a bucket, and what became of each as a place in `OUTCOMES`."""

    requests: Judgements
    outcome: Ints


@artifact(needs=(bucket, history, judgements), stored=True)
def judged_overrides(bucket: Bucket, history: History, judgements: Judgements) -> Overrides:
    """The overrides of a bucket."""
    made = chosen(judgements, judgements.verdict == VERDICTS.index(OVERRIDDEN))
    issues = history.issues
    start = bucket.exchanges.response_start[issues.exchange]
    index = AsOfIndex(issues.series, start, bucket.exchanges.span)
    following = index.after(made.series, bucket.exchanges.request_start[made.exchange] - 1)
    moment = np.append(start, NOTHING)[following]
    index = AsOfIndex(issues.value, start, bucket.exchanges.span)
    # Of several issues at one moment any may be the answer: the one that adopts the value counts.
    adopted = index.maxima(start)[index.at(made.value, moment)] == moment
    own = _issued(issues.exchange, issues.series, made.exchange, made.series)
    same = _issued(issues.exchange, issues.value, made.exchange, made.value)
    outcome = np.select(
        [own & same, own, following == NOTHING, adopted],
        [np.int64(ANSWERED), np.int64(FOUGHT), np.int64(UNANSWERED), np.int64(ANSWERED)],
        np.int64(FOUGHT),
    )
    return Overrides(made, outcome)


def _issued(exchange: Ints, of: Ints, wanted_exchange: Ints, wanted: Ints) -> Bools:
    """Whether these responses issued these values, or any of these series."""
    count = int(max(of.max(initial=0), wanted.max(initial=0))) + 1
    keys = np.unique(pairs(exchange, of, count))
    return among(keys, pairs(wanted_exchange, wanted, count)) >= 0


@analysis(OVERRIDE_OUTCOMES, needs=(bucket, judged_overrides))
def override_outcomes(bucket: Bucket, overrides: Overrides) -> pa.Table:
    """The outcome of each override.

    Returns
    -------
    Frame
        `OVERRIDE_OUTCOMES`.
    """
    requests, exchanges = overrides.requests, bucket.exchanges
    endpoints = [endpoint for _, endpoint in bucket.endpoints]
    return table(
        OVERRIDE_OUTCOMES,
        {
            **of_series(bucket, requests.series),
            "exchange_id": exchanges.id[requests.exchange],
            "request_start_us": exchanges.clock[exchanges.request_start[requests.exchange]],
            "endpoint": words(exchanges.endpoint[requests.exchange], endpoints),
            "outcome": words(overrides.outcome, OUTCOMES),
        },
    )


@analysis(OVERRIDES, needs=(bucket, judged_overrides))
def overrides(bucket: Bucket, judged: Overrides) -> pa.Table:
    """What became of the clients' own values.

    Returns
    -------
    Frame
        `statetrail.analyses.exposure.tables.OVERRIDES`.
    """
    exchange, outcome = judged.requests.exchange, judged.outcome
    series, place = np.unique(judged.requests.series, return_inverse=True)
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    on_basket = of_pairs(
        *(bucket.exchanges.endpoint[exchange], bucket.series_param[judged.requests.series]),
        lambda endpoint, param: dialects[bucket.params[param][0]].has_own_state(
            bucket.params[param][1], bucket.endpoints[endpoint][1]
        ),
    )
    first, last = extremes(place, bucket.exchanges.request_start[exchange], len(series))

    def counted(which: Bools) -> Ints:
        return np.bincount(place[which], minlength=len(series))

    return table(
        OVERRIDES,
        {
            **of_series(bucket, series),
            "overrides": counted(outcome >= 0),
            **{name: counted(outcome == at) for at, name in enumerate(OUTCOMES)},
            "on_baskets": counted(on_basket),
            "without_effect": counted(on_basket & (outcome == FOUGHT)),
            "first_us": bucket.exchanges.clock[first],
            "last_us": bucket.exchanges.clock[last],
        },
    )
