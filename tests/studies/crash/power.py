"""Power cuts: `python -m studies.crash.power --cuts 1000`, part of `make crash`.

A recording is made through a SQLite VFS that takes down each write, truncation, sync and removal.
A cut is a moment in that list. What was synced before it is on the disk; of what was not, some
writes are there and some are not, in any order and by sectors, as a disk may leave them. Every
exchange whose `append` had returned has to be in the store that is left, which has to open.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import StatetrailError
from statetrail.store.keys import key_path
from statetrail.store.opening import Durability
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.traffic import facts_of

SECTOR: Final = 512
LOG_PAGES: Final = 30
"""Size of the log at which it is checkpointed, so that many are."""

type Operation = tuple[str, str, int, bytes]
"""What was done, to which file, at which place, with which bytes."""


class _File(apsw.VFSFile):
    def __init__(self, name: object, flags: list[int], note: Callable[..., None]) -> None:
        text = name if isinstance(name, str) else name.filename()  # type: ignore[attr-defined]
        self._note = lambda *what: note(what[0], Path(text).name, *what[1:])
        self._note("create")
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._note("write", offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._note("truncate", size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._note("sync")


class Disk(apsw.VFS):
    """The operations on the files of SQLite, in order."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        super().__init__("power", "unix", makedefault=True)

    def note(self, what: str, name: str, place: int = 0, data: bytes = b"") -> None:
        """Take down an operation."""
        self.operations.append((what, name, place, data))

    def xOpen(self, name: object, flags: list[int]) -> _File:  # noqa: N802
        return _File(name, flags, self.note)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        super().xDelete(name, sync)
        self.note("delete", Path(name).name, int(sync))


@dataclass(slots=True)
class _DiskFile:
    """A file as a disk keeps it: its synced content, and what was done since."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)
    is_named: bool = False
    """Whether its name is synced, too."""
    is_removed: bool = False

    def sync(self) -> None:
        """All of it is on the disk."""
        for operation in self.pending:
            self._apply(operation)
        self.pending.clear()
        self.is_named = True

    def _apply(self, operation: Operation, draw: random.Random | None = None) -> None:
        what, _, place, data = operation
        if what == "truncate":
            del self.content[place:]
            return
        self.content.extend(bytes(max(0, place + len(data) - len(self.content))))
        for at in range(0, len(data), SECTOR):
            if draw is None or draw.random() < 0.8:
                part = data[at : at + SECTOR]
                self.content[place + at : place + at + len(part)] = part

    def cut(self, draw: random.Random) -> bytes | None:
        """What is left of it after a power cut."""
        if (self.is_removed or not self.is_named) and draw.random() < 0.5:
            return None
        share = draw.choice((0.0, 0.5, 0.9, 1.0))
        left = [one for one in self.pending if draw.random() < share]
        if draw.random() < 0.5:
            draw.shuffle(left)
        for operation in left:
            self._apply(operation, draw if draw.random() < 0.3 else None)
        return bytes(self.content)


def after_cut(operations: list[Operation], draw: random.Random) -> dict[str, bytes]:
    """The files that are left, by name, if the power is cut after these operations."""
    files: dict[str, _DiskFile] = {}
    for operation in operations:
        what, name, place, _ = operation
        if what == "ack":
            continue
        file = files.get(name)
        if what == "delete":
            if place or file is None:
                files.pop(name, None)
            else:
                file.is_removed = True
        elif what == "create":
            if file is None or file.is_removed:
                files[name] = _DiskFile()
        else:
            file = files.setdefault(name, _DiskFile())
            if what == "sync":
                if not file.is_named:
                    # SQLite syncs the folder of a new file, and with it the removals of others.
                    files = {name: one for name, one in files.items() if not one.is_removed}
                file.sync()
            else:
                file.pending.append(operation)
    left = {name: file.cut(draw) for name, file in files.items()}
    return {name: content for name, content in left.items() if content is not None}


def record(folder: Path, durability: Durability, draw: random.Random) -> list[Operation]:
    """Record some exchanges; the operations, and what was acknowledged when."""
    disk, numbers = Disk(), count()
    try:
        with SqliteStore.create_or_open(folder / "x.sqlite", durability=durability) as store:
            store.set_log_limit(LOG_PAGES)
            capture = store.begin_live()
            for _ in range(60):
                batch = [
                    facts_of(f"/v3/x?LangId={number}", flow_id=f"{number}")
                    for number, _ in zip(numbers, range(draw.choice((1, 1, 1, 2, 8))), strict=False)
                ]
                ids = store.append_many(batch, capture)
                for facts in batch:
                    disk.note("ack", facts.exchange.flow_id)
                if draw.random() < 0.2:
                    store.write([(ids[0], batch[0])], capture)
            store.end_live(capture)
    finally:
        operations = [*disk.operations]
        disk.unregister()
    return operations


def lost_by(operations: list[Operation], key: bytes, folder: Path, draw: random.Random) -> str:
    """Cut the power after these operations; what is wrong with what is left, or nothing."""
    path = folder / "x.sqlite"
    for file in folder.iterdir():
        file.unlink()
    key_path(path).write_bytes(key)
    key_path(path).chmod(0o600)
    for name, content in after_cut(operations, draw).items():
        (folder / name).write_bytes(content)
    acknowledged = {name for what, name, _, _ in operations if what == "ack"}
    try:
        with SqliteStore.create_or_open(path) as store:
            store.append(facts_of("/v3/x", flow_id="after"))
        flows = set(read_store(path).table("exchanges")["flow_id"].to_pylist())
    except StatetrailError as error:
        return f"it does not open: {error}"
    if missing := acknowledged - flows:
        return f"{len(missing)} of {len(acknowledged)} acknowledged exchanges are lost"
    db = apsw.Connection(str(path))
    whole = str(db.execute("PRAGMA integrity_check").get)
    db.close()
    return "" if whole == "ok" else f"it is damaged: {whole[:100]}"


def cuts(times: int, durability: Durability = "full", seed: int = 1) -> list[str]:
    """What was wrong after so many power cuts."""
    draw = random.Random(seed)
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(times):
            if number % 50 == 0:
                made = Path(temporary, f"made-{number}")
                made.mkdir()
                operations = record(made, durability, draw)
                key = key_path(made / "x.sqlite").read_bytes()
                left = Path(temporary, f"left-{number}")
                left.mkdir()
            moment = draw.randrange(len(operations) + 1)
            if problem := lost_by(operations[:moment], key, left, draw):
                found.append(f"cut {number}, after {moment} operations: {problem}")
    return found


def main() -> int:
    """Cut the power; 1 if that loses anything under durability=full."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    found = cuts(wanted.cuts, seed=wanted.seed)
    normal = cuts(max(wanted.cuts // 10, 50), "normal", wanted.seed)
    print(f"{wanted.cuts} power cuts, durability=full: {len(found)} lose something or do not open")
    print(f"{max(wanted.cuts // 10, 50)} of durability=normal, to compare: {len(normal)}")
    for problem in found[:10]:
        print(f"  {problem}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
