"""The policies of expiry and the models that speak for them: one file a model.

A new model is a file here and a line in `_FILES`. The file declares `MODELS`, and `POLICIES` where
the model speaks for a policy of its own (see `statetrail.expiry.models.model`).
"""

from importlib import import_module
from typing import Final

from statetrail.expiry.models.model import Model, Policy

_FILES: Final = (
    "idle",
    "age_limit",
    "two_limits",
    "per_request",
    "eviction",
    "write_renewal",
    "wall_clock",
    "populations",
    "login",
    "soft_threshold",
    "grey_zone",
    "touch_interval",
    "free_hazard",
    "undetermined",
)

_declarations = [import_module(f"{__name__}.{file}") for file in _FILES]

POLICIES: Final[dict[str, Policy]] = {
    policy.name: policy for each in _declarations for policy in getattr(each, "POLICIES", ())
}
"""All policies by name."""
MODELS: Final[dict[str, Model]] = {
    model.label: model
    for policy in POLICIES.values()
    for each in _declarations
    for model in getattr(each, "MODELS", ())
    if model.policy is policy
}
"""All models by label, those of one policy together."""
