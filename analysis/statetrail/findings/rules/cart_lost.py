"""A session was reset after the client had filled a cart in it, and the cart stayed lost (Z7)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.rotations import LOSSES, rotations
from statetrail.analyses.values import SERIES, issues
from statetrail.findings.cases import cases, of_params, requests
from statetrail.findings.rule import Rule
from statetrail.findings.sources import zest
from statetrail.frames import Lazy, Recording

_CART: Final = "/(?:cart|basket)s?(?:/|$)"
_WRITES: Final = ("POST", "PUT", "PATCH")


def _check(rec: Recording) -> Lazy:
    writes = _writes(rec)
    lost = writes.group_by(*SERIES, "fingerprint").agg(
        # Any write of the session will do as evidence.
        last_write=nw.col("exchange_id").max()
    )
    series = list(SERIES)
    latest = writes.group_by(*SERIES).agg(latest_us=nw.col("asked_us").max())
    resets = (
        rotations(rec)
        .lazy.filter(nw.col("cause").is_in(LOSSES) & of_params(rec, lambda param: param.minted))
        .select(*SERIES, "exchange_id", "at_us", fingerprint="from_fingerprint")
        .join(lost, on=[*SERIES, "fingerprint"], how="left")
        .join(latest, on=series, how="left")
        .join(requests(rec), on="exchange_id")
    )
    # A client that writes again after the reset may well have filled the cart anew.
    stayed = ~nw.col("last_write").is_null() & (nw.col("latest_us") < nw.col("at_us"))
    return cases(resets, stayed, detail=nw.col("request"), related=nw.col("last_write"))


def _writes(rec: Recording) -> Lazy:
    """The successful cart writes, with the session that they were made in.

    That is the session whose token the response carries: a write that found its session over was
    made in the new one.
    """
    where = rec.exchanges.lazy.select(
        "exchange_id", "method", path=nw.col("endpoint").str.to_lowercase()
    )
    return (
        issues(rec)
        .filter(of_params(rec, lambda param: param.minted))
        .filter((nw.col("status") >= 200) & (nw.col("status") < 300))
        .join(where, on="exchange_id")
        .filter(nw.col("method").is_in(_WRITES) & nw.col("path").str.contains(_CART))
    )


RULE: Final = Rule(
    id="cart-lost",
    title="Cart lost at a session reset",
    severity="medium",
    # That the client did not write again is known only up to the end of the capture.
    confidence="medium",
    audience="client",
    observed="{count} of {of} session resets took a cart along that the client had written to, and "
    "that it did not fill again",
    expected="after a reset the client writes the cart again, or tells its user",
    remedy="Compare the token of each response with the one presented. Where it has changed, "
    "repeat the cart's items from the client's own record before going on to checkout.",
    references=(zest("Z6", "Z7"),),
    check=_check,
)
