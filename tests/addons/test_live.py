"""Judging while recording: marks, comments, warnings, commands."""

import logging
import time
from itertools import count
from pathlib import Path

import httpx
import pytest
from mitmproxy.http import Headers
from mitmproxy.test import taddons, tflow

from statetrail_addons.record_state import RecordState
from support.proxy import mitmdump, origin, reply, wait_for

TOKENS = ("yjipILZBeUWxrFq", "qFrxWUeBZLIpijy")
clock = count(1_700_000_000)


@pytest.fixture
def live(tmp_path: Path):
    """A recorder that judges, and a function that tells it of an exchange."""
    with taddons.context(RecordState()) as tctx:
        recorder = tctx.master.addons.get("recordstate")
        tctx.options.add_option("stream_large_bodies", str | None, None, "")
        options = {"statetrail_store": str(tmp_path / "x.sqlite"), "statetrail_live": "on"}
        tctx.configure(recorder, **options)

        def tell(presented: str | None, issued: str, agent: str = "till/1"):
            flow = tflow.tflow(resp=True)
            at = next(clock)
            query = "" if presented is None else f"?_session_token={presented}"
            flow.request.path = f"/API/V3/Cart{query}"
            flow.request.headers = Headers(host="shop", user_agent=agent)
            flow.request.timestamp_start, flow.request.timestamp_end = at, at + 0.1
            flow.response.timestamp_start, flow.response.timestamp_end = at + 0.2, at + 0.3
            flow.response.text = f'<r session="{issued}"></r>'
            for hook in ("requestheaders", "responseheaders", "response"):
                getattr(recorder, hook)(flow)
            return flow

        yield tctx, recorder, tell
        recorder.done()
        recorder.journal.close()


def test_a_flow_that_ignored_state_is_marked_and_commented(live):
    """At once, and no other."""
    _, _, tell = live
    old, new = TOKENS
    flows = [tell("1", old), tell(old, old), tell(old, new), tell(old, new), tell(None, new)]
    assert [flow.comment for flow in flows] == [
        *("", "", ""),
        "statetrail: stale _session_token",
        "statetrail: omitted _session_token so far",
    ]
    assert [bool(flow.marked) for flow in flows] == [False, False, False, True, True]


def test_there_is_one_warning_a_client_rule_and_hour(live, caplog):
    """A client that goes on and on does not fill the log, and no secret is in it."""
    _, _, tell = live
    with caplog.at_level(logging.WARNING):
        for agent, token in zip(("till/1", "till/2"), TOKENS, strict=True):
            tell("1", token, agent)
            for _ in range(5):
                tell(None, token, agent)
            tell("1", token, agent)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"statetrail: 127.0.0.1 | {agent} at http://address:22 ignores state so far: "
        f"{what} _session_token"
        for agent in ("till/1", "till/2")
        for what in ("omitted", "restarted")
    ]


def test_the_commands_say_how_clients_stand(live):
    """Usable in mitmproxy's console."""
    tctx, recorder, tell = live
    assert tctx.master.commands.execute("statetrail.clients") == ["no client yet"]
    tell("1", TOKENS[0])
    tell(TOKENS[0], TOKENS[0])
    tell(None, TOKENS[0])
    (line,) = tctx.master.commands.execute("statetrail.clients")
    assert line == (
        "127.0.0.1 | till/1 at http://address:22: 3 requests, 50% of 2 honoured, 1 omitted"
    )
    summary = tctx.master.commands.execute("statetrail.summary")
    assert summary.startswith(f"3 exchanges in {recorder.journal.store.path}; 3 exchanges, 1 cl")


def test_the_report_is_written_beside_the_traffic(live, tmp_path):
    """The proxy goes on meanwhile: another process makes the audit."""
    tctx, _, tell = live
    tell("1", TOKENS[0])
    target = tmp_path / "audit.html"
    assert tctx.master.commands.call_strings("statetrail.report", [str(target)])
    wait_for(lambda: target.exists() and "</html>" in target.read_text(), "the report")


@pytest.mark.e2e
def test_a_real_mitmdump_warns(tmp_path):
    """Over real sockets; what is in the log is neither token nor ticket."""
    body = f'<r session="{TOKENS[0]}"></r>'.encode()
    live = ("--set", "statetrail_live=on")
    with (
        origin(lambda _, c: c.sendall(reply(body))) as port,
        mitmdump(tmp_path, f"reverse:http://127.0.0.1:{port}", *live) as proxy,
    ):
        url = f"http://127.0.0.1:{proxy.port}/API/V3/Cart"
        httpx.get(f"{url}?_session_token=1")

        def warned() -> bool:
            time.sleep(0.4)  # longer than the grace period, but for a machine that is busy
            httpx.get(url)
            return "ignores state" in proxy.log.read_text()

        wait_for(warned, "the warning")
        log = proxy.log.read_text()
    assert log.count("ignores state so far: omitted _session_token") == 1
    assert TOKENS[0] not in log
