"""Requests of which a browser tells twice: a page's, and that of the service worker that took it.

Enters: the entries of a file, in its order. Leaves: the same, of a page's request and its worker's
the latter alone, since it is what was sent: a page's request has no cookies, and its response none.
It was composed when the page's was. A page's request is held until its worker's comes, or none.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from statetrail.ingest.har.entry import EntryError, HarEntry
from statetrail.ingest.har.times import MAX_MS, start_of

KEPT: Final = 64
"""Requests of pages that are held."""
MAX_HELD: Final = 1 << 23
"""Bytes of JSON that they have together."""
_TOLERANCE: Final = timedelta(milliseconds=5)
_MILLISECOND: Final = timedelta(milliseconds=1)

type Read = HarEntry | EntryError


class _Taken(NamedTuple):
    entry: HarEntry
    start: datetime
    end: datetime
    size: int


class Workers:
    """The latest requests that a page's service worker took."""

    def __init__(self) -> None:
        self._taken: deque[_Taken] = deque()
        self._size = 0

    def settled(self, entries: Iterable[Read]) -> Iterator[Read]:
        """The entries, without those of pages that are held, and with those held no longer.

        For one whose worker's request is there `EntryError` (``worker``) stands. Of one request of
        a page a worker sends at most one that is the same.
        """
        for entry in entries:
            if isinstance(entry, EntryError):
                yield entry
            elif entry.is_by_worker:
                yield from self._hold(entry)
            elif self._taken and (taken := self._find(entry)) is not None:
                yield EntryError("worker")
                yield _composed(entry, taken)
            else:
                yield entry

    def rest(self) -> Iterator[HarEntry]:
        """Those that are held at the end of the file."""
        while self._taken:
            yield self._taken.popleft().entry

    def _hold(self, entry: HarEntry) -> Iterator[HarEntry]:
        try:
            start, end = _span(entry)
            size = len(msgspec.json.encode(entry))
        except (ValueError, OverflowError, TypeError):
            yield entry
            return
        if entry.is_cached:
            yield entry
            return
        self._taken.append(_Taken(entry, start, end + _TOLERANCE, size))
        self._size += size
        while len(self._taken) > KEPT or self._size > MAX_HELD:
            released = self._taken.popleft()
            self._size -= released.size
            yield released.entry

    def _find(self, entry: HarEntry) -> _Taken | None:
        try:
            start, _ = _span(entry)
        except (ValueError, OverflowError):
            return None
        for taken in self._taken:
            page = taken.entry.request
            if (page.method, page.url) != (entry.request.method, entry.request.url):
                continue
            try:
                inside = taken.start <= start <= taken.end
            except TypeError:  # one has a zone and the other has none
                continue
            if inside:
                self._taken.remove(taken)
                self._size -= taken.size
                return taken
        return None


def _span(entry: HarEntry) -> tuple[datetime, datetime]:
    start = start_of(entry.started)
    return start, start + min(max(entry.time or 0, 0), MAX_MS) * _MILLISECOND


def _composed(entry: HarEntry, taken: _Taken) -> HarEntry:
    """A worker's request as composed when the page's was: until it was sent, it was held back."""
    timings = entry.timings
    if timings is None or entry.time is None:
        return entry
    waited = (start_of(entry.started) - taken.start) / _MILLISECOND
    timings.blocked = max(timings.blocked or 0, 0) + waited
    entry.time += waited
    entry.started = taken.entry.started
    return entry
