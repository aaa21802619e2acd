"""The errors a user can meet: one base class, and each message names the value and the fix."""


class StatetrailError(Exception):
    """Base of every error that statetrail raises on purpose.

    The message is one line for a person: what was wrong, with which value, and what to do.
    It never contains a secret. Hostile or malformed *traffic* is not an error: it is recorded.
    """


class StoreError(StatetrailError):
    """A store is missing, foreign, corrupted, of another version, or cannot be written."""


class CaptureError(StatetrailError):
    """A capture file (HAR, mitmproxy flow file) cannot be read at all."""


class UsageError(StatetrailError):
    """An option or argument has a value that makes no sense."""
