"""Prometheus metrics: what is served, to whom, and what is not in it."""

import contextlib
import http.client
import re
import socket
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from statetrail.analyses.conformance.transitions import Provisional, Verdict
from statetrail.dialects import select
from statetrail_addons._live_counts import LiveCounts
from statetrail_addons._live_sessions import LiveSessions
from statetrail_addons._metrics import MAX_SCRAPES, MetricsServer, RecorderCollector
from support.commands import command, run, run_program
from support.proxy import free_port, listens, origin, reply, wait_for
from support.traffic import facts_of

TOKENS = ("yjipILZBeUWxrFq", "qFrxWUeBZLIpijy")


def scrape(port: int, path: str = "/metrics") -> str:
    """The answer of the server, over a socket."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as link:
        link.request("GET", path)
        answer = link.getresponse()
        assert (answer.status, answer.getheader("server", "").strip()) == (200, "statetrail")
        return answer.read().decode()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The samples by their names and the values of their labels, by the client library's parser."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def served():
    """Counts, and the port that they are served at."""
    known = select("zest,cookie,bearer")
    counts, port = LiveCounts(known), free_port()
    server = MetricsServer(
        "127.0.0.1", port, RecorderCollector(lambda: None, counts, LiveSessions(known))
    )
    yield counts, port
    server.close()


def verdict(name: str, *, fault: bool, param="_session_token", settles=None) -> Verdict:
    """A verdict of the live judge."""
    about = (1, "app", "http://shop", "zest", param, 0)
    return Verdict(*about, name, None, fault, None, None, None, settles=settles)


def test_counters_never_fall(served):
    """A fault that is excused later is withdrawn by a counter of its own."""
    counts, port = served
    first, second = verdict("omitted", fault=True), verdict("stale", fault=True)
    for event in (
        *(Provisional(first), Provisional(second)),
        verdict("not-applicable", fault=False, settles=first),
        verdict("stale", fault=True, settles=second),
        *(verdict("honoured", fault=False), verdict("stale", fault=False)),
    ):
        counts.take(event)
    found = samples(scrape(port))
    label = ("zest", "_session_token")
    assert found["statetrail_faults_total", *label, "omitted"] == 1
    assert found["statetrail_faults_withdrawn_total", *label, "omitted"] == 1
    assert found["statetrail_faults_total", *label, "stale"] == 1
    assert ("statetrail_faults_withdrawn_total", *label, "stale") not in found
    assert found["statetrail_honoured_total", *label] == 1


def test_dialects_without_live_verdicts_have_no_zeros(served):
    """A zero would say that bearer tokens are presented as they have to be."""
    counts, port = served
    json, body = {"Content-Type": "application/json"}, b'{"access_token": "%b"}' % (b"a" * 32)
    granted = facts_of("/token", method="POST", answered=json, body=body)
    counts.completed(granted.exchange)
    counts.completed(facts_of("/API/V3/Cart?_session_token=1").exchange)
    found = samples(scrape(port))
    judged = {name[1] for name in found if re.search("faults|honoured|resets", name[0])}
    assert judged == {"zest"}
    assert found["statetrail_exchanges_in_scope_total", "bearer"] == 1


def test_traffic_adds_no_label(served):
    """Names of parameters are the server's in some dialects."""
    counts, port = served
    for n in range(1000):
        counts.take(verdict("stale", fault=True, param=f'x"}}\n{n}'))
    found = samples(scrape(port))
    assert found["statetrail_faults_total", "zest", "undeclared", "stale"] == 1000
    assert len(found) < 30


def test_connections_are_bounded(served):
    """Those that say nothing take no more than their share, and are closed."""
    _, port = served
    with contextlib.ExitStack() as stack:
        links = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            for _ in range(MAX_SCRAPES + 1)
        ]
        assert links[-1].recv(1) == b""
        for link in links[:-1]:
            link.close()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                assert "statetrail_recorder_info" in scrape(port)
                return
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:0", "127.0.0.1:70000", "a b:1", "::1:80"])
def test_what_is_no_address_is_refused(address):
    """In one line."""
    done = run("record", "--metrics", address)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"statetrail: {address!r} is no address for --metrics: write it as 127.0.0.1:9464\n"
    )


@pytest.mark.e2e
def test_a_recorder_serves_its_metrics(tmp_path):
    """Over real sockets: right figures, no secret, no client, no host; and a port has one owner."""
    tokens = iter([TOKENS[0]] * 3 + [TOKENS[1]] * 10)

    def answer(_head: bytes, connection: socket.socket) -> None:
        connection.sendall(reply(f'<r session="{next(tokens)}"></r>'.encode()))

    port, metrics = free_port(), free_port()
    with origin(answer) as upstream:
        process = subprocess.Popen(
            command(
                *("record", "--store", tmp_path / "s.sqlite"),
                *("--metrics", f"127.0.0.1:{metrics}", "--", "-q"),
                *("--set", f"confdir={tmp_path / 'mitmproxy'}"),
                *("--mode", f"reverse:http://127.0.0.1:{upstream}@127.0.0.1:{port}"),
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for(lambda: process.poll() is not None or listens(port), "the recorder")
            for shown in ("1", TOKENS[0], None, TOKENS[0], TOKENS[1]):
                query = "" if shown is None else f"?_session_token={shown}"
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as link:
                    link.request("GET", f"/API/V3/Cart{query}", headers={"User-Agent": "till/77"})
                    link.getresponse().read()
                time.sleep(0.3)
            text = scrape(metrics)
            second = run_program(
                *("record", "--store", tmp_path / "t.sqlite", "--metrics", f"127.0.0.1:{metrics}")
            )
        finally:
            process.terminate()
            _, said = process.communicate(timeout=60)
    found = samples(text)
    label = ("zest", "_session_token")
    expected = {
        **{(f"statetrail_{name}",): n for name, n in (("exchanges_total", 5), ("gaps_total", 0))},
        ("statetrail_exchanges_lost_total",): 0,
        ("statetrail_queue_exchanges",): 0,
        ("statetrail_exchanges_in_scope_total", "zest"): 5,
        ("statetrail_faults_total", *label, "omitted"): 1,
        ("statetrail_honoured_total", *label): 3,
        ("statetrail_resets_total", *label): 1,
        ("statetrail_sessions_alive", "zest"): 1,
        ("statetrail_sessions_ended_total", "zest", "reset"): 1,
    }
    assert {name: found[name] for name in expected} == expected
    assert not re.search(rf"{TOKENS[0]}|{TOKENS[1]}|till|API|127\.0|Cart|{upstream}", text)
    assert b"ignores state" not in said
    assert second.code == 2
    assert second.err.startswith(f"statetrail: metrics cannot be served at 127.0.0.1:{metrics} (")
    assert second.err.count("\n") == 1
