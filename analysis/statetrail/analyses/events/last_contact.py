"""LastContact: the exchanges that carried tokens, and what had been seen of the token before each.

Enters: integer arrays in order of token and start. Leaves: a `LastContact`, by place in that order.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, run_begins
from statetrail.analyses.conformance.visibility import FOREVER


@dataclass(frozen=True, slots=True)
class LastContact:
    """Exchanges that carried tokens and ended, in order of (token, start), times as moments.

    Of those of its token before each: `latest` and `soonest`, the last and the first end (-1 and
    `FOREVER` for none), and `sure_before`, the place of the last that the server surely accepted
    (-1 for none). `next`: the start of the one after it, `FOREVER` for none.
    """

    start: Ints
    end: Ints
    latest: Ints
    soonest: Ints
    sure_before: Ints
    next: Ints

    @classmethod
    def of(cls, token: Ints, start: Ints, ended: Ints, sure: Bools, span: int) -> Self:
        # No exchange has ended before its own request.
        end = np.maximum(ended, start + 1)
        begins = np.flatnonzero(run_begins(token))
        base = token * span

        def shifted(values: Ints, none: int) -> Ints:
            moved = np.empty_like(values)
            moved[1:] = values[:-1]
            moved[begins] = none
            return moved

        first = np.zeros(len(token), dtype=np.int64)
        first[begins] = begins
        first = np.maximum.accumulate(first)
        last = np.maximum.accumulate(np.where(sure, np.arange(len(token)), NOTHING))
        after = np.full(len(token), FOREVER)
        after[:-1] = start[1:]
        after[begins[1:] - 1] = FOREVER
        return cls(
            start,
            end,
            shifted(np.maximum.accumulate(end + base) - base, NOTHING),
            shifted(np.minimum.accumulate(end - base) + base, FOREVER),
            shifted(np.where(last >= first, last, NOTHING), NOTHING),
            after,
        )
