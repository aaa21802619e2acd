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
``malformed-issue``
    Since the last readable issue the server has issued the parameter in a form that does not
    parse.
``not-exposed``, ``on-redirect``, ``on-error``, ``cached``
    The value that should have been presented never arrived by a response without this obstacle;
    see `statetrail.analyses.obstacles`. Its newest issue names the obstacle.
``until-first-rotation``
    Kept from start-up: whatever came later, the client only ever presents the first value.
``some-endpoints``
    The client obeys elsewhere, but never here, in at least `MIN_PER_ENDPOINT` requests each.
``not-implemented``
    The client has never obeyed the parameter, in at least `MIN_CHANCES` requests.
``cached``
    Nothing else explains it, and a shared cache may have handed the response to somebody else.
``unknown``
    None of these.

Verdicts that are no fault are explained only where the value is a near miss (the first two causes)
or a token of another origin: `EXPLAINED`.
"""

from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail import schema
from statetrail.analyses.asof import as_of
from statetrail.analyses.near_misses import near_misses
from statetrail.analyses.obstacles import obstacles
from statetrail.analyses.scope import mounts
from statetrail.analyses.values import NEVER, SERIES, issues, presentations
from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.frames import Frame, Lazy, Recording

ROOT_CAUSES: Final[dict[str, str]] = {
    "encoding-variant": "high",
    "truncated": "medium",
    "other-origin": "high",
    "malformed-issue": "medium",
    "not-exposed": "medium",
    "on-redirect": "medium",
    "on-error": "medium",
    "cached": "medium",
    "until-first-rotation": "high",
    "some-endpoints": "medium",
    "not-implemented": "high",
    "unknown": "low",
}
"""All causes, the most specific first, each with how surely it holds where it is named."""
SERVERS: Final = ("malformed-issue", "not-exposed", "on-redirect", "on-error", "cached")
"""The causes that lie with the server: its client is not to blame."""
NEAR_MISSES: Final = ("encoding-variant", "truncated")
"""The causes by which a client presents a value that was issued, but not as it was."""
MIN_CHANCES: Final = 5
"""Requests without obedience from which on a parameter counts as not implemented."""
MIN_PER_ENDPOINT: Final = 3
"""Requests to an endpoint, and obedient ones elsewhere, that tell endpoints apart."""
EXPLAINED: Final = (*FAULTS, "overridden", "foreign")
"""The verdicts that may have a root cause."""
MAX_EVIDENCE: Final = 20
MAX_ENDPOINTS: Final = 10

_FAULT: Final = ("exchange_id", "dialect", "param")
_CAUSE: Final = (*SERIES, "verdict", "cause")
# A client that shows the right value in the wrong place, or one that is implicit, has read it.
_UNREAD: Final = ("omitted", "stale", "defied", "restarted")


def root_causes(rec: Recording) -> Frame:
    """Why state was ignored (table `root_causes`), computed once."""
    return rec.result(schema.ROOT_CAUSES, lambda: rec.place(_counted(rec)))


def causes(rec: Recording) -> Lazy:
    """The cause of each fault.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``at_us``, ``verdict``, ``endpoint`` and ``cause``.
    """
    return rec.once("causes", lambda: _settled(rec, _causes(rec)))


def _counted(rec: Recording) -> pa.Table:
    found = causes(rec)
    counted = found.group_by(*_CAUSE).agg(
        count=nw.col("exchange_id").count(),
        first_us=nw.col("at_us").min(),
        last_us=nw.col("at_us").max(),
    )
    shown = found.with_columns(
        nth=(nw.col("at_us") * 0 + 1).cum_sum().over(*_CAUSE, order_by=["at_us", "exchange_id"])
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
    return pa.Table.from_pylist(rows, schema=schema.ROOT_CAUSES.arrow)


def _causes(rec: Recording) -> Lazy:
    """The faults with everything that may explain them, and then the first cause that does."""
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    faults = _settled(
        rec,
        verdicts(rec).lazy.filter(nw.col("verdict").is_in(EXPLAINED)).join(where, on="exchange_id"),
    )
    due = _settled(rec, _due(rec, faults))
    told = (
        faults.join(near_misses(rec, faults), on=list(_FAULT), how="left")
        .join(due, on=list(_FAULT), how="left")
        .join(_malformed(rec, faults), on=list(_FAULT), how="left")
        .join(_habits(rec), on=list(SERIES), how="left")
        .join(_habits_at(rec), on=[*SERIES, "endpoint"], how="left")
        .join(_first_only(rec), on=list(SERIES), how="left")
    )
    verdict = nw.col("verdict")
    strange = verdict.is_in(("defied", "overridden", "foreign"))
    fault = verdict.is_in(FAULTS)
    unread = verdict.is_in(_UNREAD)
    obstacle = nw.col("obstacle").fill_null("")
    honoured, chances = nw.col("honoured").fill_null(0), nw.col("chances").fill_null(0)
    here, honoured_here = nw.col("chances_here").fill_null(0), nw.col("honoured_here").fill_null(0)
    rules = (
        (strange & (nw.col("variant").fill_null(0) == 1), "encoding-variant"),
        (strange & (nw.col("cut").fill_null(0) == 1), "truncated"),
        (
            verdict.is_in(("defied", "foreign")) & (nw.col("elsewhere").fill_null(0) == 1),
            "other-origin",
        ),
        (unread & (nw.col("other_path").fill_null(0) == 1), "other-origin"),
        (
            unread
            & ~nw.col("malformed_us").is_null()
            & (nw.col("malformed_us").fill_null(0) > nw.col("due_us").fill_null(NEVER)),
            "malformed-issue",
        ),
        *(
            (unread & (obstacle == name), name)
            for name in ("not-exposed", "on-redirect", "on-error", "cached")
        ),
        ((verdict == "stale") & ~nw.col("first_only").is_null(), "until-first-rotation"),
        (
            fault
            & (here >= MIN_PER_ENDPOINT)
            & (honoured_here == 0)
            & (honoured >= MIN_PER_ENDPOINT),
            "some-endpoints",
        ),
        (
            fault & (verdict != "implicit-set") & (honoured == 0) & (chances >= MIN_CHANCES),
            "not-implemented",
        ),
        (unread & (obstacle == "cacheable"), "cached"),
        (fault, "unknown"),
    )
    cause: nw.Expr = nw.lit("")
    for condition, name in reversed(rules):
        cause = nw.when(condition).then(nw.lit(name)).otherwise(cause)
    return (
        told.with_columns(cause=cause)
        .filter(nw.col("cause") != "")
        .select(*SERIES, "exchange_id", "at_us", "verdict", "endpoint", "cause")
    )


def _due(rec: Recording, faults: Lazy) -> Lazy:
    """What should have been presented: the newest value that the client must know (R2).

    Columns `_FAULT`, ``due_us`` (start of its issue), ``obstacle`` (null: one of its issues had
    none), ``other_path`` (1: it was issued only under another path in front of the API).
    """
    grace, series = rec.grace_us, list(SERIES)
    must = issues(rec).filter(nw.col("ended_us") < NEVER)
    asks = faults.select(*SERIES, "exchange_id", t="at_us")
    latest = as_of(
        must.with_columns(t=nw.col("ended_us") + grace),
        asks,
        by=series,
        at=["t"],
        inclusive=False,
        carry=["exchange_id"],
        maxima=["begun_us"],
    ).filter(~nw.col("begun_us").is_null())
    # Of several issues that began at the same time, the last one by its exchange and value.
    newest = (
        latest.join(
            must.select(*SERIES, "begun_us", "ended_us", "fingerprint", issue_id="exchange_id"),
            on=[*SERIES, "begun_us"],
        )
        .filter(nw.col("ended_us") + grace < nw.col("t"))
        .filter(nw.col("issue_id") == nw.col("issue_id").max().over(*_FAULT))
        .filter(nw.col("fingerprint") == nw.col("fingerprint").max().over(*_FAULT))
    )
    obstacle = obstacles(rec).rename({"exchange_id": "issue_id"})
    newest = _settled(rec, newest.join(obstacle, on=["issue_id", "dialect", "param"], how="left"))
    clear = must.join(obstacles(rec), on=["exchange_id", "dialect", "param"]).filter(
        nw.col("obstacle") == ""
    )
    readable = as_of(
        clear.with_columns(t=nw.col("ended_us") + grace, readable=nw.col("ended_us")),
        newest,
        by=[*SERIES, "fingerprint"],
        at=["t"],
        inclusive=False,
        carry=["exchange_id"],
        maxima=["readable"],
    ).select(*_FAULT, "readable")
    return (
        newest.join(readable, on=list(_FAULT), how="left")
        .join(_other_path(rec, newest), on=list(_FAULT), how="left")
        .select(
            *_FAULT,
            "other_path",
            due_us="begun_us",
            obstacle=nw.when(nw.col("readable").is_null()).then("obstacle"),
        )
    )


def _other_path(rec: Recording, newest: Lazy) -> Lazy:
    """The faults whose value was issued only under another path in front of the API."""
    placed = rec.exchanges.lazy.select("exchange_id", "endpoint").join(mounts(rec), on="endpoint")
    of_request = placed.select("exchange_id", "dialect", "mount")
    of_issue = of_request.rename({"exchange_id": "issue_id", "mount": "issue_mount"})
    same = (
        issues(rec)
        .join(of_request, on=["exchange_id", "dialect"])
        .group_by(*SERIES, "fingerprint", "mount")
        .agg(here_us=nw.col("begun_us").min())
    )
    return (
        newest.join(of_request, on=["exchange_id", "dialect"])
        .join(of_issue, on=["issue_id", "dialect"])
        .filter(nw.col("mount") != nw.col("issue_mount"))
        .join(same, on=[*SERIES, "fingerprint", "mount"], how="left")
        .filter(nw.col("here_us").fill_null(NEVER) > nw.col("t"))
        .select(*_FAULT, other_path=nw.col("exchange_id") * 0 + 1)
    )


def _malformed(rec: Recording, faults: Lazy) -> Lazy:
    """When the parameter was last issued malformed before the fault: ``malformed_us``."""
    begun = nw.coalesce("response_start_us", "request_end_us", "request_start_us")
    times = rec.exchanges_with_client().select(
        "exchange_id", "client", "origin", t=nw.max_horizontal(begun, "request_start_us")
    )
    broken = (
        rec.issued.lazy.filter(~nw.col("problem").is_null())
        .select("exchange_id", "dialect", "param")
        .join(times, on="exchange_id")
        .with_columns(malformed_us=nw.col("t"))
    )
    return as_of(
        broken,
        faults.select(*SERIES, "exchange_id", t="at_us"),
        by=list(SERIES),
        at=["t"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["malformed_us"],
    ).select(*_FAULT, "malformed_us")


def _judged(rec: Recording) -> Lazy:
    one = nw.col("exchange_id") * 0 + 1
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    return (
        verdicts(rec)
        .lazy.filter(nw.col("verdict").is_in(("honoured", *FAULTS)))
        .join(where, on="exchange_id")
        .with_columns(one=one, good=nw.when(nw.col("verdict") == "honoured").then(one).otherwise(0))
    )


def _habits(rec: Recording) -> Lazy:
    """How often each client obeyed each parameter, of how many times."""
    return (
        _judged(rec)
        .group_by(*SERIES)
        .agg(chances=nw.col("one").sum(), honoured=nw.col("good").sum())
    )


def _habits_at(rec: Recording) -> Lazy:
    """The same for each endpoint."""
    return (
        _judged(rec)
        .group_by(*SERIES, "endpoint")
        .agg(chances_here=nw.col("one").sum(), honoured_here=nw.col("good").sum())
    )


def _first_only(rec: Recording) -> Lazy:
    """The parameters of which a client presents one value only, the first that was issued."""
    shown = (
        presentations(rec)
        .group_by(*SERIES)
        .agg(fingerprint=nw.col("fingerprint").min(), other=nw.col("fingerprint").max())
        .filter(nw.col("fingerprint") == nw.col("other"))
    )
    first = (
        issues(rec)
        .filter(nw.col("begun_us") == nw.col("begun_us").min().over(*SERIES))
        .select(*SERIES, "fingerprint")
        .unique()
    )
    return shown.join(first, on=[*SERIES, "fingerprint"]).select(*SERIES, first_only="fingerprint")


def _settled(rec: Recording, lazy: Lazy) -> Lazy:
    """The frame collected and placed again: what several steps go on from."""
    table: pa.Table = lazy.collect("pyarrow").to_native()
    columns = lazy.collect_schema().names()
    return rec.place(table.select(columns).replace_schema_metadata(None))
