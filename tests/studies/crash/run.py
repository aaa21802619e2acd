"""What the recorder loses when things go wrong: `make crash`. Exit code 1: what it must not.

A client's own log is the truth: what it has received has to be in the store, or in the gap that the
store notes. Everything is real: mitmdump, sockets, kill -9, a full and a frozen disk (for which one
has to be root), a locked, a removed and a damaged store, a removed log, a dropped table; and a stop
or a kill while one of them lasts.
"""

import argparse
import contextlib
import http.client
import itertools
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from statetrail.store.file_header import check_store
from statetrail.store.reader import read_store
from studies.crash.power import cuts
from support.disks import ext4_disk, fill, frozen, small_disk
from support.proxy import Mitmdump, mitmdump, origin, reply, wait_for

BODY = b'<r session="tok%012d" xmlns="http://www.zeald.com">' + b"<c>text</c>" * 150 + b"</r>"
STREAM = ("--set", "stream_large_bodies=1m", "--set", "statetrail_clear=ids")
"""With the numbers in paths in clear, by which exchanges are known here."""
LOST = re.compile(r"([0-9]+) exchanges? w(?:as|ere) lost|with the ([0-9]+) exchanges")
UNCLEAN = "the recorder ended without closing the store"
type Disk = Callable[[Path], contextlib.AbstractContextManager[Path | None]]


def answer(head: bytes, connection: socket.socket) -> None:
    """Every third response is chunked, and so streamed through the proxy."""
    number = int(head.split(b"/")[4].split(b" ")[0])
    body = BODY % number
    if number % 3:
        connection.sendall(reply(body))
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in (body[:700], body[700:]):
        connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        time.sleep(0.002)
    connection.sendall(b"0\r\n\r\n")


@dataclass
class Clients:
    """Threads that ask one request after the other; `seen` is what has been answered."""

    port: int
    numbers: Iterator[int]
    seen: set[int] = field(default_factory=set)
    failed: int = 0
    slowest_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Ask until it is over."""
        while not self.over.is_set():
            with self.lock:
                number = next(self.numbers)
            begun = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", f"/API/V3/Cart/{number}")
                response = connection.getresponse()
                self.seen.add(number)  # its head was received
                response.read()
            except (OSError, http.client.HTTPException):
                self.failed += 1
                time.sleep(0.01)  # nobody may be there for a while
            finally:
                connection.close()
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)


@contextlib.contextmanager
def load(port: int, numbers: Iterator[int], threads: int = 4) -> Iterator[Clients]:
    """Clients at work."""
    clients = Clients(port, numbers)
    running = [threading.Thread(target=clients.run) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield clients
    finally:
        clients.over.set()
        for thread in running:
            thread.join()


def stored(*paths: Path) -> set[int]:
    """The numbers of the exchanges in stores."""
    found: set[int] = set()
    for path in paths:
        check_store(path)
        rows = read_store(path).table("exchanges")["path"].to_pylist()
        found |= {int(path.rpartition("/")[2]) for path in rows}
    return found


def noted(*paths: Path) -> list[str]:
    """What the stores' notes say of losses."""
    notes = [read_store(path).table("captures")["problem"].to_pylist() for path in paths]
    return [note for each in notes for note in each if note]


def count(notes: list[str]) -> int:
    """Exchanges that the notes own up to."""
    return sum(int(a or b) for note in notes for a, b in LOST.findall(note))


class Trials:
    """The trials, each on a folder of its own.

    `bad` counts those of the `tried` that lost something unsaid.
    """

    def __init__(self, upstream: int) -> None:
        self.mode = f"reverse:http://127.0.0.1:{upstream}"
        self.numbers = itertools.count(1)
        self.tried = self.bad = 0

    def say(self, name: str, seen: int, lost: int, gap: int, more: str = "") -> None:
        """One line; what is lost and not noted is what must not be."""
        # Of what is missing clients need not have seen all: the note may say a few more.
        self.tried += 1
        self.bad += lost > gap
        print(
            f"{name:22} {seen:6} seen by clients, {lost:5} of them missing, noted {gap:5}, "
            f"lost = {max(lost - gap, 0)}  {more}",
            flush=True,
        )

    def kills(self, folder: Path, times: int) -> None:
        """kill -9 under load, again and again, on one store."""
        seen: set[int] = set()
        store = folder / "recording.sqlite"
        for _ in range(times):
            with (
                mitmdump(folder, self.mode, *STREAM) as proxy,
                load(proxy.port, self.numbers) as clients,
            ):
                wait_for(lambda: clients.seen, "an exchange")
                time.sleep(random.uniform(0.1, 0.8))
                proxy.kill()
                clients.over.set()
            seen |= clients.seen
        lost = seen - stored(store)
        self.say(f"{times} kills", len(seen), len(lost), 0, f"{sorted(lost)[:5] or ''}")

    def fault(
        self,
        name: str,
        folder: Path,
        begin: Callable[[Mitmdump], Callable[[], object]],
        *,
        waiting: int = 60,
        seconds: float = 3,
        disk: Path | None = None,
    ) -> None:
        """Load before, during and after a fault; `begin` brings it about and returns its end."""
        options = (*STREAM, "--set", f"statetrail_waiting={waiting}")
        store = (disk or folder) / "recording.sqlite"
        with mitmdump(folder, self.mode, *options, store=store) as proxy:
            with load(proxy.port, self.numbers, 2) as clients:
                # Connections are taken before the recorder is there to look at them.
                wait_for(lambda: len(clients.seen) > 20, "some exchanges")
                end = begin(proxy)
                time.sleep(seconds)
                end()
                time.sleep(2)
            code = proxy.process.poll()
            proxy.stop()
        stores = list(store.parent.glob("*.sqlite"))
        lost = clients.seen - stored(*stores)
        notes = noted(*stores)
        log = proxy.log.read_text()
        complaints = log.count("statetrail: ") + 1000 * log.count("Traceback")
        self.say(
            *(name, len(clients.seen), len(lost), count(notes)),
            f"failed requests {clients.failed}, slowest {clients.slowest_s:.2f} s, "
            f"{complaints} errors logged; {notes}",
        )
        self.bad += bool(clients.failed) or code is not None

    def meet(
        self,
        name: str,
        folder: Path,
        begin: Callable[[Mitmdump], Callable[[], object]],
        ending: Callable[[Mitmdump], None],
        disk: Path,
    ) -> None:
        """Stopped or killed while a fault lasts; then the next start, which has to tell of it."""
        store = disk / "recording.sqlite"
        with (
            mitmdump(folder, self.mode, *STREAM, store=store) as proxy,
            load(proxy.port, self.numbers, 2) as clients,
        ):
            wait_for(lambda: len(clients.seen) > 20, "some exchanges")
            end = begin(proxy)
            try:
                time.sleep(2)
                ending(proxy)
                clients.over.set()
            finally:
                end()
            proxy.process.wait(60)
        with mitmdump(folder, self.mode, *STREAM, store=store) as proxy:
            proxy.stop()
        stores = list(store.parent.glob("*.sqlite"))
        lost, notes = clients.seen - stored(*stores), noted(*stores)
        is_told = any(UNCLEAN in note for note in notes)
        gap = max(count(notes), len(lost) if is_told else 0)
        self.say(name, len(clients.seen), len(lost), gap, f"{notes}")
        # Only a kill, or a disk that hangs to the end, may leave a gap that nobody could count.
        self.bad += is_told and ending is stopped and begin is not hanging


def locked(proxy: Mitmdump) -> Callable[[], object]:
    """Another program writes to the store and does not come to an end."""
    other = sqlite3.connect(proxy.store, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def removed(proxy: Mitmdump) -> Callable[[], object]:
    """The store and its log are deleted."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{proxy.store}{suffix}").unlink()
    return lambda: None


def damaged(proxy: Mitmdump) -> Callable[[], object]:
    """Something overwrites the store and its log."""
    for suffix in ("", "-wal"):
        path = Path(f"{proxy.store}{suffix}")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(b"\x55" * size)
    return lambda: None


def unlogged(proxy: Mitmdump) -> Callable[[], object]:
    """The log and its index are deleted."""
    for suffix in ("-wal", "-shm"):
        Path(f"{proxy.store}{suffix}").unlink()
    return lambda: None


def dropped(proxy: Mitmdump) -> Callable[[], object]:
    """Another program drops a table."""
    with contextlib.closing(sqlite3.connect(proxy.store)) as other:
        other.execute("DROP TABLE exchanges")
    return lambda: None


def full(proxy: Mitmdump) -> Callable[[], object]:
    """Something fills the disk."""
    return fill(proxy.store.parent).unlink


def hanging(proxy: Mitmdump) -> Callable[[], object]:
    """The file system is frozen."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(frozen(proxy.store.parent))
        return stack.pop_all().close


def stopped(proxy: Mitmdump) -> None:
    """Ended as a user would; where the disk hangs, the process does as well."""
    proxy.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        proxy.process.wait(12)


def killed(proxy: Mitmdump) -> None:
    """kill -9."""
    proxy.process.kill()


def meetings(trials: Trials, parent: Path) -> None:
    """A stop and a kill while each fault lasts."""
    faults: dict[str, tuple[Callable[[Mitmdump], Callable[[], object]], Disk]] = {
        "locked": (locked, contextlib.nullcontext),
        "full": (full, small_disk),
        "frozen": (hanging, ext4_disk),
        "log removed": (unlogged, contextlib.nullcontext),
        "table dropped": (dropped, contextlib.nullcontext),
    }
    for number, (name, (begin, medium)) in enumerate(faults.items()):
        for ending in (stopped, killed):
            place = parent / f"{ending.__name__}-{number}"
            for folder in (place, disk_folder := parent / f"{ending.__name__}-{number}-disk"):
                folder.mkdir()
            with medium(disk_folder) as disk:
                if disk is None and medium is not contextlib.nullcontext:
                    print(f"{name}: left out, since only root may mount a disk")
                    continue
                trials.meet(f"{ending.__name__}, {name}", place, begin, ending, disk or place)


def main() -> int:
    """Run the trials; 1 if anything was lost that no gap owns up to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--cuts", type=int, default=1000, help="how often the power is cut")
    parser.add_argument("--disks", type=int, default=3, help="how often a disk is full")
    wanted = parser.parse_args()
    with origin(answer) as upstream, tempfile.TemporaryDirectory() as temporary:
        trials = Trials(upstream)

        def folder(name: str) -> Path:
            made = Path(temporary) / name
            made.mkdir()
            return made

        trials.fault("locked", folder("locked"), locked, waiting=50_000)
        trials.fault("locked for long", folder("long"), locked)
        trials.fault("removed", folder("removed"), removed, seconds=0.5)
        trials.fault("damaged", folder("damaged"), damaged, seconds=0.5)
        trials.fault("log removed", folder("unlogged"), unlogged, seconds=0.5)
        trials.fault("table dropped", folder("dropped"), dropped, seconds=2)
        with ext4_disk(folder("frozen-disk")) as disk:
            if disk is not None:
                trials.fault(
                    "frozen", folder("frozen"), hanging, waiting=50_000, seconds=2, disk=disk
                )
        for number in range(wanted.disks):
            with small_disk(folder(f"disk-{number}")) as disk:
                if disk is None:
                    print("full disk        left out: only root may mount a small tmpfs")
                    break
                trials.fault("full disk", folder(f"full-{number}"), full, disk=disk)
        meetings(trials, Path(temporary))
        if wanted.cuts:
            lost = cuts(wanted.cuts)
            trials.bad += len(lost)
            print(f"{wanted.cuts} power cuts, durability=full: {len(lost)} lose something")
        if wanted.kills:
            trials.kills(folder("kills"), wanted.kills)
    return int(trials.bad > 0)


if __name__ == "__main__":
    sys.exit(main())
