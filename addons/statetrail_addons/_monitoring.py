"""What monitoring is given while it records: metrics of Prometheus, events of OpenTelemetry.

Enters: mitmproxy's options. Leaves: counts for the live judge to fill, what serves them, and what
sends the beginning and end of sessions. Nothing of it is made, or imported, unless an option asks
for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from mitmproxy.options import Options

from statetrail.dialects import Dialect
from statetrail.errors import missing_extra
from statetrail.extract.extractor import ExchangeFacts
from statetrail.proxy.address import listen_address
from statetrail.store.live.journal import Journal
from statetrail_addons._live_counts import LiveCounts
from statetrail_addons._live_sessions import LiveSessions

if TYPE_CHECKING:
    from statetrail_addons._metrics import MetricsServer
    from statetrail_addons._telemetry import SessionTelemetry

logger = logging.getLogger(__name__)

SWEEP_S: Final = 10.0


class Monitoring:
    """Counts of a recorder that is monitored, and what serves and sends them."""

    def __init__(self, dialects: Iterable[Dialect], journal: Callable[[], Journal | None]) -> None:
        known = tuple(dialects)
        self.counts = LiveCounts(known)
        self.sessions = LiveSessions(known)
        self._journal = journal
        self._address = ""
        self._server: MetricsServer | None = None
        self._telemetry: SessionTelemetry | None = None
        self._idle = threading.Event()

    def configure(self, options: Options) -> None:
        """Serve and send as the options say. Raises `UsageError`, `MissingExtraError`."""
        if (address := options.statetrail_metrics) != self._address:
            self._serve(address)
        if (options.statetrail_otel == "on") != (self._telemetry is not None):
            self._send(wanted=options.statetrail_otel == "on")

    def _serve(self, address: str) -> None:
        if self._server is not None:
            self._server.close()
            self._server, self._address = None, ""
        if not address:
            return
        host, port = listen_address(address, "statetrail_metrics")
        try:
            from statetrail_addons._metrics import MetricsServer, RecorderCollector
        except ModuleNotFoundError as error:
            raise missing_extra(error, "statetrail_metrics") from None
        collector = RecorderCollector(self._journal, self.counts, self.sessions)
        self._server, self._address = MetricsServer(host, port, collector), address
        logger.info("statetrail serves metrics at http://%s/metrics", address)

    def _send(self, *, wanted: bool) -> None:
        if self._telemetry is not None:
            self.sessions.notify = None
            self._idle.set()
            self._telemetry.close()
            self._telemetry = None
        if not wanted:
            return
        try:
            from statetrail_addons._telemetry import SessionTelemetry
        except ModuleNotFoundError as error:
            raise missing_extra(error, "statetrail_otel") from None
        self._telemetry = SessionTelemetry()
        self.sessions.notify = self._telemetry.send
        self._idle = threading.Event()
        threading.Thread(
            target=self._sweep, args=(self._idle,), name="statetrail-sessions", daemon=True
        ).start()

    def _sweep(self, end: threading.Event) -> None:
        """End idle sessions also while there is no traffic."""
        while not end.wait(SWEEP_S):
            self.sessions.sweep()

    def completed(self, facts: ExchangeFacts) -> None:
        """Count an exchange."""
        self.counts.completed(facts.exchange)
        self.sessions.completed(facts)

    def close(self) -> None:
        """Serve no more; send what waits."""
        self._serve("")
        self._send(wanted=False)
