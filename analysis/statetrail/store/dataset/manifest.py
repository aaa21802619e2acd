"""The manifest of a Parquet dataset: which files it has, and what of which stores is in them.

Enters: the path of a dataset. Leaves: a `Manifest`, or a `StoreError`. Who reads a dataset reads
the files that its manifest lists, so that a dataset changes in one moment: when its manifest is
replaced. That of an earlier release lists none, and all its files are read.
"""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import msgspec

from statetrail.errors import StoreError
from statetrail.schema import CAPTURES, CLIENT_BY, FACTS, Table
from statetrail.store.file_header import check_version

MANIFEST: Final = "statetrail.json"
"""The manifest of a Parquet dataset of statetrail."""

ID_BITS: Final = 44
"""The ids of stores that are joined get the store's number as their bits above these."""
MAX_NUMBERS: Final = 1 << (63 - ID_BITS)

_NAME: Final = re.compile(r"([a-z_]+)/(?:(bucket=[0-9]{1,4})/)?part-([0-9]{1,9})\.parquet")
_CHUNK: Final = 1 << 20


class FileEntry(msgspec.Struct, frozen=True):
    """One file of a dataset: its rows, its bytes, and their SHA-256."""

    rows: int
    bytes: int
    sha256: str


class StoreEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A store that was exported into the dataset.

    `numbers` are the high bits of the ids of its exchanges; those of its captures are the first
    one. `through` is its highest exchange id, `stamp` what its files were like.
    """

    id: str
    name: str
    numbers: tuple[int, ...]
    through: int
    exchanges: int
    stamp: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset is; `files` is `None` in one of an earlier release."""

    schema_version: int
    key_id: str
    client_by: tuple[str, ...] = ()
    buckets: int | None = None
    exchanges: int | None = None
    next_number: int = 1
    stores: tuple[StoreEntry, ...] = ()
    files: dict[str, FileEntry] | None = None

    def __post_init__(self) -> None:
        if not set(self.client_by) <= CLIENT_BY.keys():
            raise ValueError("unknown attributes of clients")
        names = {table.named(self.schema_version) for table in FACTS}
        for name in self.files or ():
            # A forged one could name any file of the reader's.
            match = _NAME.fullmatch(name)
            if match is None or match[1] not in names:
                raise ValueError("a name that is no file of a dataset")

    def of(self, table: Table) -> dict[str, FileEntry]:
        """The files of a table."""
        folder = f"{table.named(self.schema_version)}/"
        return {n: file for n, file in (self.files or {}).items() if n.startswith(folder)}

    def parts(self) -> dict[str, dict[str, list[str]]]:
        """The files of each bucket by table, in the order in which they were added."""
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for table in FACTS:
            if table is not CAPTURES:
                for name in sorted(self.of(table), key=part_number):
                    found[bucket_of(name)][table.name].append(name)
        return found

    def encoded(self) -> bytes:
        """The manifest as JSON, for people too."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def part_number(name: str) -> int:
    """The number of a part: ``exchanges/bucket=7/part-2.parquet`` is the third one."""
    match = _NAME.fullmatch(name)
    return int(match[3]) if match else 0


def bucket_of(name: str) -> str:
    """The folder of a file's bucket: ``bucket=7``."""
    match = _NAME.fullmatch(name)
    return (match[2] or "") if match else ""


def is_part(name: str) -> bool:
    """Whether a path within a dataset is one that an export writes."""
    return _NAME.fullmatch(name) is not None


def read_manifest(path: Path) -> Manifest:
    """The manifest of the dataset in a folder. Raises `StoreError` if there is none."""
    try:
        content: dict[str, Any] = json.loads((path / MANIFEST).read_bytes())
        version = content["schema_version"]
    except FileNotFoundError:
        raise StoreError(f"{path} is a folder but no statetrail dataset (no {MANIFEST})") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(f"{path / MANIFEST} is damaged") from None
    check_version(path, version)
    try:
        return msgspec.convert(content, Manifest)
    except (ValueError, TypeError, RecursionError):
        raise StoreError(f"{path / MANIFEST} is damaged") from None


def entry_of(file: Path, rows: int) -> FileEntry:
    """The entry of a file with so many rows."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
        size = content.tell()
    return FileEntry(rows, size, digest.hexdigest())


def damage(path: Path, manifest: Manifest, table: Table | None = None) -> list[str]:
    """What is wrong with the files of a dataset, or of one table, by their content."""
    found = []
    for name, entry in (manifest.files or {} if table is None else manifest.of(table)).items():
        try:
            if entry_of(path / name, entry.rows) != entry:
                found.append(f"{path / name} is damaged: it has other content than was written")
        except FileNotFoundError:
            found.append(f"{path / name} is missing")
        except OSError as error:
            found.append(f"{path / name} cannot be read ({error.strerror})")
    return found
