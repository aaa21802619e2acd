"""An API issues state headers that a browser client cannot read."""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.scope import UNBOUND_METHODS
from statetrail.dialects import HeaderIssue
from statetrail.findings.cases import cases
from statetrail.findings.rule import Rule
from statetrail.findings.sources import eseller
from statetrail.frames import Lazy, Recording

_COMBINATION: Final = ("dialect", "param", "exposed")


def _check(rec: Recording) -> Lazy:
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
            at_us="request_start_us",
            exposed=nw.col("exposed_headers").fill_null(""),
        )
    )
    issued = (
        rec.issued.lazy.filter((nw.col("channel") == "header") & nw.col("problem").is_null())
        .select("exchange_id", "dialect", "param")
        .join(where, on="exchange_id")
    )
    hidden = rec.place(_hidden(rec, issued))
    told = issued.join(hidden, on=list(_COMBINATION), how="left")
    return cases(told, ~nw.col("hidden").is_null(), detail=nw.col("endpoint"), per_client=False)


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
        # `*` stands for all headers unless the request had credentials, which is not recorded; a
        # list that was too long to keep may name the header in its rest.
        known = "*" not in listed and not row["exposed"].endswith("…")
        headers = [f"{prefix}{row['param'].lower()}" for prefix in prefixes.get(row["dialect"], ())]
        if known and headers and not any(header in listed for header in headers):
            rows.append({**row, "hidden": 1})
    layout = [(name, pa.string()) for name in _COMBINATION]
    return pa.Table.from_pylist(rows, schema=pa.schema([*layout, ("hidden", pa.int64())]))


RULE: Final = Rule(
    id="state-header-not-exposed",
    title="State header hidden from browsers",
    severity="medium",
    # Not every client that sends Origin is a browser.
    confidence="medium",
    audience="api",
    observed="{count} of {of} cross-origin responses that issued {param} did not expose its header",
    expected="Access-Control-Expose-Headers lists the header, since a page of another origin can "
    "read no other",
    remedy="List every X-Set header that the response carries in Access-Control-Expose-Headers. "
    "Until then browser clients are not to blame for ignoring it.",
    references=(
        "WHATWG Fetch, CORS protocol, HTTP responses: Access-Control-Expose-Headers",
        eseller("S1"),
    ),
    check=_check,
)
