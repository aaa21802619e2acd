"""The server's own account of its sessions: one JSON line each time one begins, is renewed or ends.

Enters: what a server does with a session. Leaves: lines in a file, and `SessionCounts` read back
from them. Servers that are not Python write the same lines. A session's name is a digest.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CLIENT_HEADER: Final = "x-client"
"""The request header that names a client of the study."""
DELAY_HEADER: Final = "x-study-delay"
"""The request header that has the answer wait, in seconds, until what is asked for is done."""


def digest(name: str) -> str:
    """A short name for a secret."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class Ledger:
    """The file of one server.

    `begin` and `end` name a session; `renew` says that a session goes on under another name.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115

    def begin(self, session: str, client: str | None) -> None:
        """A session began for that client."""
        self._write(event="begin", session=digest(session), client=client)

    def renew(self, old: str, new: str) -> None:
        """A session goes on under another name."""
        self._write(event="renew", session=digest(old), successor=digest(new))

    def end(self, session: str, why: str) -> None:
        """A session ended: by `logout`, or because it was `expired` when it was used."""
        self._write(event="end", session=digest(session), why=why)

    def _write(self, **line: str | None) -> None:
        self._file.write(json.dumps(line) + "\n")


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How many sessions each client began, and how many of all ended for each cause."""

    begun: Counter[str]
    ended: Counter[str]


def read(path: Path) -> SessionCounts:
    """What a server wrote down; nothing, where it keeps no table."""
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    gone = set()
    for line in map(json.loads, lines):
        if line["event"] == "begin":
            begun[line["client"]] += 1
        elif line["event"] == "end" and line["session"] not in gone:
            gone.add(line["session"])
            ended[line["why"]] += 1
    return SessionCounts(begun, ended)
