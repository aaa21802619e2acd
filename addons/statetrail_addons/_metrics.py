"""Prometheus metrics of the recorder, served by threads of their own.

    curl http://127.0.0.1:9464/metrics

Enters: the journal and the counts of the live judge, read when they are asked for: nothing is
counted twice, and the hooks do nothing for it. Leaves: Prometheus text. Labels are names of
dialects, of their parameters and of verdicts, never of hosts, clients or values.
"""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http.server import ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import MetricsHandler
from prometheus_client.registry import Collector

from statetrail import __version__
from statetrail.errors import UsageError
from statetrail.proxy.address import listening_socket, unusable
from statetrail.store.live.journal import Journal
from statetrail_addons._live_counts import LiveCounts
from statetrail_addons._live_sessions import LiveSessions

MAX_SCRAPES: Final = 8
"""Connections that are served at a time; more are closed."""
TIMEOUT_S: Final = 5.0


class RecorderCollector(Collector):
    """The metrics; `journal` gives the journal of the moment, which may be none."""

    def __init__(
        self, journal: Callable[[], Journal | None], counts: LiveCounts, sessions: LiveSessions
    ) -> None:
        self._journal = journal
        self._counts = counts
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        """Every metric, as it stands."""
        info = {"version": __version__}
        yield InfoMetricFamily("statetrail_recorder", "The recorder.", value=info)
        journal = self._journal()
        if journal is not None:
            yield from _of_journal(journal)
        yield from self._judged()
        yield from self._of_sessions()

    def _judged(self) -> Iterator[Metric]:
        counts = self._counts
        by_param = ("dialect", "param")
        yield _counter(
            "statetrail_exchanges_in_scope",
            "Exchanges in which a dialect recognised something.",
            *(("dialect",), (((name,), n) for name, n in dict(counts.in_scope).items())),
        )
        yield _counter(
            "statetrail_honoured",
            "Verdicts on requests that presented what they had to.",
            *(by_param, dict(counts.honoured).items()),
        )
        yield _counter(
            "statetrail_faults",
            "Verdicts that count against a client.",
            *((*by_param, "verdict"), dict(counts.faults).items()),
        )
        yield _counter(
            "statetrail_faults_withdrawn",
            "Faults that what the client did later has excused.",
            *((*by_param, "verdict"), dict(counts.withdrawn).items()),
        )
        rotations = Counter[tuple[str, str]](dict(self._sessions.renewed))
        resets = Counter[tuple[str, str]]()
        for (dialect, param, change), n in dict(counts.changes).items():
            if change in ("rotated", "reset"):
                (rotations if change == "rotated" else resets)[dialect, param] += n
        yield _counter(
            "statetrail_rotations",
            "Values that the server replaced in a session that goes on.",
            *(by_param, rotations.items()),
        )
        yield _counter(
            "statetrail_resets",
            "Sessions that the server replaced although a client presented a token.",
            *(by_param, resets.items()),
        )

    def _of_sessions(self) -> Iterator[Metric]:
        sessions = self._sessions
        sessions.sweep()
        alive = GaugeMetricFamily(
            "statetrail_sessions_alive",
            "Sessions that were used within the last hour and have not ended.",
            labels=("dialect",),
        )
        for name, n in dict(sessions.alive).items():
            alive.add_metric((name,), n)
        yield alive
        yield _counter(
            "statetrail_sessions_started",
            "Sessions whose beginning was seen.",
            *(("dialect",), (((name,), n) for name, n in dict(sessions.started).items())),
        )
        yield _counter(
            "statetrail_sessions_ended",
            "Sessions that ended, by how: logout, refused, deleted, reset or idle.",
            *(("dialect", "end"), dict(sessions.ended).items()),
        )


def _of_journal(journal: Journal) -> Iterator[Metric]:
    for name, text, value in (
        ("exchanges", "Exchanges in the store.", journal.recorded),
        ("exchanges_lost", "Exchanges that are in no store: what gaps consist of.", journal.lost),
        ("gaps", "Notes in the store on exchanges that were lost.", journal.gaps),
        ("requests_refused", "Requests that mitmproxy refused as malformed.", journal.refused),
    ):
        yield CounterMetricFamily(f"statetrail_{name}", text, value=value)
    text = "Exchanges that wait in memory for a store that cannot be written."
    yield GaugeMetricFamily("statetrail_queue_exchanges", text, value=journal.waiting)


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


class MetricsServer:
    """Serves the metrics of a collector until it is closed.

    Raises `UsageError` if the address cannot be listened at.
    """

    def __init__(self, host: str, port: int, collector: Collector) -> None:
        registry = CollectorRegistry()
        registry.register(collector)
        ProcessCollector(registry=registry)
        handler = type(
            *("_Handler", (MetricsHandler,)),
            {
                "registry": registry,
                "timeout": TIMEOUT_S,
                "server_version": "statetrail",
                "sys_version": "",
            },
        )
        try:
            self._server = _Server(listening_socket(host, port), handler)
        except OSError as error:
            raise UsageError(unusable(host, port, error)) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="statetrail-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, bound: socket.socket, handler: Any) -> None:
        super().__init__(("", 0), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self._slots = threading.BoundedSemaphore(MAX_SCRAPES)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or was too slow is no event."""
