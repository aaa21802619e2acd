"""Active probing: requests with chosen pauses, until the interval of a limit is narrow enough.

The rest of statetrail is passive. The probe establishes tokens of its own at the one URL that the
user names, pauses for chosen times, and uses them again, all through a real mitmdump with the
recorder; its result is what `statetrail.analyses.lifetimes.expiry` computes from that recording.
"""

from statetrail.probe.login import field
from statetrail.probe.run import ProbeResult, Settings, probe

__all__ = ["ProbeResult", "Settings", "field", "probe"]
