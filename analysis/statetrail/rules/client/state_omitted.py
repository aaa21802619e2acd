"""A client leaves out state that the server asked it to send (S1, S2)."""

from typing import Final

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import judged
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller


def _check(rec: Recording) -> Lazy:
    # A session token that is left out is a rule of its own: more hangs on it.
    return judged(rec, "omitted", among=lambda param: not param.minted)


RULE: Final = Rule(
    id="state-omitted",
    title="State left out of requests",
    severity="medium",
    confidence="high",
    audience="client",
    observed="{count} of {of} requests did not present {param} although the server had issued it",
    expected="every request that allows it presents {param} as issued, even where the method does "
    "not need it",
    remedy="Keep all state that responses set, and add it to every request in one place of the "
    "client, as a header or a query parameter as the issue says.",
    references=(eseller("S1", "S2"),),
    check=_check,
)
