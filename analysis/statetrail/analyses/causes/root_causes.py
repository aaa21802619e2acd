"""Root causes: why a client ignored state, where the traffic shows it.

Enters: a recording. Leaves: the table `root_causes`, and the cause of each single fault.

A fault gets the first cause that holds:

``encoding-variant``
    The value was never issued, but one that differs only in writing was: percent-encoding, case,
    quotes, blanks at the ends.
``truncated``
    The value was never issued, but begins with the same 12 characters as just one that was.
``other-origin``
    The value was issued to the client at another origin; or what should have been presented was
    issued only under another path in front of the API (``/shop-a/services/v3`` is not
    ``/shop-b/services/v3``).
``until-first-rotation``
    Kept from start-up: in the session only the first of several values is ever presented, also
    where a newer one was free to be had; or in all sessions only the first value of the first one.
``some-endpoints``
    The client obeys elsewhere, but never here, in at least `MIN_PER_ENDPOINT` requests each.
``not-implemented``
    The client has never shown that it reads the parameter: nothing that it presented was honoured,
    stale, misplaced or a near miss, in at least `MIN_CHANCES` requests.
``unknown``
    None of these.

Why in this order?
    1. What the presented value itself shows: a client that writes a value otherwise has read it.
    2. Where the value belongs (`statetrail.analyses.causes.expected_value`).
    3. The client's patterns (`statetrail.analyses.causes.client_patterns`).

What the server caused is no fault (rule L8) and has no cause: what the client could not read binds
nobody, and a malformed issue is a reason of the verdict.

Verdicts that are no fault are explained only where the value is a near miss (the first two causes)
or a token of another origin: `EXPLAINED`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.causes import near_misses, tables
from statetrail.analyses.causes.client_patterns import UNSHOWN, client_patterns, is_verdict
from statetrail.analyses.causes.expected_value import holders, issued_elsewhere
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    chosen,
    ordered,
    run_begins,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, server_issued
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import REQUEST, of_requests, of_series, table, words
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.conformance.verdict import (
    DEFIED,
    FOREIGN,
    OMITTED,
    OVERRIDDEN,
    REASONS,
    REFUSED,
    RESTARTED,
    STALE,
    VERDICTS,
)
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.acceptance import acceptance
from statetrail.analyses.events.details import Details, details
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import Lineage, lineage
from statetrail.schema import Column, Table

UNKNOWN: Final = "unknown"
ROOT_CAUSES: Final[dict[str, str]] = {
    "encoding-variant": "high",
    "truncated": "medium",
    "other-origin": "high",
    "until-first-rotation": "high",
    "some-endpoints": "medium",
    "not-implemented": "high",
    UNKNOWN: "low",
}
"""All causes, the first that holds first, each with how surely it holds where it is named."""
NEAR_MISSES: Final = ("encoding-variant", "truncated")
"""The causes by which a client presents a value that was issued, but not as it was."""
EXPLAINED: Final = (OVERRIDDEN, FOREIGN)
"""The verdicts that may have a root cause, besides the faults."""
MAX_EVIDENCE: Final = 20
MAX_ENDPOINTS: Final = 10

# A client that shows the right value in the wrong place, or one that is implicit, has read it.
_UNREAD: Final = (OMITTED, STALE, DEFIED, RESTARTED)
# Only what was never issued can be near to what was.
_STRANGE: Final = (DEFIED, OVERRIDDEN, FOREIGN)
_NAMES: Final = tuple(ROOT_CAUSES)
_REFUSED: Final = tuple(REASONS).index(REFUSED)
_REFUSALS: Final = (400, 403, 409, 412, 422)
"""Statuses by which a server says that it does not take what a request asks for."""

CAUSES: Final = Table(
    "causes",
    "one verdict that has a root cause",
    (
        *REQUEST,
        Column("verdict", "text", "The verdict that is explained"),
        Column("reason", "text", "One of `REASONS`", "none"),
        Column("fault", "bool", "Whether it counts against the client"),
        Column("cause", "text", "One of `ROOT_CAUSES`"),
        Column("refused", "bool", "Whether the server refuses the value, or answers with another"),
    ),
    ("exchange_id", "dialect", "param"),
)


@dataclass(frozen=True, slots=True)
class Explained:
    """The faults of a bucket that have a cause, and this as a place in `ROOT_CAUSES`."""

    faults: Judgements
    cause: Ints


@artifact(needs=(bucket, lineage, history, judgements, details), stored=True)
def explained(
    bucket: Bucket, lineage: Lineage, history: History, every: Judgements, details: Details
) -> Explained:
    """The faults of a bucket that have a cause."""
    unsaid = is_verdict(every, *EXPLAINED) & (every.reason == NOTHING)
    faults = chosen(every, every.fault | unsaid)
    request_start = bucket.exchanges.request_start[faults.exchange]
    fault, unread = faults.fault, is_verdict(faults, *_UNREAD)
    strange = is_verdict(faults, *_STRANGE)
    holder, _ = holders(bucket, lineage, faults)
    near = near_misses.near_misses(bucket, lineage, details, holder, faults.value, request_start)
    other_path = unread & issued_elsewhere(bucket, lineage, history, faults)
    pattern = client_patterns(
        *(bucket, lineage, history, every, faults),
        fault & ~other_path,
        strange & (near.variant | near.cut | near.elsewhere),
    )
    elsewhere = is_verdict(faults, DEFIED, FOREIGN) & near.elsewhere
    # The first line that holds decides.
    causes = (
        (strange & near.variant, "encoding-variant"),
        (strange & near.cut, "truncated"),
        (elsewhere | other_path, "other-origin"),
        (is_verdict(faults, STALE, DEFIED) & pattern.first_only, "until-first-rotation"),
        (fault & pattern.not_here, "some-endpoints"),
        (is_verdict(faults, *UNSHOWN) & pattern.never_read, "not-implemented"),
        (fault, UNKNOWN),
    )
    conditions, names = zip(*causes, strict=True)
    places = [np.int64(_NAMES.index(name)) for name in names]
    cause = np.select(list(conditions), places, np.int64(-1))
    return Explained(chosen(faults, cause >= 0), cause[cause >= 0])


@analysis(CAUSES, needs=(bucket, explained, history, declarations), audited=True)
def causes(
    bucket: Bucket, explained: Explained, history: History, declared: Declarations | None
) -> pa.Table:
    """The cause of each fault."""
    faults = explained.faults
    columns = {
        "verdict": words(faults.verdict, VERDICTS),
        "reason": words(faults.reason, tuple(REASONS)),
        "fault": faults.fault,
        "cause": words(explained.cause, _NAMES),
        "refused": _refused(bucket, history, faults, declared),
    }
    return table(CAUSES, of_requests(bucket, faults.exchange, faults.series) | columns)


def _refused(
    bucket: Bucket, history: History, faults: Judgements, declared: Declarations | None
) -> Bools:
    """Whether the server refuses what these requests present, or answers with another value."""
    exchange, param = faults.exchange, bucket.series_param[faults.series]
    uses, fate, count = history.uses, acceptance(bucket, history), len(bucket.series_client)
    not_taken = pairs(uses.exchange, uses.series, count)[fate.refused | fate.replaced]
    refused = within(pairs(exchange, faults.series, count), not_taken)
    refused |= np.isin(bucket.exchanges.status[exchange], _REFUSALS) & ~server_issued(bucket)[param]
    # Many servers send who has no session to the login.
    target, logins = bucket.exchanges.redirect[exchange], acting(bucket, "login")
    refused |= (target != NOTHING) & logins[target, param] & server_issued(bucket)[param]
    if declared is not None:
        refused |= declared.refused[exchange, param] | (faults.reason == _REFUSED)
    return refused


@analysis(tables.ROOT_CAUSES, needs=(bucket, explained), audited=True)
def root_causes(bucket: Bucket, explained: Explained) -> pa.Table:
    """Why state was ignored: the faults counted by series, verdict and cause.

    Returns
    -------
    Frame
        `statetrail.analyses.causes.tables.ROOT_CAUSES`.
    """
    faults, cause = explained.faults, explained.cause
    key = (faults.series * len(VERDICTS) + faults.verdict) * len(_NAMES) + cause
    # Exchanges of one client are in order of their starts.
    order = ordered(key, faults.exchange)
    key, exchange = key[order], faults.exchange[order]
    start_us = bucket.exchanges.clock[bucket.exchanges.request_start[exchange]]
    first = np.flatnonzero(run_begins(key))
    count = np.diff(first, append=len(key))
    endpoints, evidence = [], []
    for rows in np.split(exchange, first[1:]) if len(exchange) else []:
        places = unique(bucket.exchanges.endpoint[rows]).tolist()
        names = sorted(bucket.endpoints[place][1] for place in places)
        more = ["…"] if len(names) > MAX_ENDPOINTS else []
        endpoints.append(",".join([*names[:MAX_ENDPOINTS], *more]))
        evidence.append(",".join(map(str, bucket.exchanges.id[rows[:MAX_EVIDENCE]].tolist())))
    cause = key[first] % len(_NAMES)
    return table(
        tables.ROOT_CAUSES,
        {
            **of_series(bucket, faults.series[order[first]]),
            "verdict": words(faults.verdict[order[first]], VERDICTS),
            "cause": words(cause, _NAMES),
            "confidence": words(cause, tuple(ROOT_CAUSES.values())),
            "count": count,
            "first_us": start_us[first],
            "last_us": start_us[first + count - 1],
            "endpoints": pa.array(endpoints, pa.string()),
            "evidence": pa.array(evidence, pa.string()),
        },
    )
