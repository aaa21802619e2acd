"""Obstacles: why a client may have been unable to take a value from the response that issued it.

Enters: a recording. Leaves: one row per issue with what stood in the way, if anything did.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.events.scope import UNBOUND_METHODS
from statetrail.dialects import HeaderIssue
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_COMBINATION: Final = ("dialect", "param", "exposed")
_SHARED: Final = "(?:^|,)(?:public|s-maxage=)"
_PRIVATE: Final = "(?:^|,)(?:private|no-store)(?:,|$)"


def obstacles(rec: Recording) -> Lazy:
    """What stood between each well-formed issue and its client.

    Returns
    -------
    Lazy
        Columns ``exchange_id``, ``dialect``, ``param``, one row each, and ``obstacle``:
        ``not-exposed`` (a page of another origin cannot read the header), ``on-redirect`` (clients
        follow redirects without a look), ``on-error`` (status 400 or more), ``cached`` (status 304,
        or an ``Age``: it may be an answer to somebody else), ``cacheable`` (a shared cache may
        hand it to others) or ``""``.
    """
    where = rec.exchanges.lazy.select("exchange_id", "status", "age_s", "cache_control")
    told = (
        rec.issued.lazy.filter(nw.col("problem").is_null())
        .select("exchange_id", "dialect", "param")
        .unique()
        .join(where, on="exchange_id")
        .join(hidden(rec), on=["exchange_id", "dialect", "param"], how="left")
    )
    status, control = nw.col("status").fill_null(0), nw.col("cache_control").fill_null("")
    rules = (
        (~nw.col("hidden").is_null(), "not-exposed"),
        ((status >= 300) & (status < 400) & (status != 304), "on-redirect"),
        (status >= 400, "on-error"),
        ((status == 304) | (nw.col("age_s").fill_null(0) > 0), "cached"),
        (control.str.contains(_SHARED) & ~control.str.contains(_PRIVATE), "cacheable"),
    )
    obstacle: nw.Expr = nw.lit("")
    for condition, name in reversed(rules):
        obstacle = nw.when(condition).then(nw.lit(name)).otherwise(obstacle)
    return told.select("exchange_id", "dialect", "param", obstacle=obstacle)


def cross_origin(rec: Recording) -> Lazy:
    """The issues in headers of responses to pages of another origin.

    Returns
    -------
    Lazy
        Columns ``exchange_id``, ``dialect``, ``param``, ``origin``, ``endpoint``,
        ``request_start_us`` and ``exposed``.
    """
    where = (
        rec.exchanges_with_client()
        .filter(
            ~nw.col("request_origin").is_null()
            & ~nw.col("request_origin").is_in(("(malformed)",))
            & ~nw.col("method").is_in(UNBOUND_METHODS)
            # A page of the same origin reads every header.
            & (nw.col("request_origin") != nw.col("origin"))
        )
        .select(
            "exchange_id",
            "origin",
            "endpoint",
            "request_start_us",
            exposed=nw.col("exposed_headers").fill_null(""),
        )
    )
    return (
        rec.issued.lazy.filter((nw.col("channel") == "header") & nw.col("problem").is_null())
        .select("exchange_id", "dialect", "param")
        .unique()
        .join(where, on="exchange_id")
    )


def hidden(rec: Recording) -> Lazy:
    """The issues that a browser keeps from its page: `cross_origin` where ``hidden`` is 1.

    ``Access-Control-Expose-Headers: *`` stands for every header unless the request had
    credentials. Whether it had is not visible, so ``*`` counts as exposed.
    """
    issued = cross_origin(rec)
    combinations = rec.once("hidden", lambda: rec.place(_hidden(rec, issued)))
    return issued.join(combinations, on=list(_COMBINATION)).select(
        "exchange_id", "dialect", "param", "hidden"
    )


def _hidden(rec: Recording, issued: Lazy) -> pa.Table:
    """The combinations of parameter and exposed headers by which a browser is kept from it."""
    combinations = issued.select(*_COMBINATION).unique().collect("pyarrow").rows(named=True)
    prefixes = {
        dialect.name: [i.prefix.lower() for i in dialect.issues if isinstance(i, HeaderIssue)]
        for dialect in rec.dialects
    }
    rows = []
    for row in combinations:
        listed = row["exposed"].split(",")
        # A list that was too long to keep may name the header in its rest.
        known = "*" not in listed and not row["exposed"].endswith("…")
        headers = [f"{prefix}{row['param'].lower()}" for prefix in prefixes.get(row["dialect"], ())]
        if known and headers and not any(header in listed for header in headers):
            rows.append({**row, "hidden": 1})
    layout = [(name, pa.string()) for name in _COMBINATION]
    return pa.Table.from_pylist(rows, schema=pa.schema([*layout, ("hidden", pa.int64())]))
