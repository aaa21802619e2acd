"""Inference: the expiry policy of a server and its limits, from the uses of its values.

Enters: arrays with one entry a use (`Evidence`). Leaves: `Inference`, a name with its posterior and
intervals that hold. Pure NumPy: no frames, no clock, no chance.

    from statetrail.expiry import Evidence, infer

    found = infer(Evidence.of(value=..., client=..., at_us=..., survived=..., ended=...,
                              gap_low_s=..., gap_high_s=..., age_low_s=..., age_high_s=...))
    found.policy, found.idle.low_s, found.idle.high_s
"""

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.inference import POLICIES, Inference, infer
from statetrail.expiry.intervals import Interval
from statetrail.expiry.summaries import Ballots

__all__ = ["POLICIES", "Ballots", "Evidence", "Inference", "Interval", "infer"]
