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
``not-exposed``, ``on-redirect``, ``on-error``, ``cached``
    Since it was the newest, the value that should have been presented never arrived by a response
    without this obstacle, nor has the client presented it; see
    `statetrail.analyses.causes.expected_value` and `statetrail.analyses.causes.delivery`. Its
    newest issue names the obstacle.
``until-first-rotation``
    Kept from start-up: the client only ever presents the first value, also where a newer one was
    free to be had.
``some-endpoints``
    The client obeys elsewhere, but never here, in at least `MIN_PER_ENDPOINT` requests each.
``not-implemented``
    The client has never shown that it reads the parameter: nothing that it presented was honoured,
    stale, misplaced or a near miss, in at least `MIN_CHANCES` requests.
``malformed-issue``
    With or since the last readable issue the server has issued the parameter in a form that does
    not parse.
``cached``
    Nothing else explains it, and a shared cache may have handed the response to somebody else.
``unknown``
    None of these.

Why in this order?
    First what the presented value shows by itself: whoever presents a value in another form has had
    it. Then what kept the value that was due from the client: what it never had it could not obey,
    whatever else it does, and whatever came later. From there on the client had the value. Next its
    habits: what it does time and again where nothing of the server's is in the way, it does not do
    because of the one thing that is in the way now. They are told by those free requests alone
    (`statetrail.analyses.causes.client_patterns`), so that a server's faults never add up to a
    habit of the client. Then a malformed issue: it takes no value away, it only is an occasion for
    a client that otherwise obeys to drop what it had, or to take what it should not. Last, what is
    only possible.

Verdicts that are no fault are explained only where the value is a near miss (the first two causes)
or a token of another origin: `EXPLAINED`.
"""

from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.causes import tables
from statetrail.analyses.causes.client_patterns import UNSHOWN, with_habits
from statetrail.analyses.causes.expected_value import due
from statetrail.analyses.causes.near_misses import near_misses
from statetrail.analyses.conformance.verdicts import FAULTS, verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

ROOT_CAUSES: Final[dict[str, str]] = {
    "encoding-variant": "high",
    "truncated": "medium",
    "other-origin": "high",
    "not-exposed": "medium",
    "on-redirect": "medium",
    "on-error": "medium",
    "cached": "medium",
    "until-first-rotation": "high",
    "some-endpoints": "medium",
    "not-implemented": "high",
    "malformed-issue": "medium",
    "unknown": "low",
}
"""All causes, the first that holds first, each with how surely it holds where it is named."""
SERVERS: Final = ("not-exposed", "on-redirect", "on-error", "cached", "malformed-issue")
"""The causes that lie with the server: its client is not to blame."""
NEAR_MISSES: Final = ("encoding-variant", "truncated")
"""The causes by which a client presents a value that was issued, but not as it was."""
EXPLAINED: Final = (*FAULTS, "overridden", "foreign")
"""The verdicts that may have a root cause."""
MAX_EVIDENCE: Final = 20
MAX_ENDPOINTS: Final = 10

_FAULT: Final = ("exchange_id", "dialect", "param")
_CAUSE: Final = (*SERIES, "verdict", "cause")
# A client that shows the right value in the wrong place, or one that is implicit, has read it.
_UNREAD: Final = ("omitted", "stale", "defied", "restarted")
# Only what was never issued can be near to what was.
_STRANGE: Final = ("defied", "overridden", "foreign")
_OBSTACLES: Final = ("not-exposed", "on-redirect", "on-error", "cached")


def root_causes(rec: Recording) -> Frame:
    """Why state was ignored (table `root_causes`), computed once."""
    return rec.result(tables.ROOT_CAUSES, lambda: rec.place(_counted(rec)))


def causes(rec: Recording) -> Lazy:
    """The cause of each fault.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``request_start_us``, ``verdict``, ``endpoint`` and
        ``cause``.
    """
    return rec.once("causes", lambda: rec.keep(_causes(rec)))


def _counted(rec: Recording) -> pa.Table:
    found = causes(rec)
    counted = found.group_by(*_CAUSE).agg(
        count=nw.col("exchange_id").count(),
        first_us=nw.col("request_start_us").min(),
        last_us=nw.col("request_start_us").max(),
    )
    shown = found.with_columns(
        nth=(nw.col("request_start_us") * 0 + 1)
        .cum_sum()
        .over(*_CAUSE, order_by=["request_start_us", "exchange_id"])
    ).filter(nw.col("nth") <= MAX_EVIDENCE)
    evidence: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for row in shown.collect("pyarrow").rows(named=True):
        key = tuple(row[name] for name in _CAUSE)
        evidence.setdefault(key, []).append((row["nth"], row["exchange_id"]))
    endpoints: dict[tuple[str, ...], list[str]] = {}
    for row in found.select(*_CAUSE, "endpoint").unique().collect("pyarrow").rows(named=True):
        endpoints.setdefault(tuple(row[name] for name in _CAUSE), []).append(row["endpoint"])
    rows: list[dict[str, Any]] = []
    for row in counted.collect("pyarrow").rows(named=True):
        key = tuple(row[name] for name in _CAUSE)
        where = sorted(endpoints[key])
        more = ["…"] if len(where) > MAX_ENDPOINTS else []
        rows.append(
            row
            | {
                "confidence": ROOT_CAUSES[row["cause"]],
                "endpoints": ",".join([*where[:MAX_ENDPOINTS], *more]),
                "evidence": ",".join(str(number) for _, number in sorted(evidence[key])),
            }
        )
    return pa.Table.from_pylist(rows, schema=tables.ROOT_CAUSES.arrow)


def _causes(rec: Recording) -> Lazy:
    """The faults with everything that may explain them, and then the first cause that does."""
    told = rec.keep(_evidence(rec))
    verdict = nw.col("verdict")
    unread = verdict.is_in(_UNREAD)
    strange = verdict.is_in(_STRANGE)
    rules = (
        (strange & _is("variant"), "encoding-variant"),
        (strange & _is("cut"), "truncated"),
        (verdict.is_in(("defied", "foreign")) & _is("elsewhere"), "other-origin"),
        (unread & _is("other_path"), "other-origin"),
        *((unread & (nw.col("obstacle") == name), name) for name in _OBSTACLES),
        ((verdict == "stale") & _is("first_only"), "until-first-rotation"),
        (verdict.is_in(FAULTS) & _is("not_here"), "some-endpoints"),
        (verdict.is_in(UNSHOWN) & _is("never_read"), "not-implemented"),
        (unread & _is("spoilt"), "malformed-issue"),
        (unread & (nw.col("obstacle") == "cacheable"), "cached"),
        (verdict.is_in(FAULTS), "unknown"),
    )
    cause: nw.Expr = nw.lit("")
    for condition, name in reversed(rules):
        cause = nw.when(condition).then(nw.lit(name)).otherwise(cause)
    return (
        with_habits(rec, told)
        .with_columns(cause=cause)
        .filter(nw.col("cause") != "")
        .select(*SERIES, "exchange_id", "request_start_us", "verdict", "endpoint", "cause")
    )


def _evidence(rec: Recording) -> Lazy:
    """What may explain each single fault, and whether it is free of the server's doing."""
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    faults = rec.keep(
        verdicts(rec).lazy.filter(nw.col("verdict").is_in(EXPLAINED)).join(where, on="exchange_id")
    )
    told = (
        faults.join(near_misses(rec, faults), on=list(_FAULT), how="left")
        .join(due(rec, faults), on=list(_FAULT), how="left")
        .with_columns(nw.col("obstacle").fill_null(""))
    )
    hindered = nw.col("verdict").is_in(_UNREAD) & (
        _is("other_path") | nw.col("obstacle").is_in(_OBSTACLES) | _is("spoilt")
    )
    strange = nw.col("verdict").is_in(_STRANGE)
    near = strange & (_is("variant") | _is("cut") | _is("elsewhere"))
    one, none = nw.lit(1, nw.Int64), nw.lit(0, nw.Int64)
    return told.with_columns(
        free=nw.when(nw.col("verdict").is_in(FAULTS) & ~hindered).then(one).otherwise(none),
        near=nw.when(near).then(one).otherwise(none),
    )


def _is(flag: str) -> nw.Expr:
    """Whether a flag, 1 or else 0 or null, is set."""
    return nw.col(flag).fill_null(0) == 1
