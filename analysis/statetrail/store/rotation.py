"""Rotation of store files by time and size: the path to record into at a moment.

Enters: a path with `strftime` fields (UTC), a maximum size, the time. Leaves: the current path.
``shop-%Y-%m-%d.sqlite`` begins a file a day; a full file is followed by
``shop-2026-11-22.2.sqlite``, then ``….3.sqlite``.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from statetrail.errors import UsageError
from statetrail.store.keys import key_path

_SIZE: Final = re.compile(r"([0-9]{1,12})\s*([kmgt])b?", re.IGNORECASE)
_UNITS: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_FIELD: Final = re.compile(r"%(.?)")
_FIELDS: Final = "aAbBdGHIjmMpSuUVwWyYsFT%"


def parse_size(text: str) -> int | None:
    """Bytes of ``500m``, ``2g``; `None` for an empty text. Raises `UsageError`.

    >>> parse_size("2k")
    2048
    """
    if not text.strip():
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"{text!r} is no size: write it as 500m or 2g")
    return int(match[1]) * _UNITS[match[2].lower()]


@dataclass(frozen=True, slots=True)
class StoreName:
    """The name of a store, which may change with time and size.

    The file name of `pattern` may have `strftime` fields. `max_bytes` is the size at which the next
    file begins; `None`: no limit.
    """

    pattern: Path
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        for field in _FIELD.findall(self.pattern.name):
            if not field or field not in _FIELDS:
                raise UsageError(
                    f"%{field} in {self.pattern.name!r} is no field of the time: use e.g. "
                    "shop-%Y-%m-%d.sqlite, and %% for the sign itself"
                )

    @property
    def changes(self) -> bool:
        """Whether the path can change."""
        return self.max_bytes is not None or "%" in self.pattern.name

    def at(self, seconds: float) -> Path:
        """The path to record into at that time, seconds since the epoch."""
        # %T has colons, which other systems do not allow in a file name.
        name = time.strftime(self.pattern.name, time.gmtime(seconds)).replace(":", "-")
        first = self.pattern.with_name(name)
        if self.max_bytes is None:
            return first
        # The file with the highest number is used until it is full; pruned numbers are not reused.
        number = max([1, *self._numbers(first)])
        newest = _numbered(first, number)
        return newest if size_of(newest) < self.max_bytes else _numbered(first, number + 1)

    def _numbers(self, first: Path) -> list[int]:
        form = re.compile(rf"{re.escape(first.stem)}\.([0-9]{{1,9}}){re.escape(first.suffix)}")
        names = os.listdir(first.parent) if first.parent.is_dir() else ()
        return [int(match[1]) for name in names if (match := form.fullmatch(name))]

    def newest(self) -> Path | None:
        """The newest store of this name that has its key, which the next one shares."""
        if not self.changes:
            return None
        form = _FIELD.sub("*", self.pattern.stem).replace("[", "[[]")
        stores = [
            path
            for path in self.pattern.parent.glob(f"{form}*{self.pattern.suffix}")
            if key_path(path).exists()
        ]
        return max(stores, key=lambda path: path.stat().st_mtime_ns, default=None)


def _numbered(first: Path, number: int) -> Path:
    return first if number == 1 else first.with_suffix(f".{number}{first.suffix}")


def size_of(path: Path) -> int:
    """Bytes of a store and its write-ahead log; 0 if there is none."""
    size = 0
    for part in (path, f"{path}-wal"):
        try:
            size += os.stat(part).st_size
        except OSError:
            continue
    return size
