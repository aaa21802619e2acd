"""Late uses: requests with a value whose replacement their client had to know.

Enters: a recording. Leaves: the verdicts `stale`, each with the time of the replacement, whether a
reason excuses them or not: whether the server still accepts the value is what rules look at.
"""

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording


def late_uses(rec: Recording) -> Lazy:
    """The verdicts `stale` with ``replaced_us``, when another value was first issued for it."""
    return rec.once("late uses", lambda: _late_uses(rec))


def _late_uses(rec: Recording) -> Lazy:
    value = [*SERIES, "fingerprint"]
    late = rec.keep(verdicts(rec).lazy.filter(nw.col("verdict") == "stale"))
    replacements = (
        rotations(rec)
        .lazy.filter(~nw.col("from_fingerprint").is_null())
        .group_by(*SERIES, "from_fingerprint")
        .agg(replaced_us=nw.col("issued_at_us").min())
        .rename({"from_fingerprint": "fingerprint"})
    )
    return rec.keep(late.join(replacements, on=value))
