"""What is in a file of any kind, as pieces of bytes in which secrets can be looked for.

Enters: files and folders. Leaves: `Piece`s: the bytes of each file as they are, and what is in it
compressed or in parts: members of zip and gzip files (within each other, too), the cells of SQLite
files and the texts of Parquet files. Nothing is written to disk.
"""

import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from statetrail.errors import UsageError
from statetrail.ingest.redact.matcher import OVERLAP

MAX_DEPTH: Final = 4
MAX_UNPACKED: Final = 1 << 34
"""Bytes that one file may have unpacked."""

_CHUNK: Final = 1 << 18
_HEAD: Final = 16
_GZIP, _ZIP, _SQLITE, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"SQLite format 3\0", b"PAR1"
_ROWS: Final = 10_000
_DAMAGED: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, sqlite3.Error)


class Piece(NamedTuple):
    """Some bytes, and where they are: a file, a part of it, and an offset in that."""

    place: str
    offset: int
    data: bytes


def artefact_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that are meant: of a folder all, and with a SQLite file its log.

    Raises `UsageError` if one is missing.
    """
    for path in paths:
        log = path.with_name(path.name + "-wal")
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        elif path.is_file():
            yield from (path, log) if log.is_file() else (path,)
        else:
            raise UsageError(f"{path} is no file and no folder")


def pieces_of(path: Path) -> Iterator[Piece]:
    """The content of a file. Raises `UsageError` if it cannot be read to its end."""
    try:
        with path.open("rb") as file:
            yield from _content(file, str(path), MAX_DEPTH)
        if _head(path) == _SQLITE:
            yield from _cells(path)
        elif _head(path).startswith(_PARQUET):
            yield from _columns(path)
    except (*_DAMAGED, pa.ArrowException) as error:
        raise UsageError(f"{path} cannot be read to its end ({type(error).__name__})") from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _content(file: IO[bytes], place: str, depth: int) -> Iterator[Piece]:
    """The bytes of a file, and of what is packed in it."""
    head = file.read(_HEAD)
    packed = head.startswith((_GZIP, _ZIP))
    kept = io.BytesIO() if packed and not file.seekable() else None
    offset, before = 0, b""
    while chunk := head + file.read(_CHUNK):
        head = b""
        if offset > MAX_UNPACKED:
            raise UsageError(f"{place} is larger than {MAX_UNPACKED >> 30} GiB unpacked")
        if kept is not None:
            kept.write(chunk)
        yield Piece(place, offset - len(before), before + chunk)
        offset += len(chunk)
        before = (before + chunk)[-OVERLAP:]
    if not packed:
        return
    if depth == 0:
        raise UsageError(f"{place} is packed more than {MAX_DEPTH} times")
    source = kept if kept is not None else file
    source.seek(0)
    if _magic(source) == _GZIP:
        with gzip.open(source) as inner:
            yield from _content(cast("IO[bytes]", inner), f"{place}, unpacked", depth - 1)
        return
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            with archive.open(member) as inner:
                yield from _content(inner, f"{place}, member {member.filename}", depth - 1)


def _magic(file: IO[bytes]) -> bytes:
    magic = file.read(2)
    file.seek(0)
    return magic


def _cells(path: Path) -> Iterator[Piece]:
    """The texts and blobs of a SQLite file's tables: a long one is in parts of the file."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    database.text_factory = bytes
    try:
        names = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        ).fetchall()
        for (name,) in names:
            quoted = name.decode("utf-8", "replace").replace('"', '""')
            rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - quoted
            while batch := rows.fetchmany(_ROWS):
                cells = [cell for row in batch for cell in row if isinstance(cell, bytes)]
                yield Piece(
                    f"{path}, table {name.decode('utf-8', 'replace')}", 0, b"\n".join(cells)
                )
    finally:
        database.close()


def _columns(path: Path) -> Iterator[Piece]:
    """The texts of a Parquet file's columns, which are compressed."""
    for batch in pq.ParquetFile(path).iter_batches(_ROWS):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            if pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type):
                continue
            texts = [str(each).encode("utf-8", "replace") for each in plain.to_pylist() if each]
            yield Piece(f"{path}, column {name}", 0, b"\n".join(texts))
