"""Occurrences that were counted before: what rules make of tallies.

Enters: tables of tallies (`statetrail.analyses.tallies.tally`). Leaves: occurrences about no
client. A rule that has tallies reads no large table.
"""

import narwhals as nw

from statetrail.analyses.lifetimes.summaries import use_tallies
from statetrail.analyses.lifetimes.uses import uses
from statetrail.analyses.tallies.use_tallies import LIMITS_S, Bound, longer_than
from statetrail.rules.rule import OCCURRENCE, REQUEST, Lazy, Recording, credentials, occurrences


def tallied(tallies: Lazy, *, detail: nw.Expr | str = REQUEST) -> Lazy:
    """Rows of tallies as occurrences.

    The last of many hits stands for those before it, too.
    """
    return tallies.select(
        "origin",
        "param",
        "exchange_id",
        "observed_us",
        client=nw.lit(""),
        hit=nw.col("hits"),
        detail=nw.lit(detail) if isinstance(detail, str) else detail,
        related_id=nw.lit(-1, nw.Int64),
        cause=nw.lit(""),
        times=nw.col("times"),
        proven=nw.lit(1, nw.Int64),
    ).select(*OCCURRENCE.names)


def uses_beyond(rec: Recording, bound: Bound, limit_s: float) -> Lazy:
    """The accepted uses of credentials as occurrences, hits where a limit is exceeded.

    What counts is the shortest time that it can have been: what exceeds a limit by it does so under
    every order of events.
    """
    if limit_s in LIMITS_S[bound]:
        return tallied(credential_uses(rec, longer_than(bound, limit_s)))
    low_s = nw.col(f"{bound}_low_s")
    accepted = uses(rec).lazy.filter(
        credentials(rec)
        & nw.col("exclusion").is_null()
        & (nw.col("outcome") == "survived")
        & ~low_s.is_null()
    )
    return occurrences(accepted, low_s > limit_s, per_client=False)


def credential_uses(rec: Recording, name: str) -> Lazy:
    """The tallies of that name of the uses of credentials."""
    return use_tallies(rec).lazy.filter((nw.col("tally") == name) & credentials(rec))
