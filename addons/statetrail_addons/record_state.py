"""Record session tokens and state headers of all proxied traffic into a statetrail store.

    mitmdump -s "$(python -m statetrail_addons record_state)" --set statetrail_store=shop.sqlite

Every exchange is committed before its response is released to the client. Secrets are stored as
keyed fingerprints only. Nothing here changes, delays or breaks the traffic: what goes wrong in the
recorder is logged (once a minute at most) and counted.
"""

import logging
import time
from collections import deque
from pathlib import Path

from mitmproxy import ctx, flowfilter
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.http import HTTPFlow

from statetrail.capture.flow import Answer, BodySniffer, answer_of, exchange_of, request_of
from statetrail.dialects import select
from statetrail.errors import StatetrailError
from statetrail.sightings import Request, Sighted, Sighting, sight
from statetrail.store import CaptureId, SqliteStore, Tally

logger = logging.getLogger(__name__)

OPTIONS = (
    ("statetrail_store", "statetrail.sqlite", "SQLite file to record into."),
    ("statetrail_dialects", "all", "Dialects to look for, comma separated, or 'all'."),
    ("statetrail_filter", "", "Record only the flows that match this filter expression."),
    (
        "statetrail_clear",
        "",
        "Parameters whose values are stored in clear although they are secret, comma separated.",
    ),
    ("statetrail_client_header", "", "Request header that tells clients apart."),
)
MAX_WAITING = 10_000
"""Exchanges that wait in memory while the store cannot be written; later ones are counted."""
BUSY_S = 0.25
"""Longest wait in seconds for another program that writes to the store."""


class RecordState:
    """The recorder."""

    def __init__(self) -> None:
        self.store: SqliteStore | None = None
        self.tally = Tally()
        self.lost = 0
        self._capture: CaptureId | None = None
        self._how: Sighting | None = None
        self._filter: flowfilter.TFilter | None = None
        self._requests: dict[str, Request] = {}
        self._answers: dict[str, Answer] = {}
        self._waiting: deque[Sighted] = deque()
        self._silent_until = 0.0

    def load(self, loader: Loader) -> None:
        for name, default, text in OPTIONS:
            loader.add_option(name, str, default, text)

    def configure(self, updated: set[str]) -> None:
        if not any(name in updated for name, _, _ in OPTIONS):
            return
        options = ctx.options
        try:
            dialects = select(options.statetrail_dialects)
            expression = options.statetrail_filter
            self._filter = flowfilter.parse(expression) if expression else None
            path = Path(options.statetrail_store).expanduser()
            if self.store is None or self.store.path != path:
                self._open(path)
        except (StatetrailError, ValueError) as error:
            # Without its cause: mitmproxy logs the whole chain, and the message says it all.
            raise OptionsError(f"statetrail: {error}") from None  # type: ignore[no-untyped-call]
        assert self.store is not None
        self._how = Sighting(
            dialects=dialects,
            pseudonyms=self.store.pseudonyms,
            clear=frozenset(n.strip() for n in options.statetrail_clear.split(",") if n.strip()),
            client_header=options.statetrail_client_header.strip().lower() or None,
        )

    def _open(self, path: Path) -> None:
        store = SqliteStore.create_or_open(path, busy_s=BUSY_S)
        self.done()
        if self.store is not None:
            self.store.close()
        self.store, self.tally = store, Tally()
        self._capture = store.begin_capture("live")
        logger.info("statetrail records into %s", path)

    def requestheaders(self, flow: HTTPFlow) -> None:
        # The request as the client sent it: later addons change it on its way to the origin.
        self._requests[flow.id] = request_of(flow)

    def responseheaders(self, flow: HTTPFlow) -> None:
        assert flow.response is not None
        self._answers[flow.id] = answer_of(flow.response)
        # A body of unknown length begins to be streamed late and without a further hook, so where
        # the user lets large bodies be streamed it has to be decided here.
        late = ctx.options.stream_large_bodies and "content-length" not in flow.response.headers
        if (flow.response.stream or late) and flow.response.data.content is None:
            flow.response.stream = BodySniffer(flow.response.stream)  # type: ignore[assignment]

    def response(self, flow: HTTPFlow) -> None:
        self._record(flow)

    def error(self, flow: HTTPFlow) -> None:
        # A replayed flow file gives a cut exchange to both hooks; the store keeps it once.
        self._record(flow)

    def done(self) -> None:
        """Complete the capture's note; exchanges still under way may yet follow."""
        if self.store is None or self._capture is None:
            return
        self._write()
        lost = self.lost + len(self._waiting)
        problem = f"{lost} exchanges could not be written" if lost else None
        try:
            self.store.end_capture(self._capture, self.tally, problem)
        except StatetrailError as error:
            self._complain(str(error))

    def _record(self, flow: HTTPFlow) -> None:
        request = self._requests.pop(flow.id, None)
        answer = self._answers.pop(flow.id, None)
        if self._how is None or (
            self._filter is not None and not flowfilter.match(self._filter, flow)
        ):
            return
        try:
            stream = flow.response.stream if flow.response is not None else None
            body = stream.body if isinstance(stream, BodySniffer) else None
            sighted = sight(exchange_of(flow, request, answer, body), self._how)
        except Exception as error:  # whatever it is, the traffic goes on
            self.lost += 1
            self._complain(f"an exchange could not be read ({type(error).__name__})")
            return
        self._waiting.append(sighted)
        self._write()

    def _write(self) -> None:
        assert self.store is not None
        while self._waiting:
            batch = [self._waiting[at] for at in range(min(len(self._waiting), 100))]
            try:
                ids = self.store.append_many(batch, self._capture)
            except StatetrailError as error:
                if len(self._waiting) > MAX_WAITING:
                    self._waiting.popleft()
                    self.lost += 1
                self._complain(str(error))
                return
            added = sum(exchange_id is not None for exchange_id in ids)
            self.tally.exchanges += added
            self.tally.duplicates += len(ids) - added
            for _ in batch:
                self._waiting.popleft()

    def _complain(self, what: str) -> None:
        """Log an error, once a minute at most."""
        if (now := time.monotonic()) >= self._silent_until:
            self._silent_until = now + 60
            waiting = f"{len(self._waiting)} exchanges wait in memory, {self.lost} are lost"
            logger.error("statetrail: %s; %s; the traffic goes on", what, waiting)


addons = [RecordState()]
