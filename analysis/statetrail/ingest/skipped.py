"""What a capture file held that did not become an exchange, and how a person is told.

Enters: reasons from a closed list, counted while a file is read. Leaves: one sentence, without any
value out of the file.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

REASONS: Final = {
    "other": "no HTTP exchange",
    "cached": "answered by the browser's own cache",
    "large": "too large or no entry at all",
    "incomplete": "without a start, method or URL",
    "start": "without a readable start time",
    "url": "without a readable http(s) URL",
    "broken": "no sound JSON",
    "unreadable": "not understood",
}
"""Why an entry or flow was skipped → how that is said."""

TORN: Final = {
    "ends": "the file ends early",
    "broken": "the file is damaged",
}


@dataclass(slots=True)
class Losses:
    """Filled while a capture file is read.

    Attributes
    ----------
    skipped
        Entries that did not become an exchange, by reason (`REASONS`).
    torn
        Why reading stopped before the file's end (`TORN`).
    complete
        Entries that were read, with those skipped.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    torn: str | None = None
    complete: int = 0

    def sentence(self) -> str | None:
        """What was lost, or `None` where nothing was."""
        parts = []
        if self.skipped:
            why = ", ".join(
                f"{count} {REASONS[name]}" for name, count in sorted(self.skipped.items())
            )
            total = self.skipped.total()
            parts.append(f"{total} {'entry was' if total == 1 else 'entries were'} skipped ({why})")
        if self.torn:
            kept = f"its first {self.complete} entries" if self.complete != 1 else "its first entry"
            parts.append(
                f"{TORN[self.torn]}: {kept if self.complete else 'nothing of it'} could be read, "
                "what follows is lost"
            )
        return "; ".join(parts) or None
