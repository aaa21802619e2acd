"""Timelines: the requests of a session, those that ended or ignored it, and how they are shown."""

import re

import pytest

import statetrail as st
from statetrail.errors import UsageError
from statetrail.recording.engines import ENGINES, Engine
from statetrail.recording.frames import Recording
from statetrail.report import timeline as module
from statetrail.schema import pseudonym
from support.histories import Ex, Issue, Present, fingerprint, recording, token, use

MINUTE = 60_000
CART = "/API/V3/Cart"
EVIL = "/API/V3/<script>alert(1)</script>$x$"


def step(minute: float, issues: str, presents: str, client: str = "app", **more) -> Ex:
    """A request, answered after a second; an empty text is no value."""
    start = minute * MINUTE
    issued, presented = [token(issues)] if issues else [], [use(presents)] if presents else []
    more = {"path": CART, "method": "GET", "client": client} | more
    return Ex(start, start + 500, start + 1000, issued, presented, **more)


LOST = [
    step(0, "first-token", "1"),
    step(1, "first-token", "first-token", path=EVIL),
    step(2, "", "", method="POST"),
    step(3, "first-token", "first-token"),
    step(43, "other-token", "first-token"),
    step(44, "other-token", "other-token"),
]
"""A cart write without the token; after 40 minutes the server has forgotten the session."""


def shown(found: module.Timeline) -> list[tuple[int, float | None, str]]:
    return [(row["exchange_id"], row["idle_s"], row["verdicts"]) for row in found.rows()]


@pytest.mark.parametrize("engine", [each for each in ENGINES if each != "pyspark"])
def test_a_session_is_told_from_its_first_request_to_its_end(engine: Engine) -> None:
    """With the request that lost the token, and the one by which the server's loss was seen."""
    rec = recording(LOST, engine=engine)
    found = st.timeline(rec, pseudonym(fingerprint("first-token")))
    assert shown(found) == [
        (1, None, ""),
        (2, 59.0, "honoured _session_token"),
        (3, 59.0, "omitted _session_token"),
        (4, 59.0, "honoured _session_token"),
        (5, 2399.0, "honoured _session_token"),
    ]
    assert found.to_pandas()["faults"].tolist() == [0, 0, 1, 0, 0]
    assert len(found) == len(found.exchanges) == 5
    assert "5 requests, 1 fault, end: reset" in found.title
    assert st.timeline(rec).title == found.title  # it has most faults
    assert len(st.timeline(rec, fingerprint("other-token"))) == 2


def test_it_prints_and_draws_what_happened_and_nothing_hostile() -> None:
    """Pauses, values, the fault; markup is text, formulas are none, nothing can run."""
    found = st.timeline(recording(LOST), fingerprint("first-token"))
    text, html = repr(found), found._repr_html_()
    name = pseudonym(fingerprint("first-token"))
    for part in ("idle for 39 min 59 s", "omitted _session_token", name):
        assert part in text
        assert part in html
    assert re.search(r"^ +FAULT +omitted _session_token$", text, re.MULTILINE)
    assert html.count("verdict fault") == 1
    assert "<script" not in html
    assert "alert(1)" in html
    assert "$x" not in html
    assert 'class="tex2jax_ignore mathjax_ignore' in html
    assert "first-token" not in text + html


def test_what_is_of_another_session_is_left_out() -> None:
    """While a sender holds several, a request without a token is of none that can be known."""
    backend = [
        *LOST[:4],
        step(0.5, "second-token", "1"),
        step(2.5, "second-token", "second-token"),
    ]
    found = st.timeline(recording(backend), fingerprint("first-token"))
    assert [row["exchange_id"] for row in found.rows()] == [1, 2, 4]


def two_clients() -> Recording:
    """Both are given the same token, as if by chance at two hosts."""
    return recording(
        [
            step(at, "same-token", held, client, host=f"{client}.example")
            for client in ("a", "b")
            for at, held in ((0, "1"), (1, "same-token"))
        ]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"session": "~00000000"}, "no session ~00000000"),
        ({"session": 7}, "no session ~00000000"),
        ({"session": "1a2b"}, "'1a2b' is no name of a session: it looks like ~1a2b3c4d"),
        ({"client": "c"}, "client 'c' has neither a session nor a fault"),
        ({"session": fingerprint("same-token")}, "several sessions .* a at http://a.example, b at"),
    ],
    ids=["unknown", "unknown number", "no name", "client", "ambiguous"],
)
def test_misuse_says_what_there_is(options, message) -> None:
    """One line, with the way out."""
    with pytest.raises(UsageError, match=message):
        st.timeline(two_clients(), **options)


def test_a_client_makes_it_one() -> None:
    """And a recording without sessions has no timeline."""
    found = st.timeline(two_clients(), fingerprint("same-token"), client="b")
    assert found.session["client"] == "b"
    with pytest.raises(UsageError, match="the recording has neither a session nor a fault"):
        st.timeline(recording([Ex(0, 1, 2)]))


def test_a_client_without_sessions_is_shown_as_a_whole() -> None:
    """State that hangs on no session: from its first issue on."""
    languages = [Issue("LangId", value, "header", "forced") for value in "122"]
    rec = recording(
        [
            Ex(at * 5000, at * 5000 + 10, at * 5000 + 20, [issue], [Present("LangId", "1")][:at])
            for at, issue in enumerate(languages)
        ]
    )
    found = st.timeline(rec, client="app")
    assert found.title == (
        "Client app at http://shop.example, 52eseller LangId: 3 requests, 1 fault"
    )
    assert [row["verdicts"] for row in found.rows()] == ["", "honoured LangId", "stale LangId"]
    assert st.timeline(rec).title == found.title
    assert "stale LangId" in found._repr_html_()


def test_a_long_session_is_shown_around_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame is bounded, the drawing more so; both say what is left out."""
    long = [step(at, "a-token", "a-token" if at else "1") for at in range(160)]
    for at, held in ((98, "a-token"), (99, "")):
        long[at] = step(at, held, held, method="POST", path=f"{CART}/Coupon")
    monkeypatch.setattr(module, "MAX_REQUESTS", 150)
    found = st.timeline(recording(long))
    assert len(found) == 150
    assert "the first 150 of 160 requests, 1 fault" in found.title
    html = found._repr_html_()
    assert "89 earlier exchanges" in html
    assert "21 later exchanges" in html
    assert html.count('class="arrow"') == 40
