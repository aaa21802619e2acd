"""A forced value was replaced though nothing that is visible asked for it."""

from typing import Final

import narwhals as nw

from statetrail.analyses.tokens.rotations import rotations
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_params

_UNEXPLAINED: Final = ("reset", "reissue")
"""The causes of rotations that leave open why."""


@Rule(
    title="Forced value changed without visible cause",
    severity="low",
    # A cause outside of the traffic cannot be seen.
    confidence="low",
    observed="{count} of {of} changes of the forced {param} came without a login, a basket write "
    "or a request for another value",
    expected="a forced {param} changes because of something that the client did, or that the API "
    "documents",
    remedy="Document in the API reference when the value changes. If nothing should change it, "
    "look for servers that have different settings.",
    references=("52eSELLER priority forced", "52eSELLER S6"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    context = of_params(rec, lambda param: not param.minted and param.clear is not None)
    replaced = context & ~nw.col("from_fingerprint").is_null()
    changes = rotations(rec).lazy.filter(replaced & (nw.col("priority") == "forced"))
    unexplained = nw.col("cause").is_in(_UNEXPLAINED)
    return occurrences(changes, unexplained, per_client=False, at="issued_at_us")
