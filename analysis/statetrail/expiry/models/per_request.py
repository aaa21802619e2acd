"""Per request: every use ends its value, but for a few unexplained survivals."""

from typing import Final

import numpy as np

from statetrail.expiry.likelihood.error_model import log_unexplained_survivals
from statetrail.expiry.models.model import Data, Fit, Model, Policy

PER_REQUEST: Final = Policy(
    name="per-request",
    description="with its first use",
    sentence="ends with its first use: every answer issues another",
    single_use=True,
    needs_age=False,
    advice="Every use ended its token. A client that sends two requests at once would show whether "
    "both are accepted.",
)


def _per_request(data: Data) -> Fit:
    lived, ends = (
        np.array([float(len(x))]) for x in (data.events.lived["idle"], data.events.fatal["idle"])
    )
    return Fit(float(log_unexplained_survivals(lived, ends)[0]))


POLICIES: Final = (PER_REQUEST,)
MODELS: Final = (Model("per request", PER_REQUEST, 1.0, _per_request),)
