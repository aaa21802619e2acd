"""The captures in files: what is in them, recognised by content and never by name.

Enters: a path. Leaves: a `FoundCapture` for each capture in it, or a sentence on why there is none.
A zip file is a capture itself, or its members are.
"""

import glob
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from statetrail.errors import CaptureError
from statetrail.extract.text import clean
from statetrail.ingest.format import Format
from statetrail.ingest.formats import FORMATS
from statetrail.ingest.source import Source, open_source

# A body that a capture in the file refers to, named by its digest: it may look like a capture.
_BODY: Final = re.compile(r"(?:[^/]*/)*[0-9a-f]{32,64}(?:\.\w{1,12})?", re.ASCII)
_PATTERN: Final = re.compile(r"[*?\[]")
_ENCRYPTED: Final = 1
_MAX_NAME: Final = 255
_MAX_FAULTS: Final = 10


@dataclass(frozen=True, slots=True)
class FoundCapture:
    """A capture: a file, or a member of a zip file.

    `lost` says what else in the zip file is a capture, and cannot be read.
    """

    path: Path
    format: Format
    member: str | None = None
    lost: str | None = None

    @property
    def name(self) -> str:
        """The file's name without its folder, as it may be shown."""
        return clean(self.label.name if self.member is None else self._within, _MAX_NAME)

    @property
    def label(self) -> Path:
        """The file's path, and the member's name, as they may be shown."""
        return self.path if self.member is None else self.path.with_name(self._within)

    @property
    def _within(self) -> str:
        return f"{self.path.name}:{clean((self.member or '').replace('/', ':'), _MAX_NAME)}"

    @contextmanager
    def open(self) -> Iterator[Source]:
        """The capture, opened. Raises `CaptureError` if it cannot be opened."""
        with open_source(self.path, self.member) as source:
            yield source


class CaptureFiles(NamedTuple):
    """Files, and in a sentence each why others in the folders are none."""

    files: list[Path]
    others: list[str]


def capture_files(paths: Iterable[Path]) -> CaptureFiles:
    """The files that are meant: a folder stands for the captures in it, a pattern for its matches.

    Raises `CaptureError` if a folder has no capture, or a pattern no match.
    """
    found = CaptureFiles([], [])
    for path in paths:
        if path.is_dir():
            files = sorted(each for each in path.rglob("*") if each.is_file())
            held = len(found.files)
            for file in files:
                if any(part.startswith(".") for part in file.relative_to(path).parts):
                    continue
                try:
                    captures_in(file)
                except CaptureError as error:
                    found.others.append(str(error).partition(": name ")[0])
                else:
                    found.files.append(file)
            if held == len(found.files):
                raise CaptureError(f"{path} has no capture in it: name a folder of capture files")
        elif _PATTERN.search(str(path)) and not path.exists():
            matches = sorted(map(Path, glob.glob(str(path), recursive=True)))
            if not matches:
                raise CaptureError(f"{path} matches no file")
            within = capture_files(matches)
            found.files.extend(within.files)
            found.others.extend(within.others)
        else:
            found.files.append(path)
    return found


def captures_in(path: Path) -> list[FoundCapture]:
    """The captures in a file.

    Raises `CaptureError` if it cannot be opened or there is none.
    """
    with open_source(path) as source:
        try:
            if (known := _format_of(source)) is not None:
                return [FoundCapture(path, known)]
        except CaptureError as error:
            fault = str(error)
        else:
            fault = "is no capture of a known format" if source.head else "is empty"
        if source.archive is not None:
            found, fault = _in_members(source)
            if found:
                return found
    raise CaptureError(f"{path} {fault}: name a file that a browser or a proxy wrote")


def _in_members(source: Source) -> tuple[list[FoundCapture], str]:
    """The captures in a zip file, and why there is none, or no other."""
    found: list[FoundCapture] = []
    faults, encrypted = [], False
    for member in source.archive.infolist() if source.archive is not None else ():
        encrypted |= bool(member.flag_bits & _ENCRYPTED)
        if _BODY.fullmatch(member.filename) or member.is_dir():
            continue
        try:
            known = _format_of(source.within(member.filename))
        except CaptureError as error:
            faults.append(f"{clean(member.filename, _MAX_NAME)} in it {error}")
            continue
        if known is not None:
            found.append(FoundCapture(source.path, known, member.filename))
    if found and faults:
        found[0] = replace(found[0], lost="; ".join(faults[:_MAX_FAULTS]))
    if encrypted:
        return found, "is an encrypted zip file"
    return found, "is a zip file without a capture" + "".join(f"; {each}" for each in faults[:1])


def _format_of(source: Source) -> Format | None:
    """The format of a capture. Raises `CaptureError` if it is of one, but cannot be read."""
    fault: CaptureError | None = None
    for each in FORMATS:
        try:
            if each.matches(source):
                return each
        except CaptureError as error:
            fault = error
    if fault is not None:
        raise fault
    return None
