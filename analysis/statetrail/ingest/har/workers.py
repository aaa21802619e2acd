"""Requests of which a browser tells twice: a page's, and that of the service worker that took it.

Enters: the entries of a file, in its order. Leaves: `EntryError` for a worker's own request, where
the page's one is there.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from statetrail.ingest.har.entry import EntryError, HarEntry
from statetrail.ingest.har.times import MAX_MS, start_of

KEPT: Final = 64
"""Requests of pages that are remembered."""
_TOLERANCE: Final = timedelta(milliseconds=5)


class _Taken(NamedTuple):
    method: str | None
    url: str
    start: datetime
    end: datetime


class Workers:
    """The latest requests that a page's service worker took."""

    def __init__(self) -> None:
        self._taken: deque[_Taken] = deque(maxlen=KEPT)

    def check(self, entry: HarEntry) -> None:
        """Raise `EntryError` (``worker``) if a worker sent this for an entry before.

        Of one request of a page a worker sends at most one that is the same.
        """
        by_worker = entry.is_by_worker
        if not by_worker and not self._taken:
            return
        try:
            start = start_of(entry.started)
            end = start + timedelta(milliseconds=min(max(entry.time or 0, 0), MAX_MS))
        except (ValueError, OverflowError):
            return
        request = entry.request
        if by_worker:
            self._taken.append(_Taken(request.method, request.url, start, end + _TOLERANCE))
            return
        for taken in self._taken:
            if taken[:2] == (request.method, request.url):
                try:
                    inside = taken.start <= start <= taken.end
                except TypeError:  # one has a zone and the other has none
                    continue
                if inside:
                    self._taken.remove(taken)
                    raise EntryError("worker")
