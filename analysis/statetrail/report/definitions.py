"""What the report's words mean: verdicts, grades and method, in the words of the reports.

Enters: nothing. Leaves: plain English, shown in every report that has room for it.
"""

from typing import Final

VERDICTS: Final[dict[str, str]] = {
    "honoured": "The newest visible value was presented, in the channel that its usage names.",
    "in-flight": "Too close to the issue to judge. No fault.",
    "omitted": "Nothing was presented although a visible value should have been.",
    "stale": "An older value was presented after a newer one was visible.",
    "overridden": "A value never issued was presented for an informational parameter. Allowed.",
    "defied": "A value never issued was presented for a forced parameter.",
    "misplaced": "The right value was presented in the wrong channel.",
    "implicit-set": "An implicit parameter, which cannot be set, was presented.",
    "restarted": "A new session was requested while a visible token exists.",
    "foreign": "A token was presented that this recording never saw issued to this client. "
    "No fault: it may be older than the recording, or shared.",
    "not-applicable": "The rule does not bind this request.",
}
