"""Ballots: one vote per value on each limit, all that an interval needs to know of a value.

Enters: `Evidence`, or the same sums made elsewhere. Leaves: `Ballots`. However many uses there
were, only a value's longest survived span and its fatal one count: these are the sufficient
statistics of the intervals.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from statetrail.expiry.evidence import Codes, Evidence
from statetrail.expiry.numerics import Reals


@dataclass(frozen=True, slots=True)
class Ballots:
    """One entry per value.

    Attributes
    ----------
    outlived_gap, outlived_age
        The longest span in seconds that it surely survived; 0: none was seen.
    ended_gap, ended_age
        The span by which it had surely ended; infinite: it has not, or that is not known.
    ended_at_us
        Start of the request that found it ended; -1: none did.
    ended_client
        Whose request that was; -1: nobody's.
    """

    outlived_gap: Reals
    outlived_age: Reals
    ended_gap: Reals
    ended_age: Reals
    ended_at_us: Codes
    ended_client: Codes

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """The votes of all values."""
        ending, values = evidence.ending, evidence.values
        at, client = np.full(values, -1), np.full(values, -1)
        at[evidence.value[ending]] = evidence.at_us[ending]
        client[evidence.value[ending]] = evidence.client[ending]
        (gap, gap_end), (age, age_end) = evidence.votes("gap"), evidence.votes("age")
        return cls(gap, age, gap_end, age_end, at.astype(np.int64), client.astype(np.int64))

    def __len__(self) -> int:
        return len(self.outlived_gap)

    @property
    def ends(self) -> int:
        """How many values ended."""
        return int(np.count_nonzero(self.ended_at_us >= 0))

    @property
    def clients(self) -> int:
        """By how many clients ends were found."""
        return len(np.unique(self.ended_client[self.ended_at_us >= 0]))

    @property
    def ageless(self) -> int:
        """How many values ended at an age that is not known: nobody saw them issued."""
        return int(np.count_nonzero((self.ended_at_us >= 0) & np.isinf(self.ended_age)))

    def outlived(self, span: str) -> Reals:
        """Longest survived gaps or ages."""
        return self.outlived_gap if span == "gap" else self.outlived_age

    def ended(self, span: str) -> Reals:
        """Fatal gaps or ages."""
        return self.ended_gap if span == "gap" else self.ended_age

    def early(self, span: str, limit_s: float) -> Codes:
        """Values that ended although the limit was not reached."""
        return np.flatnonzero((self.ended_at_us >= 0) & (self.ended(span) <= limit_s))
