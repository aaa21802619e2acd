"""A session was lost after the client had filled a cart in it, and the cart stayed lost (Z7)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES, issues, presentations
from statetrail.analyses.sessions.sessions import lost_writes, sessions
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import zest


def _check(rec: Recording) -> Lazy:
    session = [*SERIES, "session_fingerprint"]
    # The latest of the writes will do as evidence.
    writes = lost_writes(rec).group_by(*session).agg(last_write=nw.col("exchange_id").max())
    ended = rec.keep(
        sessions(rec)
        .lazy.filter(~nw.col("cart_writes_lost").is_null())
        .select(*session, "end", "cart_writes_lost", "login_lost", observed_us="ended_at_us")
    )
    lost = (
        ended.join(writes, on=session, how="left")
        .join(_ends(rec, ended), on=[*SERIES, "observed_us"], how="left")
        .with_columns(nw.col("exchange_id").fill_null(-1))
    )
    login = nw.when(nw.col("login_lost").fill_null(False)).then(nw.lit(", the login too"))
    how = [nw.lit(f"{REQUEST}: "), nw.col("end"), login.otherwise(nw.lit(""))]
    told = nw.concat_str(how)
    stayed = nw.col("cart_writes_lost") > 0
    return cases(lost, stayed, detail=told, related=nw.col("last_write"), at="observed_us")


def _ends(rec: Recording, ended: Lazy) -> Lazy:
    """The exchange whose response began when a session ended: `SERIES`, ``observed_us``."""
    ends = ended.select(*SERIES, "observed_us").unique()
    columns = (*SERIES, "begun_us", "exchange_id")
    carried = [issues(rec).select(*columns), presentations(rec).select(*columns)]
    return (
        nw.concat(carried, how="vertical")
        .rename({"begun_us": "observed_us"})
        .join(ends, on=[*SERIES, "observed_us"])
        .group_by(*SERIES, "observed_us")
        .agg(nw.col("exchange_id").min())
    )


RULE: Final = Rule(
    id="cart-lost",
    title="Cart lost with its session",
    severity="medium",
    # That the client did not write again is known only up to the end of the capture.
    confidence="medium",
    audience="client",
    observed="{count} of {of} sessions that were lost took a cart along that the client had "
    "written to, and that it did not fill again",
    expected="after the loss of a session the client writes the cart again, or tells its user",
    remedy="Compare the token of each response with the one presented. Where it has changed, "
    "repeat the cart's items from the client's own record before going on to checkout.",
    references=(zest("Z6", "Z7"),),
    check=_check,
)
