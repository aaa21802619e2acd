"""Sessions while they are recorded: when they begin and end, and how many are alive."""

import pytest

import statetrail
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Request, Response
from statetrail.ingest.flowfile import ReadReport, frames, read_flows
from statetrail.store.keys import key_path, read_key
from statetrail_addons import _live_sessions
from statetrail_addons._live_sessions import LiveSessions

FINGERPRINTER = Fingerprinter(b"k" * 32)
A, B, C = "yjipILZBeUWxrFq", "qFrxWUeBZLIpijy", "ZBeUWxrFqyjipIL"
NAMES = {f"{FINGERPRINTER.fingerprint(value) % 2**64:016x}": value[0] for value in (A, B, C)}
HOUR = 3600.0


class Traffic:
    """Exchanges of a service, given to `LiveSessions`; `events` are what came of them."""

    def __init__(self, dialects: str = "zest") -> None:
        chosen = select(dialects)
        self.config = ExtractorConfig(
            dialects=chosen, fingerprinter=FINGERPRINTER, clear=frozenset(), client_header=None
        )
        self.events = []
        self.sessions = LiveSessions(chosen, self._keep)

    def _keep(self, event) -> None:
        what = f"{NAMES[event.session]} {event.end or 'starts'}"
        self.events.append(what + (f" after {NAMES[event.previous]}" if event.previous else ""))

    def zest(self, at_s: float, shown: str | None, given: str | None, status: int = 200) -> None:
        query = f"?_session_token={shown}" if shown else ""
        body = f'<r session="{given}"/>'.encode() if given else b"<r/>"
        self.send(at_s, f"/API/V3/Cart{query}", (), ((b"content-type", b"text/xml"),), status, body)

    def cookie(self, at_s: float, shown: str | None, given: str | None, status: int = 200) -> None:
        asks = ((b"cookie", f"sid={shown}".encode()),) if shown else ()
        answers = ((b"set-cookie", f"sid={given}".encode()),) if given else ()
        self.send(at_s, "/shop", asks, answers, status)

    def send(self, at_s, target, asks, answers, status=200, body=b"") -> None:
        at_us = int((at_s + 1_700_000_000) * 1_000_000)
        request = Request(
            *("GET", "https", "shop", 443, target.encode(), asks, "HTTP/1.1", at_us, at_us),
        )
        response = Response(status, answers, at_us + 1000, at_us + 2000, body)
        self.sessions.completed(extract(Exchange("x", request, response), self.config))

    @property
    def alive(self) -> int:
        return self.sessions.alive.total()


ZESTS = [
    ("it begins with its first token", [(0, "1", A), (1, A, A)], ["y starts"], 1),
    ("two shoppers are two", [(0, "1", A), (1, "1", B), (2, A, A)], ["y starts", "q starts"], 2),
    (
        "another token in answer is a reset",
        [(0, "1", A), (1, A, B), (2, A, C), (3, B, B)],
        ["y starts", "y reset", "q starts after y", "Z starts after y"],
        2,
    ),
    ("a token of before is alive, its beginning unseen", [(0, A, A), (1, A, None)], [], 1),
    ("an error begins none", [(0, "1", A, 500)], [], 0),
    ("a token that is refused was none", [(0, A, None, 401)], [], 0),
    (
        "a refusal ends it, and the next is linked to it",
        [(0, "1", A), (1, A, None, 401), (2, A, None, 200), (3, A, B)],
        ["y starts", "y refused", "q starts after y"],
        1,
    ),
    ("a page that is forbidden does not", [(0, "1", A), (1, A, None, 403)], ["y starts"], 1),
    (
        "an hour without a request ends it, a use of it resumes it",
        [(0, "1", A), (1 + HOUR, "1", B), (2 + HOUR, A, A)],
        ["y starts", "q starts", "y idle", "y starts"],
        2,
    ),
]


@pytest.mark.parametrize(
    ("sent", "events", "alive"), [row[1:] for row in ZESTS], ids=[row[0] for row in ZESTS]
)
def test_a_token_that_stays(sent, events, alive) -> None:
    """The rules, for a dialect whose tokens stay: another one is another session."""
    traffic = Traffic()
    for exchange in sent:
        traffic.zest(*exchange)
    assert traffic.events == events
    assert traffic.alive == alive


def test_a_cookie_that_is_renewed_goes_on_with_its_session() -> None:
    """Until the server deletes it."""
    traffic = Traffic("cookie")
    traffic.cookie(0, None, A)
    traffic.cookie(1, A, B)
    traffic.cookie(2, B, C)
    assert (traffic.events, traffic.alive) == (["y starts"], 1)
    assert dict(traffic.sessions.renewed) == {("cookie", "undeclared"): 2}
    traffic.cookie(3, C, "; Max-Age=0")
    assert (traffic.events[1:], traffic.alive) == (["y deleted"], 0)


def test_idle_sessions_end_without_traffic(monkeypatch) -> None:
    """By the time that passes, with the time of their last request."""
    traffic = Traffic()
    traffic.zest(0, "1", A)
    later = _live_sessions.time.monotonic() + HOUR + 1
    monkeypatch.setattr(_live_sessions.time, "monotonic", lambda: later)
    traffic.sessions.sweep()
    assert (traffic.events, traffic.alive) == (["y starts", "y idle"], 0)


def test_the_memory_is_bounded(monkeypatch) -> None:
    """However many sessions and keys there are, and the counts stay right."""
    monkeypatch.setattr(_live_sessions, "MAX_SESSIONS", 10)
    traffic = Traffic("zest,cookie")
    traffic.sessions.notify = None
    for n in range(100):
        traffic.zest(n, "1", f"{n:03}{A}")
        traffic.cookie(n, f"{n:03}{B}", f"{n + 1:03}{B}")
    assert (len(traffic.sessions._known), traffic.alive) == (10, 10)
    assert traffic.sessions.alive["cookie"] == 1
    assert len(traffic.sessions._keys) <= 9 + _live_sessions.MAX_KEYS + 1


def test_the_sessions_of_the_demo_are_those_of_the_audit(demo_recording) -> None:
    """By name, and with the same resets: what is counted live is what the table has in the end."""
    events = []
    sessions = LiveSessions(select(), events.append)
    key = Fingerprinter(read_key(key_path(demo_recording.store)))
    config = ExtractorConfig(select(), key)
    with demo_recording.flows.open("rb") as file:
        for exchange in read_flows(frames(file, ReadReport()), ReadReport()):
            sessions.completed(extract(exchange, config))
    rows = statetrail.sessions(statetrail.open(demo_recording.store)).rows()
    assert {event.session for event in events if event.end is None} == {
        f"{row['session_fingerprint'] % 2**64:016x}" for row in rows
    }
    resets = [row for row in rows if row["end"] == "reset"]
    assert sum(event.end == "reset" for event in events) == len(resets) > 0
    assert sessions.alive.total() == len(rows) - len(resets)
