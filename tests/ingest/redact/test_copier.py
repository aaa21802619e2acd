"""Copies of hostile exchanges: made without an exception, and read as the original is."""

import io
import random

import msgspec
import pytest
from mitmproxy.http import Headers
from mitmproxy.test import tflow

from docs.conversations import claims, exchanges_of
from statetrail.dialects import select
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.extract.records import Exchange
from statetrail.ingest.flow import exchange_of
from statetrail.ingest.flowfile import frames, read_flows
from statetrail.ingest.har.entry import read_entry
from statetrail.ingest.har.reader import exchange_from_entry
from statetrail.ingest.redact.copier import Copier
from statetrail.ingest.redact.flows import copied_flow
from statetrail.ingest.redact.har import har_entry
from statetrail.ingest.redact.pseudonyms import Pseudonyms
from statetrail.ingest.skipped import ReadReport
from studies.documentation import FOLDER
from studies.fuzz.run import exchange
from support.flowfiles import flow_file
from support.traffic import CONFIG
from support.traffic import exchange as plain_exchange

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


def in_copy(
    exchanges: list[Exchange], config: ExtractorConfig = CONFIG
) -> tuple[list[object], list[object]]:
    """The state in exchanges, and in their copies."""
    copier, found = Copier(config, Pseudonyms(bytes(32), frozenset("1")), None), ([], [])
    for each in exchanges:
        entry = read_entry(har_entry(each, copier.copy(each)[0], NO_BODIES))
        for facts, side in zip((each, exchange_from_entry(entry, "x")), found, strict=True):
            state = extract(facts, config)
            side += [(i.dialect, i.param, i.channel, i.kind, i.declared_s) for i in state.issued]
            side += [(p.dialect, p.param, p.channel, p.kind) for p in state.presented]
    return found


@pytest.mark.parametrize(
    "dialect",
    [
        *("52eseller", "bearer", "cookie", "elasticsearch-scroll", "magento", "shopify-storefront"),
        *("woocommerce", "zest"),
    ],
)
def test_the_state_of_a_dialect_is_in_the_copy(dialect: str) -> None:
    """Also what JSON documents and forms issue and present, and the lifetimes beside it."""
    for claim in claims((FOLDER / "dialects" / f"{dialect}.md").read_text("utf-8")):
        original, copied = in_copy(exchanges_of(claim.messages, "app"))
        assert original
        assert copied == original


def test_a_word_that_is_no_value_stays() -> None:
    """`Required` of SAP; where one dialect alone reads the field, as others read it, too."""
    page = (FOLDER / "dialects" / "sap-odata.md").read_text("utf-8")
    config = ExtractorConfig(select("sap-odata"), CONFIG.fingerprinter)
    for claim in claims(page):
        original, copied = in_copy(exchanges_of(claim.messages, "app"), config)
        assert copied == original


def test_a_revocation_is_in_the_copy() -> None:
    """It names a value of whichever parameter, in a field of its own (RFC 7009)."""
    one = plain_exchange(
        "/oauth/revoke", method="POST", asked={"Content-Type": "multipart/form-data; boundary=b"}
    )
    part = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n%b\r\n--b--' % (b"a" * 32)
    request = msgspec.structs.replace(one.request, body=part)
    original, copied = in_copy([Exchange(one.flow_id, request, one.response)])
    assert original == [
        ("bearer", f"{name}_token", "form", "ends") for name in ("access", "refresh")
    ]
    assert copied == original
