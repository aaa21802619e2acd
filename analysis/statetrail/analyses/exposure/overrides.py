"""Overrides: what became of values that clients chose themselves, where they may.

Enters: a recording. Leaves: the table `overrides`, and the outcome of each single override.

An override is *answered* where the server's next issue of the parameter, in the same response or a
later one, is the client's value: it has been adopted. It is *fought* where that issue is another
value, and *unanswered* where none came. On a basket the latter two are what the protocol announces:
context parameters do not change a basket's state (S4, S5), so a fought attempt had no effect.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.analysis import analysis
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.asof import as_of
from statetrail.analyses.events.values import SERIES, issues
from statetrail.analyses.exposure.tables import OVERRIDES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

OUTCOMES: Final = ("answered", "fought", "unanswered")

_OVERRIDE: Final = ("exchange_id", "dialect", "param")
_BASKET: Final = "/baskets(?:/|$)"
_BY_METHOD: Final = "/baskets/[^/]+/(?:sellto|shipto)$"
_STATE: Final = "/baskets/[^/]+/state$"


def basket_attempt() -> nw.Expr:
    """Whether a request presents context to a basket, other than by the method that changes it.

    Needs columns ``endpoint`` and ``param``. A country is changed by ``sellto`` and ``shipto``
    only, everything else by ``state`` too.
    """
    path = nw.col("endpoint").str.to_lowercase()
    proper = path.str.contains(_BY_METHOD) | (
        path.str.contains(_STATE) & (nw.col("param") != "CounId")
    )
    return path.str.contains(_BASKET) & ~proper


@analysis(OVERRIDES, scope="whole")
def overrides(rec: Recording) -> Lazy:
    """What became of the clients' own values (table `overrides`), computed once."""
    return _overrides(rec)


def outcomes(rec: Recording) -> Lazy:
    """The outcome of each override.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``request_start_us``, ``endpoint`` and ``outcome``, one
        of `OUTCOMES`.
    """
    return rec.once("overrides.outcomes", lambda: rec.keep(_outcomes(rec)))


def _outcomes(rec: Recording) -> Lazy:
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    made = (
        verdicts(rec)
        .lazy.filter(nw.col("verdict") == "overridden")
        .join(where, on="exchange_id")
        .select(*SERIES, "exchange_id", "request_start_us", "endpoint", "fingerprint")
    )
    # Backwards in time the next issue is the latest one.
    told = issues(rec).with_columns(t=-nw.col("begun_us"), next_us=-nw.col("begun_us"))
    following = as_of(
        told,
        made.with_columns(t=-nw.col("request_start_us")),
        by=list(SERIES),
        at=["t"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["next_us"],
    ).select(*_OVERRIDE, "next_us")
    own = (
        issues(rec)
        .group_by(*_OVERRIDE)
        .agg(own_least=nw.col("fingerprint").min(), own_most=nw.col("fingerprint").max())
    )
    later = told.group_by(*SERIES, "next_us").agg(
        least=nw.col("fingerprint").min(), most=nw.col("fingerprint").max()
    )
    least, most = nw.coalesce("own_least", "least"), nw.coalesce("own_most", "most")
    # Of several issues at one moment either may be the answer: the kinder one counts.
    adopted = (least == nw.col("fingerprint")) | (most == nw.col("fingerprint"))
    outcome = (
        nw.when(least.is_null())
        .then(nw.lit("unanswered"))
        .when(adopted)
        .then(nw.lit("answered"))
        .otherwise(nw.lit("fought"))
    )
    return (
        made.join(following, on=list(_OVERRIDE), how="left")
        .join(own, on=list(_OVERRIDE), how="left")
        .join(later, on=[*SERIES, "next_us"], how="left")
        .with_columns(outcome=outcome)
        .select(*SERIES, "exchange_id", "request_start_us", "endpoint", "outcome")
    )


def _overrides(rec: Recording) -> Lazy:
    one = nw.col("request_start_us") * 0 + 1

    def among(condition: nw.Expr) -> nw.Expr:
        return nw.when(condition).then(one).otherwise(0)

    fought = nw.col("outcome") == "fought"
    counted = outcomes(rec).with_columns(
        **{name: among(nw.col("outcome") == name) for name in OUTCOMES},
        on_baskets=among(basket_attempt()),
        without_effect=among(basket_attempt() & fought),
    )
    return (
        counted.group_by(*SERIES)
        .agg(
            overrides=nw.col("exchange_id").count(),
            **{name: nw.col(name).sum() for name in (*OUTCOMES, "on_baskets", "without_effect")},
            first_us=nw.col("request_start_us").min(),
            last_us=nw.col("request_start_us").max(),
        )
        .select(*OVERRIDES.names)
    )
