"""Copies of hostile exchanges: made without an exception, and read as the original is."""

import io
import random

import pytest
from mitmproxy.http import Headers
from mitmproxy.test import tflow

from statetrail.extract import ExchangeFacts, extract
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.flowfile import frames, read_flows
from statetrail.ingest.har.entry import read_entry
from statetrail.ingest.har.reader import exchange_from_entry
from statetrail.ingest.redact.copier import Copier
from statetrail.ingest.redact.flows import copied_flow
from statetrail.ingest.redact.har import har_entry
from statetrail.ingest.redact.pseudonyms import Pseudonyms
from statetrail.ingest.skipped import ReadReport
from studies.fuzz.run import exchange
from support.flowfiles import flow_file
from support.traffic import CONFIG

NO_BODIES = ("", "")


def read(facts: ExchangeFacts) -> list[tuple[object, ...]]:
    """What verdicts are made from, besides which values are equal."""
    row = facts.exchange
    return [
        *((i.dialect, i.value, i.usage, i.priority, i.channel, i.problem) for i in facts.issued),
        *((p.dialect, p.param, p.value, p.channel, p.kind) for p in facts.presented),
        (row.status, row.cache_control, row.age_s, row.dialects, row.method, row.error),
    ]


@pytest.mark.parametrize("seed", range(150))
def test_a_hostile_exchange_has_a_copy(seed):
    """As a flow and as an entry of a HAR file."""
    hostile, flow = exchange(random.Random(seed)), tflow.tflow(resp=True)
    flow.request.data.path = b"/" + hostile.request.target.lstrip(b"/")
    flow.request.headers = Headers(hostile.request.headers)
    flow.response.headers = Headers(hostile.response.headers)
    flow.response.data.content = hostile.response.body
    original = exchange_of(flow)
    copy, _ = Copier(CONFIG, Pseudonyms(bytes(32), frozenset("1")), None).copy(original)
    copied = copied_flow(flow, copy, NO_BODIES, CONFIG.fingerprinter)
    flows = frames(io.BytesIO(flow_file(copied)), ReadReport())
    (as_flow,) = read_flows(flows, ReadReport())
    as_entry = exchange_from_entry(read_entry(har_entry(original, copy, NO_BODIES)), "x")
    expected = read(extract(original, CONFIG))
    assert read(extract(as_flow, CONFIG)) == expected
    assert read(extract(as_entry, CONFIG)) == expected
