"""The captures in files: what is in them, recognised by content and never by name.

Enters: a path. Leaves: a `FoundCapture` for each capture in it, or a sentence on why there is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from statetrail.errors import CaptureError
from statetrail.extract.text import clean
from statetrail.ingest.format import Format
from statetrail.ingest.formats import FORMATS
from statetrail.ingest.source import Source, open_source


@dataclass(frozen=True, slots=True)
class FoundCapture:
    """A capture in a file."""

    path: Path
    format: Format

    @property
    def name(self) -> str:
        """The file's name without its folder, as it may be shown."""
        return clean(self.path.name, 255)

    @contextmanager
    def open(self) -> Iterator[Source]:
        """The capture, opened. Raises `CaptureError` if it cannot be opened."""
        with open_source(self.path) as source:
            yield source


def captures_in(path: Path) -> list[FoundCapture]:
    """The captures in a file.

    Raises `CaptureError` if it cannot be opened or there is none.
    """
    with open_source(path) as source:
        try:
            for each in FORMATS:
                if each.matches(source):
                    return [FoundCapture(path, each)]
        except CaptureError as error:
            fault = str(error)
        else:
            fault = "is no capture of a known format" if source.head else "is empty"
    raise CaptureError(f"{path} {fault}: name a file that a browser or mitmdump -w wrote")
