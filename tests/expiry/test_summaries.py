"""Per-value summaries against a plain loop."""

import numpy as np

from expiry.samples import evidence
from statetrail.expiry import ValueSummaries


def test_summaries_are_those_of_a_loop() -> None:
    """The longest survived and the fatal span of each value."""
    uses = evidence(lambda idle, age: idle >= 1800)
    summaries = ValueSummaries.of(uses)
    for value in range(uses.values):
        own = uses.value == value
        lived, dead = uses.idle_low_s[own & uses.survived], uses.idle_high_s[own & uses.ended]
        assert summaries.outlived["idle"][value] == max(lived, default=0.0)
        assert summaries.ended["idle"][value] == min(dead, default=np.inf)
