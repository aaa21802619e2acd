"""Method and definitions: what the report's terms mean."""

from typing import ClassVar

from statetrail.analyses.tokens.rotations import CAUSES
from statetrail.report.section import Section


class MethodSection(Section, frozen=True, kw_only=True):
    """What the report's terms mean; it has no part in `audit.json`."""

    title: ClassVar = "Method"
    causes: ClassVar = CAUSES
    terms: ClassVar = {
        "Visible": "A client is judged only by what it must know. A value is visible once the "
        "response that issued it has ended and the grace period has passed before the request "
        "began. A verdict against a client holds under every order of events that fits what the "
        "proxy saw.",
        "Origin": "The server that issued a value, as scheme, host and port. Cookies are good for "
        "a site, and are counted by its name, such as shop.example. Tokens of dialects such as "
        "bearer are good for every origin: theirs is *.",
        "Compliance": "honoured / (honoured + faults). Verdicts marked as faults count "
        "against the client. The other verdicts do not count, except honoured.",
        "Pseudonyms": "Secret values are stored only as keyed fingerprints and shown as short "
        "pseudonyms such as ~1a2b3c4d. Equal values have equal pseudonyms; the value cannot be "
        "computed from one.",
        "Limits": "If tokens end by idle time, the timeout is longer than the longest idle time "
        "that a token survived and at most the shortest that ended one. If they end by age, the "
        "same holds for ages. That is the sharp interval, if no token is wrong. The interval that "
        "is shown first is wider: any one token may be wrong (its request was not captured, say), "
        "and the server need not be exact. Where no end bounds a limit, it is more than the "
        "longest time that was survived. A policy is named only where the traffic rules out the "
        "others. "
        "Contradictions are tokens that no limit in the interval explains. Excluded uses are those "
        "whose outcome the recording does not show.",
        "Confidence": "For expiry, the strength of its evidence. For counts, their size: low below "
        "5, medium below 30, high from 30 on. It says how typical the figure is of the traffic, "
        "not whether it was counted correctly.",
        "Bounds": "A report is about at most 1,000 origins in which a dialect recognised "
        "something, and at each at most 32 names that no dialect lists, 1,000 in total: those that "
        "are seen most. What is left out is counted, and a finding says so.",
        "Bits": "The shortest length seen times the logarithm of the alphabet's size: an upper "
        "bound. A value is never harder to guess than that, and much easier if it is not random.",
    }
