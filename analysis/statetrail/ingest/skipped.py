"""The entries of a capture file that did not become exchanges, counted by reason.

Enters: reasons from a closed list, counted while a file is read. Leaves: one sentence, without any
value from the file.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from statetrail.ingest.unseen import Unseen

REASONS: Final = {
    "other": "no HTTP exchange",
    "cached": "answered by the browser's own cache",
    "worker": "of a page whose service worker sent the request itself, which is there",
    "blocked": "blocked by the browser before it was sent",
    "internal": "redirected by the browser before it was sent",
    "newer": "written by a newer mitmproxy",
    "large": "too large or no entry at all",
    "incomplete": "without a start or URL",
    "start": "without a readable start time",
    "url": "without a readable http(s) URL",
    "broken": "no sound JSON",
    "encrypted": "connections whose TLS keys are missing",
    "quic": "connections of QUIC, whose HTTP/3 is not read",
    "unreadable": "not understood",
}
"""Reason for which an entry or flow is skipped → its text."""


class TruncatedError(ValueError):
    """A capture file ends or breaks before its entries do; the message is one word."""


TRUNCATIONS: Final = {
    "ends": "the file ends early",
    "broken": "the file is damaged",
    "more": "something follows the first JSON document",
    "again": "the file has a second list of entries",
    "bomb": "the file unpacks to an implausible size",
}


@dataclass(slots=True)
class ReadReport:
    """Filled while a capture file is read.

    `skipped` counts the entries that did not become an exchange, by reason (`REASONS`);
    `truncation` is why reading stopped before the file's end (`TRUNCATIONS`); `entries` is the
    number of complete entries, including those skipped; `newer` is the latest version of
    mitmproxy's format among flows that are of a later one than is known; `unseen` is filled by
    who reads the exchanges.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    truncation: str | None = None
    entries: int = 0
    newer: int = 0
    unseen: Unseen = field(default_factory=Unseen)

    def sentence(self) -> str | None:
        """What was lost, or `None` where nothing was."""
        parts = []
        if self.skipped:
            reasons = ", ".join(f"{n} {REASONS[name]}" for name, n in sorted(self.skipped.items()))
            if self.newer:
                reasons = reasons.replace(
                    REASONS["newer"], f"{REASONS['newer']}: format {self.newer}"
                )
            total = self.skipped.total()
            noun = "entry was" if total == 1 else "entries were"
            parts.append(f"{total} {noun} skipped ({reasons})")
        if self.truncation:
            count = f"{self.entries} entries" if self.entries != 1 else "entry"
            kept = f"its first {count}" if self.entries else "nothing of it"
            parts.append(
                f"{TRUNCATIONS[self.truncation]}: {kept} could be read, what follows is lost"
            )
        return "; ".join((*parts, *self.unseen.sentences())) or None
