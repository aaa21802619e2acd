"""What the report's words mean: verdicts, grades and method, in the words of the reports.

Enters: nothing. Leaves: plain English, shown in every report that has room for it.
"""

from typing import Final

VERDICTS: Final[dict[str, str]] = {
    "honoured": "The newest visible value was presented, in the channel that its usage names.",
    "in-flight": "It differs only because a newer value was not visible yet. No fault.",
    "omitted": "Nothing was presented although a visible value was to be.",
    "stale": "An older value was presented after a newer one was visible.",
    "overridden": "A value never issued was presented for an informational parameter. Allowed.",
    "defied": "A value never issued was presented for a forced parameter.",
    "misplaced": "The right value was presented in the wrong channel.",
    "implicit-set": "An implicit parameter, which cannot be set, was presented.",
    "restarted": "A new session was asked for while a visible token exists.",
    "foreign": "A token was presented that this recording never saw issued to this client. "
    "No fault: it may be older than the recording, or shared.",
    "not-applicable": "The rule does not bind this request.",
}

METHOD: Final[dict[str, str]] = {
    "Visible": "A client is judged only by what it must know: a value is visible once the response "
    "that issued it has ended and the grace period has passed before the request began. A verdict "
    "against a client holds under every order of events that fits what the proxy saw.",
    "Compliance": "honoured / (honoured + faults). Faults are omitted, stale, defied, misplaced, "
    "implicit-set and restarted; in-flight, overridden, foreign and not-applicable count "
    "neither for nor against.",
    "Pseudonyms": "Secret values are kept only as keyed fingerprints and shown as short pseudonyms "
    "such as ~1a2b3c4d. Equal values have equal pseudonyms; the value cannot be computed back.",
    "Limits": "If tokens end by idle time, the timeout is longer than the longest gap that one "
    "survived and at most the shortest that ended one; if they end by age, the same holds of "
    "ages. One or the other is named only where the traffic leaves no other name. Contradictions "
    "are tokens that no limit in the interval explains; excluded uses are those whose outcome "
    "the recording does not tell.",
    "Confidence": "For expiry the grade of its evidence; for counts by their size: low below 5, "
    "medium below 30, high from 30 on. It says how typical the figure is of the traffic, not "
    "whether it was counted rightly.",
    "Bits": "The shortest length seen times the logarithm of the alphabet's size: an upper bound. "
    "A value is never harder to guess than that, and much easier where it is not random.",
}
