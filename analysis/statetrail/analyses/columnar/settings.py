"""Settings: what the analyses of buckets are asked for.

Enters: a recording. Leaves: `Settings`.
"""

from dataclasses import dataclass

from statetrail.analyses.columnar.executor import artifact
from statetrail.recording.dialect_classes import DialectClass
from statetrail.recording.frames import Recording


@dataclass(frozen=True)
class Settings:
    """The options of a recording that a bucket is made by."""

    classes: tuple[DialectClass, ...]
    client_by: tuple[str, ...]
    grace_us: int


@artifact(scope="whole")
def settings(rec: Recording) -> Settings:
    """The recording's options."""
    return Settings(rec.dialect_classes, rec.client_by, rec.grace_us)
