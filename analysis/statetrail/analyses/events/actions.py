"""Actions: the requests that did something to a session: logged in or out, wrote a cart.

Enters: a recording. Leaves: a lazy frame to join with. Which endpoints do so is the dialects' data
(`Dialect.login`, `Dialect.logout`, `Dialect.cart`); they are asked once per distinct endpoint.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.visibility import UNBOUND_METHODS, WRITES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_ENDPOINTS: Final = pa.schema(
    [("endpoint", pa.string()), ("dialect", pa.string())]
    + [(name, pa.bool_()) for name in ("login", "logout", "cart")]
)


def actions(rec: Recording) -> Lazy:
    """The requests that did something, and were answered with success.

    Returns
    -------
    Lazy
        Columns ``exchange_id``, ``dialect`` and the booleans ``login`` (a write to a login
        endpoint), ``logout`` (any request to a logout endpoint) and ``cart`` (a write to a cart or
        basket). A redirect counts as success, except for a cart. Other requests have no row.
    """
    status = nw.col("status").fill_null(0)
    moved_on, done = (status >= 200) & (status < 400), (status >= 200) & (status < 300)
    wrote = nw.col("method").is_in(WRITES)
    endpoints = _endpoints(rec)
    return (
        rec.exchanges.lazy.select("exchange_id", "endpoint", "method", "status")
        .join(endpoints, on="endpoint")
        .select(
            "exchange_id",
            "dialect",
            login=nw.col("login") & wrote & moved_on,
            logout=nw.col("logout") & ~nw.col("method").is_in(UNBOUND_METHODS) & moved_on,
            cart=nw.col("cart") & wrote & done,
        )
        .filter(nw.col("login") | nw.col("logout") | nw.col("cart"))
    )


@artifact(scope="whole")
def _endpoints(rec: Recording) -> Lazy:
    endpoints = rec.exchanges.lazy.select("endpoint").unique().collect("pyarrow")
    rows = [
        {"endpoint": endpoint, "dialect": dialect.name}
        | {name: dialect.is_action(name, endpoint) for name in _ENDPOINTS.names[2:]}
        for endpoint in sorted(endpoints["endpoint"].to_list())
        for dialect in rec.dialects
    ]
    acting = [row for row in rows if row["login"] or row["logout"] or row["cart"]]
    return rec.place(pa.Table.from_pylist(acting, schema=_ENDPOINTS))
