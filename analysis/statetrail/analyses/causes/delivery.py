"""Delivery: what can keep a client from taking a value out of the response that issued it.

Enters: a part, some of its issues, and details of their exchanges. Leaves: one obstacle an issue.
"""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.causes.tables import CROSS_ORIGIN_ISSUES
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, numbered
from statetrail.analyses.columnar.bucket import MALFORMED, Part, coded
from statetrail.analyses.columnar.dialect_masks import Rules
from statetrail.analyses.columnar.executor import Lived, by_details
from statetrail.analyses.columnar.result_rows import of_series, table, words
from statetrail.analyses.events.details import Details, aligned, holds, of_pairs
from statetrail.dialects.places import ISSUE_PARTS
from statetrail.recording.frames import Frame, Recording

OBSTACLES: Final = ("not-exposed", "on-redirect", "on-error", "cached", "cacheable")
"""The first that holds counts: a page of another origin cannot read the header; clients follow
redirects without a look; the status is 400 or more; status 304, or an ``Age`` (it may be an answer
to somebody else); a shared cache may hand the response to others."""
COLUMNS: Final = {
    "exchanges": ("exchange_id", "age_s", "cache_control", "request_origin", "exposed_headers"),
    "issued": ("exchange_id", "fingerprint", "channel"),
}

_IN_HEADERS: Final = pa.array([name for name, part in ISSUE_PARTS.items() if part == "header"])
_SHARED: Final = re.compile("(?:^|,)(?:public|s-maxage=)")
_PRIVATE: Final = re.compile("(?:^|,)(?:private|no-store)(?:,|$)")


def cross_origin_issues(rec: Recording) -> Frame:
    """The issues in headers of responses to pages of another origin, computed once."""
    return by_details(rec, CROSS_ORIGIN_ISSUES, COLUMNS, _cross_origin_issues)


def obstacles(part: Part, rules: Rules, details: Details, ex: Ints, value: Ints) -> Ints:
    """The obstacle to each of these well-formed issues, as its place in `OBSTACLES`; -1: none."""
    exchanges = aligned(part, details["exchanges"])
    control = exchanges["cache_control"]
    status, age = part.exchanges.status, exchanges["age_s"].fill_null(0).to_numpy()
    shared = holds(control, lambda text: bool(_SHARED.search(text) and not _PRIVATE.search(text)))
    in_turn = (
        (status >= 300) & (status < 400) & (status != 304),
        status >= 400,
        (status == 304) | (age > 0),
        shared,
    )
    places = [np.int64(place) for place in range(1, len(OBSTACLES))]
    of_response = np.select(list(in_turn), places, np.int64(NOTHING))
    _, hidden = _cross_origin(part, rules, details, exchanges, ex, value)
    return np.where(hidden, 0, of_response[ex])


def _cross_origin_issues(part: Part, rules: Rules, _: Lived, details: Details) -> pa.Table:
    issue = np.flatnonzero(part.issued.usage != MALFORMED)
    ex, value = part.issued.ex[issue], part.issued.value[issue]
    crosses, hidden = _cross_origin(
        part, rules, details, aligned(part, details["exchanges"]), ex, value
    )
    ex, series, hidden = ex[crosses], part.issued.series[issue][crosses], hidden[crosses]
    _, rows = np.unique(ex * max(len(part.series_who), 1) + series, return_index=True)
    ex, series = ex[rows], series[rows]
    return table(
        CROSS_ORIGIN_ISSUES,
        of_series(part, series)
        | {
            "exchange_id": part.exchanges.id[ex],
            "request_start_us": part.exchanges.clock[part.exchanges.asked[ex]],
            "endpoint": words(part.exchanges.where[ex], [name for _, name in part.endpoints]),
            "hidden": hidden[rows],
        },
    )


def _cross_origin(
    part: Part, rules: Rules, details: Details, exchanges: pa.Table, ex: Ints, value: Ints
) -> tuple[Bools, Bools]:
    """Which issues are in headers for a page of another origin, and which of them it cannot read.

    ``Access-Control-Expose-Headers: *`` stands for every header unless the request had
    credentials. Whether it had is not visible, so ``*`` counts as exposed.
    """
    code, origins = coded(exchanges["request_origin"])
    # A page of the same origin reads every header.
    crosses = part.exchanges.open & of_pairs(
        *(code, part.exchanges.where),
        lambda origin, where: (
            origins[origin] not in (None, "(malformed)", part.endpoints[where][0])
        ),
    )
    crosses = crosses[ex]
    rows = np.flatnonzero(crosses)
    crosses[rows] = _in_header(part, details["issued"], ex[rows], value[rows])
    rows = np.flatnonzero(crosses)
    code, exposed = coded(exchanges["exposed_headers"])
    hidden = np.zeros(len(ex), dtype=np.bool_)
    hidden[rows] = of_pairs(
        *(code[ex[rows]], part.series_param[part.values.series[value[rows]]]),
        lambda names, param: _hides(exposed[names] or "", part.params[param], rules),
    )
    return crosses, hidden


def _in_header(part: Part, issued: pa.Table, ex: Ints, value: Ints) -> Bools:
    """Whether the issues are in headers."""
    issued = issued.filter(pc.is_in(issued["channel"], _IN_HEADERS))
    ids = np.concatenate([part.exchanges.id[ex], issued["exchange_id"].to_numpy()])
    fingerprints = [part.values.fingerprint[value], issued["fingerprint"].to_numpy()]
    number, _ = numbered(ids, np.concatenate(fingerprints))
    return among(np.unique(number[len(ex) :]), number[: len(ex)]) >= 0


def _hides(exposed: str, named: tuple[str, str], rules: Rules) -> bool:
    """Whether a browser keeps the parameter's header from a page of another origin."""
    dialect, param = named
    listed = exposed.split(",")
    names = [
        name
        for declared in rules.dialects
        if declared.name == dialect
        for place in declared.issued_at(param)
        if (name := place.field_name(param)) is not None
    ]
    # A list that was too long to keep may name the header in its rest.
    if "*" in listed or exposed.endswith("…") or not names:
        return False
    return not any(name in listed for name in names)
