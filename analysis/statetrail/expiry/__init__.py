"""Expiry: the policy by which a server ends its values, and its limits, from their uses.

Enters: arrays with one entry a use (`Evidence`). Leaves: `Inference`, a policy with its posterior
and the intervals of both limits. Pure NumPy: no frames, no clock, no randomness.

    from statetrail.expiry import POLICIES, Evidence, infer

    evidence = Evidence.of(value=..., client=..., request_start_us=..., survived=..., ended=...,
                           idle_low_s=..., idle_high_s=..., age_low_s=..., age_high_s=...)
    inference = infer(evidence)
    inference.policy, inference.idle.low_s, inference.idle.high_s
    POLICIES[inference.policy].description
"""

from statetrail.expiry.bounds import Interval
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.inference import Inference, infer
from statetrail.expiry.models import MODELS, POLICIES
from statetrail.expiry.models.model import MIN_ENDS, MIN_SESSIONS
from statetrail.expiry.summaries import ValueSummaries

__all__ = [
    "MIN_ENDS",
    "MIN_SESSIONS",
    "MODELS",
    "POLICIES",
    "Evidence",
    "Inference",
    "Interval",
    "ValueSummaries",
    "infer",
]
