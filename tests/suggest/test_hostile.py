"""Hostile captures: whatever stands in them, there is TOML or nothing, and no error."""

import tomllib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.test import tflow

from statetrail.suggest import dialect_toml, suggest
from support.flowfiles import flow_file

VALUES = ("yjipILZBeUWxrFq71", "KmTTqEwpOdSaXcV82")
NAMES = ("x-token", 'x-"\\\x7f', "token\n[[param]]", "\udc80tok", "é" * 300, "", "{param}", "a b")
HOSTS = ("shop.example", "", "\x00", "[::1", "é.é", "..")
TEXTS = st.sampled_from(NAMES) | st.text(max_size=12)


@st.composite
def flows(draw: st.DrawFn) -> http.HTTPFlow:
    """A request that presents, and a response that issues, one of two values somewhere."""
    sent, issued = draw(st.sampled_from(VALUES)), draw(st.sampled_from(VALUES))
    name = draw(TEXTS).encode("utf-8", "surrogateescape" if draw(st.booleans()) else "replace")
    flow = tflow.tflow(resp=True)
    flow.request.data.host = draw(
        st.sampled_from(("shop.example", "", "\x00", "[::1", "é.é", ".."))
    )
    flow.request.data.method = draw(st.sampled_from((b"GET", b"POST", b"\xff", b"")))
    flow.request.data.timestamp_start = draw(st.integers(1, 50))
    flow.request.data.path = draw(st.sampled_from((b"/a?", b"*", b"/%ff/;;=", b""))) + (
        name + b"=" + sent.encode() if draw(st.booleans()) else draw(st.binary(max_size=20))
    )
    quoted = b'"%b": "%b"' % (name, sent.encode())
    flow.request.headers = http.Headers(((name, sent.encode()), (b"content-type", b"text/json")))
    flow.request.data.content = draw(st.sampled_from((b"{%b}" % quoted, b"[" * 5000, quoted)))
    assert flow.response is not None
    flow.response.data.timestamp_start = draw(st.none() | st.integers(1, 50))
    media = draw(st.sampled_from((b"text/html", b"text/xml", b"application/json", b"\xff", b"")))
    flow.response.headers = http.Headers(((name, issued.encode()), (b"Content-Type", media)))
    value = issued.encode()
    bodies = (
        b'<input name="%b" value="%b"' % (name, value),
        b"<r><%b>%b</%b></r>" % (name, value, name),
        b'{"%b": "%b"}' % (name, value),
        b"'" + name + b'="' + value,
        b"<" * 100 + value,
    )
    flow.response.data.content = draw(st.sampled_from(bodies))
    return flow


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(flows(), min_size=1, max_size=6))
def test_hostile_captures_give_toml_or_nothing(made: list[http.HTTPFlow], tmp_path: Path) -> None:
    """Names with quotes, line breaks and broken bytes; no value in what is written."""
    path = tmp_path / "some.flows"
    path.write_bytes(flow_file(*made))
    found = suggest([path])
    if found.proposals:
        text = dialect_toml("some", found.proposals, [])
        assert len(tomllib.loads(text)["param"]) == len(found.proposals)
        assert not any(value.lower() in text.lower() for value in VALUES)
