"""The ZEST origin's sessions: every rule of its table, on a clock of our own."""

from itertools import count
from math import inf

import pytest

from statetrail.demo.origins.sessions import Policy, SessionBook, SessionSettings, new_token


def book(policy: Policy = "idle", *, idle_s: float = 10, absolute_s: float = inf) -> SessionBook:
    numbers = count(1)
    settings = SessionSettings(policy=policy, idle_s=idle_s, absolute_s=absolute_s, overlap_s=2)
    return SessionBook(settings, mint=lambda: f"token{next(numbers)}")


@pytest.mark.parametrize("token", [None, ""])
def test_a_request_without_a_token_has_no_session(token):
    """No token, no session."""
    assert book().open(token, 0) is None


@pytest.mark.parametrize("token", ["1", "nobody-issued-this"])
def test_one_and_an_unknown_token_begin_a_session(token):
    """Both are answered with a token of the origin's own."""
    assert book().open(token, 0).token == "token1"


@pytest.mark.parametrize(
    ("policy", "uses", "tokens"),
    [
        pytest.param("idle", (9, 18, 27), (1, 1, 1), id="idle-kept-alive"),
        pytest.param("idle", (9, 19, 20), (1, 2, 2), id="idle-reset-at-the-limit"),
        pytest.param("absolute", (19, 20, 39), (1, 2, 2), id="absolute-whatever-is-done"),
        pytest.param("both", (9, 18, 20, 31), (1, 1, 2, 3), id="both-whichever-comes-first"),
        pytest.param("per-request", (1, 2, 99), (2, 3, 4), id="a-token-a-request"),
    ],
)
def test_each_policy_replaces_the_token_when_it_says(policy, uses, tokens):
    """A client that always takes the new token sees these."""
    sessions = book(policy, absolute_s=20)
    token, seen = sessions.open("1", 0).token, []
    for now_s in uses:
        token = sessions.open(token, now_s).token
        seen.append(token)
    assert seen == [f"token{number}" for number in tokens]


def test_a_reset_loses_what_hung_on_the_session():
    """Cart and login are gone, and the session is another's to see."""
    sessions = book()
    session = sessions.open("1", 0)
    session.cart["4012"] = 1
    session.user = "shopper"
    again = sessions.open(session.token, 10)
    assert (again.cart, again.user, again.resets) == ({}, None, 1)


def test_a_token_a_request_keeps_the_state():
    """Only the token is replaced."""
    sessions = book("per-request")
    session = sessions.open("1", 0)
    session.cart["4012"] = 1
    assert sessions.open(session.token, 1).cart == {"4012": 1}


def test_parallel_requests_meet_in_one_session_after_a_reset():
    """The replaced token leads on for the overlap, and to a new session after it."""
    sessions = book()
    old = sessions.open("1", 0).token
    answers = [sessions.open(old, now_s).token for now_s in (10, 11, 12, 12.1)]
    assert answers == ["token2", "token2", "token2", "token3"]


def test_tokens_look_like_the_ones_of_the_text():
    """15 letters and digits, and no two alike."""
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 15 and token.isalnum() and token.isascii() for token in tokens)
