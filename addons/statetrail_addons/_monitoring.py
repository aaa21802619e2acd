"""What monitoring is given while it records: the metrics of Prometheus.

Enters: mitmproxy's options. Leaves: counts for the live judge to fill, and what serves them.
Nothing of it is made, or imported, unless an option asks for it.
"""

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mitmproxy.options import Options

from statetrail.dialects import Dialect
from statetrail.errors import missing_extra
from statetrail.extract import ExchangeFacts
from statetrail.proxy.address import listen_address
from statetrail.store import Journal
from statetrail_addons._live_counts import LiveCounts
from statetrail_addons._live_sessions import LiveSessions

if TYPE_CHECKING:
    from statetrail_addons._metrics import MetricsServer

logger = logging.getLogger(__name__)


class Monitoring:
    """Counts of a recorder that is monitored, and their server."""

    def __init__(self, dialects: Iterable[Dialect], journal: Callable[[], Journal | None]) -> None:
        known = tuple(dialects)
        self.counts = LiveCounts(known)
        self.sessions = LiveSessions(known)
        self._journal = journal
        self._address = ""
        self._server: MetricsServer | None = None

    def configure(self, options: Options) -> None:
        """Serve as the options say. Raises `UsageError`, `MissingExtraError`."""
        if (address := options.statetrail_metrics) == self._address:
            return
        if not address:
            self.close()
            return
        host, port = listen_address(address, "statetrail_metrics")
        try:
            from statetrail_addons._metrics import MetricsServer, RecorderCollector
        except ModuleNotFoundError as error:
            raise missing_extra(error, "statetrail_metrics") from None
        collector = RecorderCollector(self._journal, self.counts, self.sessions)
        server = MetricsServer(host, port, collector)
        self.close()
        self._server, self._address = server, address
        logger.info("statetrail serves metrics at http://%s/metrics", address)

    def completed(self, facts: ExchangeFacts) -> None:
        """Count an exchange."""
        self.counts.completed(facts.exchange)
        self.sessions.completed(facts)

    def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()
            self._server, self._address = None, ""
