"""Delivery: what can keep a client from taking a value out of the response that issued it.

Enters: a bucket, some of its issues, and details of their exchanges. Leaves: one obstacle an issue.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, numbered
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket, bucket
from statetrail.analyses.columnar.coding import coded
from statetrail.analyses.columnar.result_rows import REQUEST, of_requests, table
from statetrail.analyses.events.details import Details, aligned, details, holds, of_pairs
from statetrail.analyses.events.history import pairs
from statetrail.dialects import Dialect
from statetrail.dialects.places import ISSUE_PARTS
from statetrail.schema import Column, Table

OBSTACLES: Final = ("not-exposed", "cacheable")
"""The first that holds counts: a page of another origin cannot read the header; a shared cache may
give the response to others. What came with an error, a redirect or from a cache binds nobody (rule
L8), and so explains no fault."""

_IN_HEADERS: Final = pa.array([name for name, part in ISSUE_PARTS.items() if part == "header"])
_SHARED: Final = re.compile("(?:^|,)(?:public|s-maxage=)")
_PRIVATE: Final = re.compile("(?:^|,)(?:private|no-store)(?:,|$)")

CROSS_ORIGIN_ISSUES: Final = Table(
    "cross_origin_issues",
    "one parameter in a header of a response to a page of another origin",
    (*REQUEST, Column("hidden", "bool", "A browser keeps the header from the page")),
    ("exchange_id", "dialect", "param"),
)


def delivery(bucket: Bucket, details: Details, exchange: Ints, value: Ints) -> Ints:
    """The obstacle to each of these issues that bind, as its place in `OBSTACLES`; -1: none."""
    exchanges = aligned(bucket, details["exchanges"])
    shared = holds(
        exchanges["cache_control"],
        lambda text: bool(_SHARED.search(text) and not _PRIVATE.search(text)),
    )
    _, hidden = _cross_origin(bucket, details, exchanges, exchange, value)
    return np.select(
        [hidden, shared[exchange]],
        [np.int64(OBSTACLES.index(name)) for name in OBSTACLES],
        np.int64(NOTHING),
    )


@analysis(CROSS_ORIGIN_ISSUES, needs=(bucket, details))
def cross_origin_issues(bucket: Bucket, details: Details) -> pa.Table:
    """The issues in headers of responses to pages of another origin."""
    issue = np.flatnonzero(bucket.issued.usage != MALFORMED)
    exchange, series = bucket.issued.exchange[issue], bucket.issued.series[issue]
    rows = aligned(bucket, details["exchanges"])
    crosses, hidden = _cross_origin(bucket, details, rows, exchange, bucket.issued.value[issue])
    crossing = np.flatnonzero(crosses)
    keys = pairs(exchange[crossing], series[crossing], len(bucket.series_client))
    one = crossing[np.unique(keys, return_index=True)[1]]
    columns = of_requests(bucket, exchange[one], series[one]) | {"hidden": hidden[one]}
    return table(CROSS_ORIGIN_ISSUES, columns)


def _cross_origin(
    bucket: Bucket, details: Details, exchanges: pa.Table, exchange: Ints, value: Ints
) -> tuple[Bools, Bools]:
    """Which issues are in headers for a page of another origin, and which of them it cannot read.

    ``Access-Control-Expose-Headers: *`` stands for every header unless the request had
    credentials. Whether it had is not visible, so ``*`` counts as exposed.
    """
    code, origins = coded(exchanges["request_origin"])
    # A page of the same origin reads every header.
    crosses = bucket.exchanges.open & of_pairs(
        *(code, bucket.exchanges.endpoint),
        lambda origin, endpoint: (
            origins[origin] not in (None, "(malformed)", bucket.endpoints[endpoint][0])
        ),
    )
    crosses = crosses[exchange]
    rows = np.flatnonzero(crosses)
    crosses[rows] = _in_header(bucket, details["issued"], exchange[rows], value[rows])
    rows = np.flatnonzero(crosses)
    code, exposed = coded(exchanges["exposed_headers"])
    hidden = np.zeros(len(exchange), dtype=np.bool_)
    hidden[rows] = of_pairs(
        *(code[exchange[rows]], bucket.series_param[bucket.values.series[value[rows]]]),
        lambda names, param: _hides(exposed[names] or "", bucket.params[param], bucket.dialects),
    )
    return crosses, hidden


def _in_header(bucket: Bucket, issued: pa.Table, exchange: Ints, value: Ints) -> Bools:
    """Whether the issues are in headers."""
    issued = issued.filter(pc.is_in(issued["channel"], _IN_HEADERS))
    ids = np.concatenate([bucket.exchanges.id[exchange], issued["exchange_id"].to_numpy()])
    fingerprints = [bucket.values.fingerprint[value], issued["fingerprint"].to_numpy()]
    number, _ = numbered(ids, np.concatenate(fingerprints))
    return among(np.unique(number[len(exchange) :]), number[: len(exchange)]) >= 0


def _hides(exposed: str, named: tuple[str, str], dialects: Sequence[Dialect]) -> bool:
    """Whether a browser keeps the parameter's header from a page of another origin."""
    dialect, param = named
    listed = exposed.split(",")
    names = [
        name
        for declared in dialects
        if declared.name == dialect
        for place in declared.issued_at(param)
        if (name := place.field_name(param)) is not None
    ]
    # A list that was too long to keep may name the header in its rest.
    if "*" in listed or exposed.endswith("…") or not names:
        return False
    return not any(name in listed for name in names)
