"""Lists that spill: results of buckets stay in memory up to a limit, beyond it in Arrow IPC files.

Enters: dataclasses of NumPy arrays and tuples of words, nested as they may be. Leaves: the same in
the order in which they were added. In a file every array is one list in a batch of one row; the
file is memory-mapped, so that of a wide array nothing is read before it is looked at. Values of
other kinds, which are read once, are pickled.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.recording.scratch import Scratch
from statetrail.schema import Table


class SpilledList[T]:
    """Dataclasses of arrays; all in files where they have no `room` (bytes) together.

    What is no array and no tuple of words stays in memory.
    """

    def __init__(self, scratch: Scratch, name: str, room: int) -> None:
        self._scratch, self._name = scratch, name
        self._entries: list[tuple[T, Path | None]] = []
        self._room = room

    def add(self, entry: T) -> None:
        """Append an entry."""
        self._room -= _size(entry)
        self._entries.append((entry, None))
        if self._room >= 0 or len(self._entries) == 1:
            return
        for number, (each, path) in enumerate(self._entries):
            if path is None:
                self._entries[number] = self._written(each)

    def _written(self, entry: T) -> tuple[T, Path]:
        path = self._scratch.file(f"{self._name}.arrow")
        columns: dict[str, pa.Array] = {}
        skeleton = _emptied(entry, "", columns)
        batch = pa.record_batch(
            [
                pa.LargeListArray.from_arrays([0, len(column)], column)
                for column in columns.values()
            ],
            names=list(columns),
        )
        with pa.ipc.new_file(path, batch.schema) as file:
            file.write_batch(batch)
        return skeleton, path

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, of: slice) -> "SpilledList[T]":
        """Some of the entries, which lie where they lay."""
        some = SpilledList[T](self._scratch, self._name, self._room)
        some._entries = self._entries[of]
        return some

    def __iter__(self) -> Iterator[T]:
        for entry, path in self._entries:
            if path is None:
                yield entry
                continue
            batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            yield _filled(entry, "", columns)


class SpilledValues[T]:
    """Values of any kind, one for a bucket or a group of them; in files but for the `first`."""

    def __init__(self, scratch: Scratch, name: str, first: int) -> None:
        self._scratch, self._name, self._first = scratch, name, first
        self._values: list[T | Path] = []

    def add(self, value: T) -> None:
        """Append a value."""
        if len(self._values) < self._first:
            self._values.append(value)
            return
        path = self._scratch.file(f"{self._name}.pickle")
        with path.open("xb") as file:
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
        self._values.append(path)

    def __getitem__(self, of: slice) -> "SpilledValues[T]":
        """Some of the values, which lie where they lay."""
        some = SpilledValues[T](self._scratch, self._name, self._first)
        some._values = self._values[of]
        return some

    def __iter__(self) -> Iterator[T]:
        for each in self._values:
            if isinstance(each, Path):
                with each.open("rb") as file:
                    yield pickle.load(file)  # noqa: S301 - nobody else can write there
            else:
                yield each


class SpilledTables:
    """Tables of buckets; in files once all results of the recording have no room in memory."""

    def __init__(self, rec: Recording, name: str) -> None:
        self._rec, self._name = rec, name
        self._tables: list[pa.Table | Path] = []

    def add(self, table: pa.Table) -> None:
        """Append a table."""
        scratch = self._rec.scratch
        if scratch.held + table.nbytes <= self._rec.limits.result_bytes:
            scratch.held += table.nbytes
            self._tables.append(table)
            return
        path = scratch.file(f"{self._name}.arrow")
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
        self._tables.append(path)

    def __getitem__(self, of: slice) -> "SpilledTables":
        """Some of the tables, which lie where they lay."""
        some = SpilledTables(self._rec, self._name)
        some._tables = self._tables[of]
        return some

    def __iter__(self) -> Iterator[pa.Table]:
        for each in self._tables:
            if isinstance(each, Path):
                yield pa.ipc.open_file(pa.memory_map(str(each))).read_all()
            else:
                yield each

    def placed(self, rec: Recording, table: Table) -> Lazy:
        """All of them as one frame on a recording's engine, one whose own process reads it."""
        if not any(isinstance(each, Path) for each in self._tables):
            whole = pa.concat_tables(self._tables, promote_options="permissive")
            return rec.place(whole, table)
        import pyarrow.dataset as ds

        files = [each for each in self._tables if isinstance(each, Path)]
        held = [each for each in self._tables if not isinstance(each, Path)]
        for each in held:
            files.append(self._rec.scratch.file(f"{self._name}.arrow"))
            with pa.ipc.new_file(files[-1], each.schema) as file:
                file.write_table(each)
        return rec.place(ds.dataset([str(file) for file in files], format="ipc"))


def place_tables(rec: Recording, table: Table, tables: Iterable[pa.Table]) -> Lazy:
    """Tables of one layout as one frame on the recording's engine.

    The tables may hold their words as dictionaries. Where all results of the recording have no
    room in memory together (`Limits.result_bytes`), they are written into its scratch folder.
    """
    held: list[pa.Table] = []
    rest = iter(tables)
    for each in rest:
        held.append(each)
        rec.scratch.held += each.nbytes
        if rec.scratch.held > rec.limits.result_bytes and len(held) > 1:
            rec.scratch.held -= sum(each.nbytes for each in held)
            folder = rec.scratch.file(table.name)
            folder.mkdir()
            for number, part in enumerate(chain(held, rest)):
                with pa.ipc.new_file(folder / f"{number}.arrow", part.schema) as file:
                    file.write_table(part)
            import pyarrow.dataset as ds

            return rec.place(ds.dataset(folder, format="ipc"))
    return rec.place(pa.concat_tables(held, promote_options="permissive"), table)


def _emptied(entry: Any, prefix: str, columns: dict[str, pa.Array]) -> Any:
    """The entry with empty arrays and tuples, whose contents are added to `columns`."""
    empty: dict[str, Any] = {}
    for field in fields(entry):
        value, name = getattr(entry, field.name), f"{prefix}{field.name}"
        if is_dataclass(value):
            empty[field.name] = _emptied(value, f"{name}.", columns)
        elif isinstance(value, np.ndarray) and value.size:
            # The shape of what is not one row of entries is kept: its last axis is emptied.
            empty[field.name] = value[..., :0].copy()
            columns[name] = pa.array(_narrow(value.ravel()))
        elif isinstance(value, tuple) and value and isinstance(value[0], (str, tuple)):
            kind = pa.string() if isinstance(value[0], str) else pa.list_(pa.string())
            empty[field.name] = value[:0]
            columns[name] = pa.array(value, kind)
    return replace(entry, **empty)


def _filled(entry: Any, prefix: str, columns: dict[str, pa.Array]) -> Any:
    full: dict[str, Any] = {}
    for field in fields(entry):
        value, name = getattr(entry, field.name), f"{prefix}{field.name}"
        if is_dataclass(value):
            full[field.name] = _filled(value, f"{name}.", columns)
        elif name in columns and isinstance(value, np.ndarray):
            column = columns[name].values.to_numpy()
            wide = value.dtype == np.bool_
            filled = column.view(np.bool_) if wide else column.astype(value.dtype, copy=False)
            full[field.name] = filled if value.ndim == 1 else filled.reshape(len(value), -1)
        elif name in columns:
            full[field.name] = _Words(columns[name].values)
    return replace(entry, **full)


class _Words(Sequence[Any]):
    """A tuple of words, or of such tuples, that lies in a file until it is looked at."""

    __slots__ = ("_column", "_read")

    def __init__(self, column: pa.Array) -> None:
        self._column: pa.Array | None = column
        self._read: tuple[Any, ...] = ()

    def __len__(self) -> int:
        column = self._column
        return len(self._read if column is None else column)

    def __getitem__(self, at: Any) -> Any:
        return self._words()[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._words())

    def _words(self) -> tuple[Any, ...]:
        column = self._column
        if column is not None:
            words = column.to_pylist()
            self._read = tuple(tuple(w) if isinstance(w, list) else w for w in words)
            self._column = None  # which would keep the whole file in memory
        return self._read


def _narrow(column: np.ndarray) -> np.ndarray:
    """Flags as bytes; integers no wider than they have to be: most are places and ranks."""
    if column.dtype == np.bool_:
        return column.view(np.uint8)
    if column.dtype == np.int64 and column.size:
        least, most = column.min(), column.max()
        for narrow in (np.int16, np.int32):
            limits = np.iinfo(narrow)
            if limits.min <= least and most <= limits.max:
                return column.astype(narrow)
    return column


def _size(entry: Any) -> int:
    """The bytes of the arrays in a dataclass."""
    values = [getattr(entry, field.name) for field in fields(entry)]
    return sum(_size(v) if is_dataclass(v) else getattr(v, "nbytes", 0) for v in values)
