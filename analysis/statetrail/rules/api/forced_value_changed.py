"""A forced value was replaced though nothing that is visible asked for it."""

from typing import Final

import narwhals as nw

from statetrail.analyses.tokens.rotations import rotations
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    has_rows,
    matching,
    occurrences,
    of_params,
)

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
    changes = rec.keep(rotations(rec).lazy.filter(replaced & (nw.col("priority") == "forced")))
    if has_rows(changes):
        # What an error, a redirect or a cache says is no change (L8).
        binding = (nw.col("status") // 100 == 2) & (nw.col("age_s").fill_null(0) <= 0)
        answers = rec.exchanges.lazy.select("exchange_id", "status", "age_s")
        changes = matching(answers, changes, ["exchange_id"], first="exchange_id").filter(binding)
    unexplained = nw.col("cause").is_in(_UNEXPLAINED)
    return occurrences(changes, unexplained, per_client=False, at="issued_at_us")
