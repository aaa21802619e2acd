"""Overrides: what became of values that clients chose themselves, where they may.

Enters: a recording. Leaves: the table `overrides`, and the outcome of each single override.

An override is *answered* where the server's next issue of the parameter, in the same response or a
later one, is the client's value: it has been adopted. It is *fought* where that issue is another
value, and *unanswered* where none came. The latter two are what the protocol announces on what has
a state of its own, as a basket (`Dialect.has_own_state`): there a fought attempt had no effect.
"""

from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    among,
    chosen,
    unique,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import having_own_state, of_params
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import REQUEST, of_requests, table, words
from statetrail.analyses.conformance.verdict import OVERRIDDEN, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.exposure.tables import OVERRIDES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.schema import Column, Table

OUTCOMES: Final = ("answered", "fought", "unanswered")
ANSWERED, FOUGHT, UNANSWERED = range(3)

OVERRIDE_OUTCOMES: Final = Table(
    "override_outcomes",
    "one request that presented a value of its client's own choice",
    (
        *REQUEST,
        Column("outcome", "text", "One of `OUTCOMES`"),
        Column("own_state", "bool", "Whether it was for what has a state of its own, as a basket"),
    ),
    ("exchange_id", "dialect", "param"),
)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The overrides of a bucket, each with its outcome as a place in `OUTCOMES`."""

    requests: Judgements
    outcome: Ints


@artifact(needs=(bucket, history, judgements), stored=True)
def outcomes(bucket: Bucket, history: History, judgements: Judgements) -> Outcomes:
    """The outcome of each override."""
    requests = chosen(judgements, judgements.verdict == VERDICTS.index(OVERRIDDEN))
    issues = history.issues
    start = bucket.exchanges.response_start[issues.exchange]
    index = AsOfIndex(issues.series, start, bucket.exchanges.span)
    following = index.after(requests.series, bucket.exchanges.request_start[requests.exchange] - 1)
    moment = np.append(start, NOTHING)[following]
    index = AsOfIndex(issues.value, start, bucket.exchanges.span)
    # Of several issues at one moment any may be the answer: the one that adopts the value counts.
    adopted = index.maxima(start)[index.at(requests.value, moment)] == moment
    own = _issued(issues.exchange, issues.series, requests.exchange, requests.series)
    same = _issued(issues.exchange, issues.value, requests.exchange, requests.value)
    outcome = np.select(
        [own & same, own, following == NOTHING, adopted],
        [np.int64(ANSWERED), np.int64(FOUGHT), np.int64(UNANSWERED), np.int64(ANSWERED)],
        np.int64(FOUGHT),
    )
    return Outcomes(requests, outcome)


@analysis(OVERRIDE_OUTCOMES, needs=(bucket, outcomes), audited=True)
def override_outcomes(bucket: Bucket, outcomes: Outcomes) -> pa.Table:
    """The outcome of each override."""
    requests, param = outcomes.requests, bucket.series_param[outcomes.requests.series]
    known = of_params(bucket, lambda param: param is not None)
    own_state = (having_own_state(bucket) & known)[
        bucket.exchanges.endpoint[requests.exchange], param
    ]
    columns = {"outcome": words(outcomes.outcome, OUTCOMES), "own_state": own_state}
    return table(
        OVERRIDE_OUTCOMES, of_requests(bucket, requests.exchange, requests.series) | columns
    )


def _issued(exchange: Ints, of: Ints, wanted_exchange: Ints, wanted: Ints) -> Bools:
    """Whether these responses issued these values, or any of these series."""
    count = int(max(of.max(initial=0), wanted.max(initial=0))) + 1
    keys = unique(pairs(exchange, of, count))
    return among(keys, pairs(wanted_exchange, wanted, count)) >= 0


@analysis(OVERRIDES, needs=(override_outcomes,), scope="whole")
def overrides(rec: Recording, outcomes: Frame) -> Lazy:
    """What became of the clients' own values.

    Returns
    -------
    Frame
        `statetrail.analyses.exposure.tables.OVERRIDES`.
    """
    one, none = nw.lit(1, nw.Int64), nw.lit(0, nw.Int64)
    counted = outcomes.lazy.with_columns(
        overrides=one,
        on_baskets=nw.when(nw.col("own_state")).then(one).otherwise(none),
        **{name: nw.when(nw.col("outcome") == name).then(one).otherwise(none) for name in OUTCOMES},
    ).with_columns(without_effect=nw.col("on_baskets") * nw.col("fought"))
    counts = ("overrides", *OUTCOMES, "on_baskets", "without_effect")
    return counted.group_by(*SERIES).agg(
        *(nw.col(name).sum() for name in counts),
        first_us=nw.col("request_start_us").min(),
        last_us=nw.col("request_start_us").max(),
    )
