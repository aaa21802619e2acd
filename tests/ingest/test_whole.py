"""Captures as whole exchanges: the parts that are parsed are what mitmproxy's own reader gives."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.io import tnetstring
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow
from mitmproxy.test.tflow import twebsocketflow

from statetrail.extract.records import Exchange
from statetrail.ingest.flowfile import frames, read_http_flows
from statetrail.ingest.flowparts import exchange_of_parts
from statetrail.ingest.format import MAX_RECEIVED, MAX_SENT
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.whole import WholeExchange, read_whole
from support.flowfiles import flow_file
from support.hars import entry, write_har

RAW = st.binary(max_size=40)
FIELDS = st.lists(
    st.tuples(st.sampled_from([b"Host", b"X-A", b"Cookie", b"\xe9"]), RAW), max_size=5
)


@st.composite
def flows(draw: st.DrawFn) -> http.HTTPFlow:
    """A flow with any bytes in its parts, with and without an answer."""
    flow = tflow.tflow(resp=draw(st.booleans()), err=draw(st.booleans()))
    flow.request.headers = http.Headers(draw(FIELDS))
    flow.request.data.path = b"/" + draw(RAW)
    flow.request.data.content = draw(st.none() | RAW)
    flow.client_conn.peername = draw(st.sampled_from([("10.0.0.9", 5), ("::1", 5, 0, 0)]))
    flow.is_replay = draw(st.sampled_from([None, None, "request", "response"]))
    flow.request.data.timestamp_end = draw(st.none() | st.floats(1e9, 2e9))
    if draw(st.booleans()):
        flow.websocket = twebsocketflow().websocket
    flow.client_conn.proxy_mode = ProxyMode.parse(draw(st.sampled_from(["regular", "transparent"])))
    if draw(st.booleans()):
        flow.metadata["proxyauth"] = ("anna", "secret")
    if flow.response is not None:
        flow.response.headers = http.Headers(draw(FIELDS))
        flow.response.data.content = draw(st.none() | RAW)
        flow.response.data.timestamp_end = draw(st.none() | st.floats(1e9, 2e9))
    return flow


def parts(exchange: Exchange) -> list[object]:
    """What both readers have to agree on."""
    request, response = exchange.request, exchange.response
    found: list[object] = [
        *(request.method, request.scheme, request.host, request.port, request.target),
        *(request.headers, request.start_us, request.peer, request.proxy_user),
    ]
    if response is not None:
        found += [response.status, response.headers, response.start_us]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(flows(), max_size=4))
def test_the_parts_of_a_flow_are_those_of_mitmproxys_reader(
    made: list[http.HTTPFlow], tmp_path: Path
) -> None:
    """Whatever is in a flow: head, times, client and bodies are the same."""
    path = tmp_path / "some.flows"
    path.write_bytes(flow_file(*made, tflow.ttcpflow()))
    report, other = ReadReport(), ReadReport()
    found = list(read_whole(path, report))
    with path.open("rb") as file:
        expected = list(read_http_flows(frames(file, other), other))
    assert [parts(one.exchange) for one in found] == [parts(each) for _, each in expected]
    assert [one.request_body for one in found] == [
        f.request.data.content or b"" for f, _ in expected
    ]
    for name in ("entries", "skipped", "truncation"):
        assert getattr(report, name) == getattr(other, name)
    with path.open("rb") as file:
        *quick, other_kind = [exchange_of_parts(*frame) for frame in frames(file, ReadReport())]
    assert quick == [each for _, each in expected]
    assert other_kind is None


@pytest.mark.parametrize("older", [True, False], ids=["an older version", "broken inside"])
def test_a_flow_of_another_version_goes_to_mitmproxys_reader(older: bool, tmp_path: Path) -> None:
    """An older flow is read; one that nobody understands is counted."""
    state = tflow.tflow(resp=True).get_state()
    state["version"] = 20 if older else 21
    if not older:
        state["request"] = 7
    path = tmp_path / "old.flows"
    path.write_bytes(tnetstring.dumps(state))
    report = ReadReport()
    assert len(list(read_whole(path, report))) == older
    assert report.skipped.total() == (not older)


def test_bodies_are_bounded_and_without_their_codings(tmp_path: Path) -> None:
    """A packed page leaves plain, and of long bodies the beginning."""
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.response.headers = http.Headers(((b"Content-Encoding", b"gzip"),))
    flow.response.data.content = gzip.compress(b"<html>" + b"a" * 2 * MAX_RECEIVED)
    flow.request.data.content = b"b" * 2 * MAX_SENT
    path = tmp_path / "long.flows"
    path.write_bytes(flow_file(flow))
    (one,) = read_whole(path, ReadReport())
    assert one.response_body.startswith(b"<html>a")
    assert len(one.response_body) <= MAX_RECEIVED
    assert one.request_body == b"b" * MAX_SENT


def test_a_har_gives_both_bodies_and_its_name(tmp_path: Path) -> None:
    """The bodies of an entry leave, also one in base64; the file is the client."""
    sent = entry(body='{"token": "x"}', request__postData={"mimeType": "text/plain", "text": "a=b"})
    coded = entry(body="aGVsbG8=", response__content__encoding="base64")
    path = write_har(tmp_path / "some.har", sent, coded)
    first, second = read_whole(path, ReadReport())
    assert (first.request_body, json.loads(first.response_body)) == (b"a=b", {"token": "x"})
    assert (second.request_body, second.response_body) == (b"", b"hello")
    assert isinstance(first, WholeExchange)
    assert first.source == str(path)
