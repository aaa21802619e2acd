"""OpenTelemetry events of sessions, by the SDK's own exporter in memory."""

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter

from addons.test_live_sessions import FINGERPRINTER, A, B, Traffic
from statetrail.errors import UsageError
from statetrail.schema import pseudonym
from statetrail_addons._telemetry import SessionTelemetry


def test_a_session_that_is_reset_ends_and_goes_on_as_another(monkeypatch):
    """As the semantic conventions have it: the end first, then a start with the earlier id."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop")
    exporter, traffic = InMemoryLogRecordExporter(), Traffic()
    telemetry = SessionTelemetry(exporter)
    traffic.sessions.notify = telemetry.send
    traffic.zest(0, "1", A)
    traffic.zest(1, A, B)
    telemetry.close()
    records = [each.log_record for each in exporter.get_finished_logs()]
    ids = [f"{FINGERPRINTER.fingerprint(value) % 2**64:016x}" for value in (A, B)]
    about = {
        "statetrail.dialect": "zest",
        "url.scheme": "https",
        "server.address": "shop",
        "server.port": 443,
    }
    assert [(each.event_name, dict(each.attributes)) for each in records] == [
        ("session.start", about | {"session.id": ids[0]}),
        ("session.end", about | {"session.id": ids[0], "statetrail.session.end": "reset"}),
        ("session.start", about | {"session.id": ids[1], "session.previous_id": ids[0]}),
    ]
    assert pseudonym(FINGERPRINTER.fingerprint(A)) == f"~{ids[0][:8]}"
    sent = repr([each.to_json() for each in exporter.get_finished_logs()])
    assert A not in sent
    assert B not in sent
    assert [each.timestamp for each in records] == [
        (1_700_000_000 + at_s) * 10**9 + 1_000_000 for at_s in (0, 1, 1)
    ]
    resource = exporter.get_finished_logs()[0].resource.attributes
    assert (resource["service.name"], resource["service.namespace"]) == ("statetrail", "shop")


def test_another_protocol_is_refused(monkeypatch):
    """It would be sent where nobody understands it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(UsageError, match=r"is 'grpc': statetrail_otel sends http/protobuf only"):
        SessionTelemetry()
