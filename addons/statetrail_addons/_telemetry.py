"""Sessions as OpenTelemetry events, ``session.start`` and ``session.end``.

Enters: `SessionEvent`. Leaves: log records by OTLP/HTTP, as the environment variables ``OTEL_*``
say, from a thread of the SDK's own with a bounded queue. Ids are pseudonyms.

References
----------
OpenTelemetry semantic conventions for sessions,
https://opentelemetry.io/docs/specs/semconv/general/session/
"""

import os
import threading
from typing import Final

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

from statetrail import __version__
from statetrail.errors import UsageError
from statetrail_addons._live_sessions import SessionEvent

STOP_S: Final = 3.0
"""Longest wait in seconds at the end for a receiver that does not answer."""
_HTTP: Final = "http/protobuf"
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class SessionTelemetry:
    """Sends events of sessions.

    Without an exporter they are sent by OTLP/HTTP. Raises `UsageError` if the environment asks for
    another protocol.
    """

    def __init__(self, exporter: LogRecordExporter | None = None) -> None:
        for name in _PROTOCOLS:
            if exporter is None and (value := os.environ.get(name, "")) not in ("", _HTTP):
                raise UsageError(f"{name} is {value!r}: statetrail_otel sends {_HTTP} only")
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "statetrail"}))
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        processor = BatchLogRecordProcessor(exporter or OTLPLogExporter())
        self._provider.add_log_record_processor(processor)
        self._logger = self._provider.get_logger("statetrail", __version__)

    def send(self, event: SessionEvent) -> None:
        """Hand an event to the thread that sends it."""
        attributes = {
            "session.id": event.session,
            "session.previous_id": event.previous,
            "statetrail.dialect": event.dialect,
            "statetrail.session.end": event.end,
            "url.scheme": event.scheme,
            "server.address": event.host,
            "server.port": event.port,
        }
        self._logger.emit(
            timestamp=event.time_us * 1000,
            severity_number=SeverityNumber.INFO,
            event_name="session.start" if event.end is None else "session.end",
            attributes={name: value for name, value in attributes.items() if value is not None},
        )

    def close(self) -> None:
        """Send what waits, but do not wait for long."""
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(STOP_S)
