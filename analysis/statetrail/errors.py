"""The errors that users see: one base class; each message names the value and the fix."""


class StatetrailError(Exception):
    """Base of every error that statetrail raises itself.

    The message is one line: what is wrong, with which value, and what to do. It never contains a
    secret. Hostile or malformed *traffic* is no error: it is recorded.
    """


class StoreError(StatetrailError):
    """A store is missing, foreign, corrupted, of a later version, or cannot be written."""


class CaptureError(StatetrailError):
    """A capture file (HAR, mitmproxy flow file) cannot be read."""


class UsageError(StatetrailError):
    """An option or argument has an invalid value."""
