"""The active probe: chosen pauses against a server, until its limits are as narrow as asked.

Everything else in statetrail only listens. The probe asks: it establishes tokens of its own at the
one URL that the user names, lets them rest for chosen times, and uses them again, all through a
real mitmdump with the recorder; what it finds is what `statetrail.analyses.lifetimes.expiry` finds
in that recording.
"""

from statetrail.probe.run import Probed, Settings, probe

__all__ = ["Probed", "Settings", "probe"]
