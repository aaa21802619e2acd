"""The demo's own secrets in one private file, so that a test can search for leaks.

Enters: every token, ticket and person id that an origin issued or a client used. Leaves: a file of
mode 0600, one secret a line, in the demo's private folder and never beside the recording.
"""

import os
from collections.abc import Callable
from pathlib import Path

type Remember = Callable[[str], None]
"""Called with a secret that was issued or used."""


def forget(_secret: str) -> None:
    """Record nothing: the default of the origins."""


class SecretsFile:
    """Appends secrets to a file; several processes may share it, a line is written at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets: set[str] = set()
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, secret: str) -> None:
        if secret and "\n" not in secret and secret not in self._secrets:
            self._secrets.add(secret)
            os.write(self._handle, secret.encode() + b"\n")

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._handle)
