"""Late uses: uses of values that had been seen to end.

Enters: `Evidence`. Leaves: `LateUses`, by which a renewal with an overlap is told from an end by
age (`statetrail.expiry.models.age_limit`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence

PROMPT: Final = 0.008
"""A late use is prompt within this share of the value's lifetime after its end: no overlap is as
short."""


@dataclass(frozen=True, slots=True)
class LateUses:
    """Uses of values after one that found them ended.

    Attributes
    ----------
    accepted, refused
        How many the server took, and how many it did not.
    prompt
        How many of the refused came soon after the end.
    overlapping_s
        Least ages of the values of uses that were accepted while the end was being found. The
        server may have looked these values up before the end, but not if they were older than any
        limit.
    """

    accepted: int = 0
    refused: int = 0
    prompt: int = 0
    overlapping_s: tuple[float, ...] = ()

    def accepted_beyond(self, limit_s: float | None) -> int:
        """How many uses were accepted at an age that the limit forbids."""
        if limit_s is None:
            return self.accepted
        return self.accepted + sum(age > limit_s for age in self.overlapping_s)


def late_uses(evidence: Evidence) -> LateUses:
    """The late uses among the evidence."""
    end_us, age_s = np.full(evidence.values, np.iinfo(np.int64).max), np.zeros(evidence.values)
    end_us[evidence.value[evidence.fatal]] = evidence.request_start_us[evidence.fatal]
    age_s[evidence.value[evidence.fatal]] = evidence.age_low_s[evidence.fatal]
    after = evidence.request_start_us > end_us[evidence.value]
    accepted, refused = (after & (evidence.late * sign > 0) for sign in (1, -1))
    since_s = (evidence.request_start_us - end_us[evidence.value]) / 1e6
    prompt = refused & (since_s <= PROMPT * age_s[evidence.value])
    counts = [int(np.count_nonzero(which)) for which in (accepted, refused, prompt)]
    return LateUses(counts[0], counts[1], counts[2])
