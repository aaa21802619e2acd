"""What a capture cannot show: bodies that are missing, values that a sanitiser has replaced.

Enters: exchanges, and what was extracted from them. Leaves: sentences, without any value.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.records import PLACEHOLDER, STATE_UNSEEN, Exchange

MIN_ENTRIES: Final = 5
"""Entries of a HAR file from which on the lack of every credential tells something."""

_CREDENTIALS: Final = frozenset((b"cookie", b"set-cookie", b"authorization"))


class Credentials:
    """Whether a HAR file has cookies or credentials anywhere.

    `sanitises`: what wrote it leaves them out unless it is asked for them.
    """

    __slots__ = ("_entries", "_found", "sanitises")

    def __init__(self) -> None:
        self._entries = 0
        self._found = self.sanitises = False

    def look(self, exchange: Exchange) -> None:
        """Look at an exchange."""
        if self._found:
            return
        request, response = exchange.request, exchange.response
        self._entries += bool(request.headers)
        fields = (*request.headers, *(response.headers if response is not None else ()))
        self._found = not _CREDENTIALS.isdisjoint([name.lower() for name, _ in fields])

    def is_sanitised(self) -> bool:
        """Whether there were enough entries, and none had any."""
        return self._entries >= MIN_ENTRIES and not self._found


@dataclass(slots=True)
class Unseen:
    """Counts of what cannot be seen.

    `responses` are those in the scope of each dialect, `bodies` those without the body that was
    there; `replaced` are exchanges with values that a sanitiser has replaced.
    """

    responses: Counter[str] = field(default_factory=Counter)
    bodies: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    credentials: Credentials = field(default_factory=Credentials)

    def count(self, rows: Iterable[ExchangeRow]) -> None:
        """Count exchanges."""
        responses: Counter[str] = Counter()
        for row in rows:
            if row.dialects and row.status is not None:
                responses[row.dialects] += 1
            if not row.notes:
                continue
            for note in row.notes.split(","):
                if note.startswith(STATE_UNSEEN):
                    self.bodies[note.removeprefix(STATE_UNSEEN)] += 1
                self.replaced += note == PLACEHOLDER
        for dialects, number in responses.items():
            for name in dialects.split(","):
                self.responses[name] += number

    def sentences(self) -> Iterator[str]:
        """What cannot be seen."""
        for name, unseen in sorted(self.bodies.items()):
            yield (
                f"{unseen} of {self.responses[name]} responses in the scope of {name} have no body "
                "in the file: what they issue there cannot be seen"
            )
        if self.replaced:
            noun = "exchange has" if self.replaced == 1 else "exchanges have"
            yield f"a sanitiser has replaced values: {self.replaced} {noun} some, which say nothing"
        if self.credentials.sanitises and self.credentials.is_sanitised():
            yield (
                "it has no cookie and no credential, as a browser's sanitised export: state in "
                "them cannot be seen, export it with sensitive data"
            )
