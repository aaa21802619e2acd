"""Tallies of the uses of tokens, as rules about lifetimes count them.

Enters: the uses of some tokens. Leaves: tallies. What is counted:

`USED`: uses of any outcome. `ACCEPTED`: uses that survived, of those that survived or ended.
`longer_than`: accepted uses of a token that had surely lain unused, or lived, for longer than a
limit, of those of which that is known. It is counted for `LIMITS_S` only.
`BEYOND_DECLARED`: accepted uses after the end that the token declares, of those of tokens that
declare one.
`AFTER_LOGOUT`: uses that survived, of those after a logout with the token.
"""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Ints
from statetrail.analyses.columnar.bucket import Bucket, located
from statetrail.analyses.columnar.coding import integers
from statetrail.analyses.columnar.dialect_masks import acting
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import pairs
from statetrail.analyses.lifetimes.declared_lifetimes import UNDECLARED, DeclaredLifetimes
from statetrail.analyses.lifetimes.outcomes import ENDED, SURVIVED
from statetrail.analyses.lifetimes.uses import TokenUse
from statetrail.analyses.tallies.tally import tallies, tally

USE_TALLIES: Final = tallies("use_tallies", "something that uses of tokens show")

USED: Final = "used"
ACCEPTED: Final = "accepted"
BEYOND_DECLARED: Final = "beyond the declared end"
AFTER_LOGOUT: Final = "after the logout"

type Bound = Literal["idle", "age"]

LIMITS_S: Final[dict[Bound, tuple[int, ...]]] = {
    "idle": (300, 900, 1_800, 3_600),
    "age": (4 * 3_600, 8 * 3_600, 12 * 3_600, 24 * 3_600),
}
"""The limits of the profiles that are shipped."""
LEEWAY_S: Final = 300
"""Seconds that a server may grant for clocks that differ: "usually no more than a few minutes"."""

_AFTER_US: Final = 1_000_000
"""How long after a logout's response a request counts as sent when it was over."""


def longer_than(bound: Bound, limit_s: float) -> str:
    """The tally of uses whose idle time, or age, exceeds a limit."""
    return f"{bound} above {limit_s:.0f} s"


def tallies_of(use: TokenUse, lifetimes: DeclaredLifetimes) -> Iterator[pa.Table]:
    """The tallies of some uses."""
    uses = use.observations
    counts, survived = uses.exclusion == NOTHING, uses.outcome == SURVIVED
    every = np.arange(len(uses))
    yield _tally(USED, use, every, every)
    known = np.flatnonzero(counts & (survived | (uses.outcome == ENDED)))
    accepted = known[survived[known]]
    yield _tally(ACCEPTED, use, known, accepted)
    lowest_us: dict[Bound, Ints] = {"idle": uses.idle_low_us, "age": uses.age_low_us}
    for bound, limits_s in LIMITS_S.items():
        known = accepted[lowest_us[bound][accepted] >= 0]
        low_s = lowest_us[bound][known] / 1_000_000
        for limit_s in limits_s:
            yield _tally(longer_than(bound, limit_s), use, known, known[low_s > limit_s])
    if len(lifetimes.fingerprint):
        longest_s = lifetimes.longest(use.kinds, use.kind, use.fingerprint)[uses.token]
        known = accepted[(uses.age_low_us >= 0)[accepted] & (longest_s != UNDECLARED)[accepted]]
        # A token is no younger than its first issue that was seen: its end came then or before.
        beyond = uses.age_low_us[known] / 1_000_000 > longest_s[known] + LEEWAY_S
        yield _tally(BEYOND_DECLARED, use, known, known[beyond])


def _tally(name: str, use: TokenUse, could: Ints, did: Ints) -> pa.Table:
    """A tally by places of uses."""
    uses, count = use.observations, len(use.kinds)
    times = np.bincount(use.kind[uses.token[could]], minlength=count)
    kind = use.kind[uses.token[did]]
    return tally(name, use.kinds, times, (kind, uses.id[did], uses.request_start_us[did]))


def after_logouts(exchanges: pa.Table, bucket: Bucket, use: TokenUse) -> pa.Table:
    """The tally of the uses after a logout.

    Parameters
    ----------
    exchanges
        ``exchange_id`` and ``response_end_us`` of the bucket's exchanges.
    use
        Uses in the bucket.
    """
    uses, known = use.observations, bucket.exchanges
    param = {param: place for place, param in enumerate(bucket.params)}
    of_kind = np.array([param.get(kind[1:], NOTHING) for kind in use.kinds], dtype=np.int64)
    exchange = located(uses.id, known.id, np.argsort(known.id))
    place = of_kind[use.kind[uses.token]]
    logout = acting(bucket, "logout")[known.endpoint[exchange], place]
    status = known.status[exchange]
    ids = integers(exchanges["exchange_id"])
    row = located(uses.id, ids, np.argsort(ids))
    ended_us = integers(exchanges["response_end_us"], missing=FOREVER)[row]
    done = logout & (status >= 200) & (status < 400) & (ended_us < FOREVER)
    tokens, token = np.unique(
        pairs(uses.client, uses.token, len(use.fingerprint)), return_inverse=True
    )
    over_us = np.full(len(tokens), FOREVER)
    np.minimum.at(over_us, token[done], ended_us[done])
    over_us = over_us[token]
    later = (over_us < FOREVER) & (uses.request_start_us > over_us + _AFTER_US)
    after = np.flatnonzero(later & ~logout)
    return _tally(AFTER_LOGOUT, use, after, after[uses.outcome[after] == SURVIVED])
