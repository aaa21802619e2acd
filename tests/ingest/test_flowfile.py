"""mitmproxy flow files as exchanges."""

import io

import pytest
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from statetrail.extract.records import Exchange
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.flowfile import frames, read_flows
from statetrail.ingest.skipped import ReadReport
from support.flowfiles import flow_file


def read(document: bytes) -> tuple[list[Exchange], ReadReport]:
    """The exchanges of a flow file, and what was lost."""
    report = ReadReport()
    return list(read_flows(frames(io.BytesIO(document), report), report)), report


def test_a_flow_out_of_a_file_is_the_live_one() -> None:
    """Responses, errors and WebSockets give the exchange that the live flow gives."""
    made = [tflow.tflow(resp=True), tflow.tflow(err=True), tflow.twebsocketflow()]
    exchanges, report = read(flow_file(*made))
    assert exchanges == [exchange_of(flow) for flow in made]
    assert report.sentence() is None


def test_other_protocols_are_counted() -> None:
    """TCP, UDP and DNS flows are skipped with their number."""
    exchanges, report = read(
        flow_file(tflow.ttcpflow(), tflow.tflow(resp=True), tflow.tudpflow(), tflow.tdnsflow())
    )
    assert len(exchanges) == 1
    assert report.sentence() == "3 entries were skipped (3 no HTTP exchange)"


def test_a_request_without_an_answer_has_an_error() -> None:
    """A flow that was under way when the file was closed is kept as unanswered."""
    (exchange,), _ = read(flow_file(tflow.tflow()))
    assert (exchange.response, exchange.error) == (None, "no-response")


def test_truncation_at_every_byte_keeps_exactly_the_complete_flows() -> None:
    """However a flow file is cut, its complete flows are read and the rest is reported."""
    parts = [flow_file(tflow.tflow(resp=True)), flow_file(tflow.tflow(err=True))]
    document = b"".join(parts)
    for at in range(len(document)):
        exchanges, report = read(document[:at])
        assert len(exchanges) == int(at >= len(parts[0]))
        assert report.truncation == (None if at in (0, len(parts[0])) else "ends")


@pytest.mark.parametrize(
    ("rubbish", "kept", "torn"),
    [
        pytest.param(b"PK\x03\x04", 1, "broken", id="another format"),
        pytest.param(b"9" * 13 + b":", 1, "broken", id="13 digits"),
        pytest.param(b"999999999999:x", 1, "ends", id="a length of a terabyte"),
        pytest.param(b":,", 1, "broken", id="no length"),
    ],
)
def test_rubbish_ends_the_file(rubbish: bytes, kept: int, torn: str) -> None:
    """Where no flow begins, reading ends, and says so without its content."""
    sound = flow_file(tflow.tflow(resp=True))
    exchanges, report = read(sound + rubbish + sound)
    assert (len(exchanges), report.truncation) == (kept, torn)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(b"4:true!", id="a boolean"),
        pytest.param(tnetstring.dumps({"type": "http", "version": 21}), id="members missing"),
        pytest.param(tnetstring.dumps({"version": "x"}), id="version is text"),
        pytest.param(b"5:hello}", id="broken inside"),
        pytest.param(b"3:a:b,", id="bytes"),
    ],
)
def test_a_flow_that_cannot_be_understood_does_not_hide_the_next(state: bytes) -> None:
    """A hostile state is skipped and counted; the flows around it are read."""
    sound = flow_file(tflow.tflow(resp=True))
    exchanges, report = read(sound + state + sound)
    assert len(exchanges) == 2
    assert dict(report.skipped) == {"unreadable": 1}


def test_a_flow_of_a_later_version_is_named_as_such() -> None:
    """Who reads it learns that a newer mitmproxy is needed, and the flows around it are read."""
    sound, state = flow_file(tflow.tflow(resp=True)), {"type": "http", "version": 9999}
    exchanges, report = read(sound + b"\n" + tnetstring.dumps(state) + sound + b"\r\n")
    assert (len(exchanges), report.truncation) == (2, None)
    sentence = "1 entry was skipped (1 written by a newer mitmproxy: format 9999)"
    assert report.sentence() == sentence


def test_deep_nesting_is_skipped() -> None:
    """A state of ten thousand lists in each other is unreadable, not the end."""
    nested = b"0:]"
    for _ in range(10_000):
        nested = b"%d:%s]" % (len(nested), nested)
    exchanges, report = read(nested + flow_file(tflow.tflow(resp=True)))
    assert (len(exchanges), dict(report.skipped)) == (1, {"unreadable": 1})
