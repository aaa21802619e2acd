"""Verdicts: the race rule, the table of the protocol page, and the same rows on every engine."""

import dataclasses
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdicts import verdicts
from studies.oracle.judges import apart, by_engine, by_slow_judge, by_tracker, short
from studies.oracle.verdict_oracle import MILDEST_FIRST, judge
from studies.simulation.histories import every
from support.histories import Ex, Issue, Present, recording, token, use

Z = "/shop/API/V3/Cart"


def found(history: Sequence[Ex], **options) -> dict[tuple[int, str, str], str]:
    """The verdicts of a history by (exchange id, dialect, param)."""
    rows = verdicts(recording(history, **options)).rows()
    return {(r["exchange_id"], r["dialect"], r["param"]): r["verdict"] for r in rows}


def slow(history: Sequence[Ex], grace_ms: float) -> dict[tuple[int, str, str], str]:
    """The slow judge's verdicts of the same."""
    return {key: verdict for key, (verdict, _, _) in judge(history, grace_ms).items()}


def zest(start, begun, ended, issued=None, presented=None, **more) -> Ex:
    """A ZEST exchange that issues and presents session tokens (None: none)."""
    return Ex(
        start,
        begun,
        ended,
        [token(t) for t in ([issued] if isinstance(issued, str) else issued or [])],
        [use(t) for t in ([presented] if isinstance(presented, str) else presented or [])],
        path=Z,
        **more,
    )


def ask(start, *presented: Present, **more) -> Ex:
    """A 52eSELLER request at `start` ms that issues nothing."""
    return Ex(start, start + 5, start + 10, (), presented, **more)


def login(start, *issued: Issue, **more) -> Ex:
    """A 52eSELLER exchange that issues state and ends 20 ms after its start."""
    return Ex(start, start + 10, start + 20, issued, (), **more)


HEADER = Issue("LocId", "7", "header", "informational")
FORCED = Issue("LocId", "7", "header", "forced")
QUERY = Issue("LangId", "1", "uriquery", "informational")
IMPLICIT = Issue("CustomerId", "4201965", "implicit", "forced")
AUTH = Issue("Authentication", "a/b+c=", "header", "forced")

# Each case: the history, and the verdicts of its last exchange by parameter.
CASES = {
    "honoured in the named channel": (
        [login(0, HEADER), ask(1000, Present("LocId", "7"))],
        {"LocId": "honoured"},
    ),
    "omitted": ([login(0, HEADER), ask(1000)], {"LocId": "omitted"}),
    "an empty value is no value": (
        [login(0, HEADER), ask(1000, Present("LocId", "", kind="empty"))],
        {"LocId": "omitted"},
    ),
    "right value in the wrong channel": (
        [login(0, QUERY), ask(1000, Present("LangId", "1", "header"))],
        {"LangId": "misplaced"},
    ),
    "right value in both channels": (
        [
            login(0, QUERY),
            ask(1000, Present("LangId", "1", "header"), Present("LangId", "1", "uriquery")),
        ],
        {"LangId": "honoured"},
    ),
    "an informational value overridden": (
        [login(0, HEADER), ask(1000, Present("LocId", "9"))],
        {"LocId": "overridden"},
    ),
    "a forced value defied": (
        [login(0, FORCED), ask(1000, Present("LocId", "9"))],
        {"LocId": "defied"},
    ),
    "an implicit value presented": (
        [login(0, IMPLICIT), ask(1000, Present("CustomerId", "4201965"))],
        {"CustomerId": "implicit-set"},
    ),
    "an implicit value left alone": (
        [login(0, IMPLICIT), ask(1000)],
        {"CustomerId": "not-applicable"},
    ),
    "an older value kept": (
        [
            login(0, FORCED),
            login(1000, dataclasses.replace(FORCED, value="8")),
            ask(2000, Present("LocId", "7")),
        ],
        {"LocId": "stale"},
    ),
    "an earlier value that the client may choose": (
        [
            login(0, HEADER),
            login(1000, dataclasses.replace(HEADER, value="8")),
            ask(2000, Present("LocId", "7")),
        ],
        {"LocId": "overridden"},
    ),
    "a newer value that is still within grace": (
        [
            login(0, HEADER),
            login(1000, dataclasses.replace(HEADER, value="8")),
            ask(1270, Present("LocId", "7")),
        ],
        {"LocId": "honoured"},
    ),
    "the newer value already within grace": (
        [
            login(0, HEADER),
            login(1000, dataclasses.replace(HEADER, value="8")),
            ask(1030, Present("LocId", "8")),
        ],
        {"LocId": "in-flight"},
    ),
    "one tick after grace": (
        [
            login(0, FORCED),
            login(1000, dataclasses.replace(FORCED, value="8")),
            ask(1270.001, Present("LocId", "7")),
        ],
        {"LocId": "stale"},
    ),
    "a newer response that began the instant the older one ended": (
        [
            login(0, HEADER),
            Ex(10, 20, 40, [dataclasses.replace(HEADER, value="8")]),
            ask(1000, Present("LocId", "7")),
        ],
        {"LocId": "honoured"},
    ),
    "nothing is visible yet": ([login(0, HEADER), ask(15)], {"LocId": "in-flight"}),
    "a value issued to another client": (
        [login(0, HEADER, client="other"), ask(1000, Present("LocId", "7"))],
        {},
    ),
    "a value issued at another origin": (
        [login(0, HEADER, host="other.example"), ask(1000, Present("LocId", "7"))],
        {},
    ),
    "authentication where it is allowed": (
        [login(0, AUTH), ask(1000, path="/services/v3/baskets/1")],
        {"Authentication": "omitted"},
    ),
    "authentication elsewhere": (
        [login(0, AUTH), ask(1000, Present("Authentication", "a/b+c="))],
        {"Authentication": "not-applicable"},
    ),
    "a request out of scope": (
        [login(0, HEADER), ask(1000, path="/img/logo.png")],
        {"LocId": "not-applicable"},
    ),
    "an endpoint that issues is in scope": (
        [login(0, HEADER, path="/login"), ask(1000, path="/login")],
        {"LocId": "omitted"},
    ),
    "a browser's preflight": (
        [login(0, HEADER), ask(1000, method="OPTIONS")],
        {"LocId": "not-applicable"},
    ),
    "an unknown parameter": (
        [login(0, dataclasses.replace(HEADER, param="Foo")), ask(1000)],
        {"Foo": "not-applicable"},
    ),
    "a malformed issue binds nobody": (
        [login(0, dataclasses.replace(HEADER, problem="no-tail")), ask(1000)],
        {},
    ),
    "a value taken from a malformed issue": (
        [
            login(0, FORCED),
            login(1000, dataclasses.replace(FORCED, value="8", problem="bad-tail")),
            ask(2000, Present("LocId", "8")),
        ],
        {"LocId": "in-flight"},
    ),
    "a response cut short need not be known": (
        [
            login(0, HEADER),
            Ex(1000, 1010, None, [dataclasses.replace(HEADER, value="8")]),
            ask(9000, Present("LocId", "7")),
        ],
        {"LocId": "honoured"},
    ),
    "two rotations in parallel, the first one's value": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1050, 1100, "B", "A"),
            zest(1000, 1060, 1090, "C", "A"),
            zest(2000, 2010, 2020, "B", "B"),
        ],
        {"_session_token": "honoured"},
    ),
    "two rotations in parallel, the other one's value": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1050, 1100, "B", "A"),
            zest(1000, 1060, 1090, "C", "A"),
            zest(2000, 2010, 2020, "C", "C"),
        ],
        {"_session_token": "honoured"},
    ),
    "two rotations in parallel, the old value": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1050, 1100, "B", "A"),
            zest(1000, 1060, 1090, "C", "A"),
            zest(2000, 2010, 2020, "C", "A"),
        ],
        {"_session_token": "stale"},
    ),
    "a late reply that re-issues the older token": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 3000, "A", "A"),
            zest(1500, 1510, 1520, "B", "A"),
            zest(4000, 4010, 4020, "A", "A"),
        ],
        {"_session_token": "honoured"},
    ),
    "what another shopper's token was answered with replaces none": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(5, 15, 25, "B", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            zest(2000, 2010, 2020, "B", "B"),
            zest(3000, 3010, 3020, "A", ["A", "B"]),
            zest(4000, 4010, 4020, None, "B"),
        ],
        {"_session_token": "honoured"},
    ),
    "asking for a token for the first time": ([zest(0, 10, 20, "A", "1")], {}),
    "restarting a session that is there": (
        [zest(0, 10, 20, "A", "1"), zest(1000, 1010, 1020, "B", "1")],
        {"_session_token": "restarted"},
    ),
    "a second establish while the first is under way": (
        [zest(0, 10, 100, "A", "1"), zest(50, 60, 110, "B", "1")],
        {"_session_token": "in-flight"},
    ),
    "a token dropped midway": (
        [zest(0, 10, 20, "A", "1"), zest(1000, 1010, 1020)],
        {"_session_token": "omitted"},
    ),
    "a token from before the capture": (
        [zest(0, 10, 20, "A", "A")],
        {"_session_token": "foreign"},
    ),
    "a token of somebody else": (
        [zest(0, 10, 20, "A", "1"), zest(1000, 1010, 1020, "A", "X")],
        {"_session_token": "foreign"},
    ),
    "a repeated token, one of them right": (
        [zest(0, 10, 20, "A", "1"), zest(1000, 1010, 1020, "A", ["X", "A"])],
        {"_session_token": "honoured"},
    ),
}


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES.keys())
def test_a_small_history_gets_the_verdict_of_the_protocol_page(history, expected):
    """Each row of the protocol page's table, and each trap of the race rule, by hand."""
    last = {p: v for (x, _, p), v in found(history).items() if x == len(history)}
    assert last == expected


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES.keys())
def test_the_oracle_agrees_with_the_hand_written_verdicts(history, expected):
    """The slow judge is held to the same table, so that it can be trusted on random histories."""
    last = {p: v for (x, _, p), v in slow(history, 250).items() if x == len(history)}
    assert last == expected


TICKET = Issue("Ticket", "t1", "header", "forced")
VISITOR = Issue("VisitorId", "v", "header", "forced")
VISIT = Present("VisitorId", "v")
HOUR = 3_600_000
BASKET, LOGOUT = "/services/v3/baskets/1", "/services/v3/logout"
LOGGED_OUT = [
    login(0, VISITOR, TICKET),
    ask(1000, VISIT, Present("Ticket", "t1"), path="/services/v3/logout"),
]
AT_ONCE = [
    zest(0, 10, 20, "A", "1"),
    zest(5, 15, 25, "B", "1"),
    zest(1000, 1010, 1020, "A", "A"),
]
# Each case: the history, and of its last exchange the verdict on one parameter and its reason.
EXCUSES = {
    "a visitor goes on without the keys of a login after a logout": (
        [*LOGGED_OUT, ask(2000, VISIT)],
        ("Ticket", "not-applicable", "session-ended"),
    ),
    "a visitor goes on without the customer of a login after a logout": (
        [login(0, VISITOR, TICKET, FORCED), LOGGED_OUT[1], ask(2000, VISIT), ask(3000, VISIT)],
        ("LocId", "not-applicable", "session-ended"),
    ),
    "what a visitor was given after a logout has to be presented": (
        [
            login(0, VISITOR, TICKET, FORCED),
            LOGGED_OUT[1],
            Ex(2000, 2010, 2020, [FORCED], [VISIT]),
            ask(3000, VISIT),
        ],
        ("LocId", "omitted", None),
    ),
    "a visitor goes on without a key that the server refused": (
        [
            login(0, VISITOR, TICKET),
            ask(1000, VISIT, Present("Ticket", "t1"), status=401),
            ask(2000, VISIT),
        ],
        ("Ticket", "not-applicable", "session-ended"),
    ),
    "a visitor who logged in again has to present the new key": (
        [
            *LOGGED_OUT,
            Ex(2000, 2010, 2020, [dataclasses.replace(TICKET, value="t2")], [VISIT]),
            ask(3000, VISIT),
        ],
        ("Ticket", "omitted", None),
    ),
    "a visitor whose logout was not answered goes on without the keys of the login": (
        [
            login(0, VISITOR, TICKET),
            Ex(1000, None, None, (), [VISIT, Present("Ticket", "t1")], path=LOGOUT),
            ask(2000, VISIT),
        ],
        ("Ticket", "not-applicable", "session-ended"),
    ),
    "a logout that fails is none": (
        [
            login(0, VISITOR, TICKET),
            ask(1000, VISIT, Present("Ticket", "t1"), path=LOGOUT, status=400),
            ask(2000, VISIT),
        ],
        ("Ticket", "omitted", None),
    ),
    "a client has let its token go when it sends the logout": (
        [
            zest(0, 10, 20, "A", "1"),
            dataclasses.replace(zest(1000, 3000, 3020, None, "A"), path="/API/V3/Logout"),
            zest(1500, 1510, 1520, "A", "A"),
            zest(2000, 2010, 2020, method="POST"),
        ],
        ("_session_token", "not-applicable", "session-ended"),
    ),
    "a visitor who logs in anew need not present the ticket of before": (
        [
            login(0, VISITOR),
            Ex(1000, 1010, 1020, [TICKET], [VISIT], path="/services/v3/login"),
            ask(2000, VISIT, Present("Ticket", "t1")),
            ask(3000, VISIT, path="/services/v3/login", method="POST"),
        ],
        ("Ticket", "not-applicable", "new-session"),
    ),
    "of several requests that a new process sends at once the first answer begins its session": (
        [
            login(0, VISITOR),
            ask(1000, VISIT),
            Ex(2000, 2500, 2510, [dataclasses.replace(VISITOR, value="w")]),
            Ex(1900, 2050, 2060, path="/services/v3/menus"),
        ],
        ("VisitorId", "not-applicable", "new-session"),
    ),
    "what was answered before a session was asked for is no part of that": (
        [
            login(0, VISITOR),
            ask(1000, VISIT),
            Ex(2000, 2500, 2510, [dataclasses.replace(VISITOR, value="w")]),
            Ex(1900, 1999, 2060, path="/services/v3/menus"),
        ],
        ("VisitorId", "omitted", None),
    ),
    "a token that did not arrive was not thrown away": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            zest(2000, 2010, None, "B", "1"),
            zest(3000, 3010, 3020, "C", "1"),
        ],
        ("_session_token", "restarted", "new-session"),
    ),
    "of two tokens that were given at once the one in use was thrown away": (
        [*AT_ONCE, zest(3000, 3010, 3020, "C", "1")],
        ("_session_token", "restarted", "new-session"),
    ),
    "of two tokens that were given at once the one in use was refused": (
        [*AT_ONCE, zest(3000, 3010, 3020, None, "A", status=401), zest(4000, 4010, 4020)],
        ("_session_token", "not-applicable", "session-ended"),
    ),
    "a token that was never used is thrown away after one that was": (
        [*AT_ONCE, zest(3000, 3010, 3020, "C", "1"), zest(4000, 4010, 4020, "D", "1")],
        ("_session_token", "restarted", None),
    ),
    "a token beside one that goes on in use was not thrown away": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            zest(2000, 2010, 2020, "B", "1"),
            zest(4000, 4010, 4020, "A", "A"),
            zest(3000, 3010, 3020, "C", "1"),
        ],
        ("_session_token", "restarted", "many-sessions"),
    ),
    "a login that is refused is of a session to come": (
        [
            login(0, TICKET, QUERY),
            ask(1000, Present("Ticket", "t1"), Present("LangId", "1", "uriquery")),
            ask(2000, path="/services/v3/login", method="POST", status=401),
        ],
        ("Ticket", "not-applicable", "new-session"),
    ),
    "a login in the middle of a session is of that, where tokens are asked for": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            dataclasses.replace(zest(2000, 2010, 2020), path="/API/V3/Login", method="POST"),
        ],
        ("_session_token", "omitted", None),
    ),
    "a token that is presented by reads and never by writes is no guest's that lacks it": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            zest(3000, 3010, 3020, "A", "A"),
            zest(2000, 2010, 2020, method="DELETE"),
        ],
        ("_session_token", "omitted", None),
    ),
    "a login without a token may be another shopper's that fails": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(3000, 3010, 3020, "A", "A"),
            dataclasses.replace(
                zest(2000, 2010, 2020), path="/API/V3/Login", method="POST", status=401
            ),
        ],
        ("_session_token", "not-applicable", "stateless"),
    ),
    "a cart is written in a session, a guest's as well": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A", method="POST"),
            zest(3000, 3010, 3020, "A", "A", method="POST"),
            zest(2000, 2010, 2020, method="POST"),
        ],
        ("_session_token", "omitted", None),
    ),
    "a login without a key begins a session, also where the one before was never presented": (
        [
            Ex(0, 10, 20, [VISITOR, QUERY]),
            login(1000, TICKET, path="/services/v3/login", method="POST"),
        ],
        ("LangId", "not-applicable", "new-session"),
    ),
    "a guest may write where a user reads": (
        [
            login(0, TICKET),
            ask(1000, Present("Ticket", "t1"), path=BASKET),
            ask(3000, Present("Ticket", "t1"), path=BASKET),
            ask(2000, path=BASKET, method="PUT"),
        ],
        ("Ticket", "not-applicable", "many-sessions"),
    ),
    "a guest reads what a user reads": (
        [
            login(0, TICKET),
            ask(1000, Present("Ticket", "t1"), path=BASKET),
            ask(3000, Present("Ticket", "t1"), path=BASKET),
            ask(2000, path=BASKET),
        ],
        ("Ticket", "not-applicable", "many-sessions"),
    ),
    "an image can carry no header": (
        [login(0, HEADER), ask(1000, extra={"fetch_dest": "image"})],
        ("LocId", "not-applicable", "cannot-carry"),
    ),
    "nor can a beacon": (
        [login(0, HEADER), ask(1000, extra={"fetch_dest": "empty", "fetch_mode": "no-cors"})],
        ("LocId", "not-applicable", "cannot-carry"),
    ),
    "nor what opens a WebSocket": (
        [login(0, HEADER), ask(1000, status=101)],
        ("LocId", "not-applicable", "cannot-carry"),
    ),
    "an image's address can carry what was asked for in the query": (
        [login(0, QUERY), ask(1000, extra={"fetch_dest": "image"})],
        ("LangId", "omitted", None),
    ),
    "a redirect decides about queries, not about headers": (
        [
            login(0, TICKET),
            ask(1000, Present("Ticket", "t1"), status=302, extra={"redirect_endpoint": "/v3/7"}),
            ask(1100, path="/v3/7"),
        ],
        ("Ticket", "omitted", None),
    ),
    "an hour later a new process asks for a token": (
        [zest(0, 10, 20, "A", "1"), zest(HOUR, HOUR + 10, HOUR + 20, "B", "1")],
        ("_session_token", "restarted", "new-session"),
    ),
    "an hour later a new process asks for several tokens at once": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(HOUR, HOUR + 400, HOUR + 410, "B", "1"),
            zest(HOUR + 5, HOUR + 300, HOUR + 310, "C", "1"),
        ],
        ("_session_token", "restarted", "new-session"),
    ),
    "after a logout, also with an old token, a new session throws none away": (
        [
            zest(0, 10, 20, "A", "1"),
            zest(1000, 1010, 1020, "A", "A"),
            zest(2000, 2010, 2020, "B", "1"),
            dataclasses.replace(zest(3000, 3010, 3020, None, "A"), path="/API/V3/Logout"),
            zest(4000, 4010, 4020, "C", "1"),
        ],
        ("_session_token", "restarted", "new-session"),
    ),
    "a moment less, and the token was thrown away": (
        [zest(0, 10, 20, "A", "1"), zest(HOUR - 1, HOUR + 10, HOUR + 20, "B", "1")],
        ("_session_token", "restarted", None),
    ),
}


@pytest.mark.parametrize(("history", "expected"), EXCUSES.values(), ids=EXCUSES.keys())
def test_what_a_sender_could_have_meant_is_no_fault(history, expected):
    """Rules L6 and L7: what ended, did not arrive or lies an hour back excuses that it lacks."""
    rows = verdicts(recording(history)).rows()
    found_ = {(r["exchange_id"], r["param"], r["verdict"], r["reason"]) for r in rows}
    slow_ = {(x, p, v, reason) for (x, _, p), (v, reason, _) in judge(history, 250).items()}
    assert (len(history), *expected) in found_ & slow_


def test_the_cases_show_every_verdict():
    """No verdict of the protocol page is without a case."""
    assert {v for _, expected in CASES.values() for v in expected.values()} == set(VERDICTS)
    assert list(VERDICTS) == MILDEST_FIRST


def test_a_longer_grace_period_excuses_the_older_value():
    """The grace period is a parameter, in milliseconds after the newer response's end."""
    history = CASES["an older value kept"][0]
    assert found(history, grace_ms=979)[3, "52eseller", "LocId"] == "stale"
    assert found(history, grace_ms=980)[3, "52eseller", "LocId"] == "honoured"


TICK = 100
ticks = st.integers(0, 14).map(lambda n: n * TICK)
issues = st.one_of(
    st.builds(token, st.sampled_from("ABC")),
    st.builds(
        Issue,
        st.sampled_from(["LocId", "LocId", "Authentication", "Foo"]),
        st.sampled_from("789"),
        st.sampled_from(["header", "uriquery", "implicit"]),
        st.sampled_from(["informational", "forced"]),
        st.sampled_from([None, None, None, "no-tail"]),
    ),
)
presents = st.one_of(
    st.builds(use, st.sampled_from(["A", "B", "C", "1", ""])),
    st.builds(
        Present,
        st.sampled_from(["LocId", "LocId", "Authentication"]),
        st.sampled_from("789"),
        st.sampled_from(["header", "uriquery"]),
    ),
)


some_presents = st.lists(presents, max_size=3)


@st.composite
def exchanges(draw, presented=some_presents) -> Ex:
    """An exchange on a coarse clock, so that overlaps and ties are the rule."""
    start = draw(ticks)
    begun = draw(st.none() | st.integers(-1, 4).map(lambda n: start + n * TICK))
    ended = (
        None
        if begun is None
        else draw(st.none() | st.integers(-1, 4).map(lambda n: begun + n * TICK))
    )
    return Ex(
        start,
        begun,
        ended,
        draw(st.lists(issues, max_size=2, unique_by=lambda i: i.param)),
        draw(presented),
        client=draw(st.sampled_from(["app", "bot"])),
        host=draw(st.sampled_from(["shop.example", "shop.example", "other.example"])),
        method=draw(st.sampled_from(["GET", "GET", "GET", "OPTIONS"])),
        path=draw(st.sampled_from([Z, "/services/v3/x", "/services/v3/baskets/1", "/img"])),
    )


@st.composite
def worlds(draw, **options) -> list[Ex]:
    """Several small histories side by side, each at origins of its own: one run judges them all."""
    histories = draw(st.lists(st.lists(exchanges(**options), max_size=8), min_size=1, max_size=12))
    return [
        dataclasses.replace(ex, host=f"{n}.{ex.host}") for n, h in enumerate(histories) for ex in h
    ]


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
@given(worlds(), st.sampled_from([0, 50, 100, 250]))
@settings(max_examples=12, deadline=None)
def test_random_histories_get_the_oracles_verdicts_on_every_engine(engine, history, grace_ms):
    """The engine's running maxima give what comparing every issue with every other gives."""
    assert found(history, engine=engine, grace_ms=grace_ms) == slow(history, grace_ms)


@given(worlds(presented=st.just([])), st.data())
@settings(max_examples=12, deadline=None)
def test_a_client_that_obeys_is_never_blamed(history, data):
    """Whenever within a response and the grace period it takes a value up, it has no fault.

    It never sees the answer to a preflight, which binds nobody.
    """
    grace = 250
    history = [
        dataclasses.replace(
            ex,
            path="/services/v3/x",
            begun=None if ex.begun is None else max(ex.begun, ex.start),
            ended=None if ex.ended is None else max(ex.ended, ex.begun, ex.start),
            issued=[i for i in ex.issued if i.param == "LocId" and ex.begun is not None],
        )
        for ex in history
    ]  # fmt: skip
    learned = [
        (data.draw(st.integers(ex.begun, 10_000 if ex.ended is None else ex.ended)), ex, issue)
        for ex in history
        for issue in ex.issued
        if issue.problem is None and ex.method != "OPTIONS"
    ]
    lag = data.draw(st.integers(0, grace))
    obeying = []
    for ex in history:
        known = [
            (at, n, issue)
            for n, (at, other, issue) in enumerate(learned)
            if at <= ex.start - lag and (other.client, other.host) == (ex.client, ex.host)
        ]
        issue = max(known)[2] if known else None
        presented = []
        if issue is not None and issue.usage != "implicit":
            presented = [Present("LocId", issue.value, issue.usage)]
        obeying.append(dataclasses.replace(ex, presented=presented))
    blamed = {key: v for key, v in found(obeying, grace_ms=grace).items() if v in FAULTS}
    assert blamed == {}


def repeating(seed: int) -> list[Ex]:
    """A world whose servers issue the same values over and over, overlapping and with ties."""
    draw = random.Random(seed)
    world = []
    for n in range(20):
        host, path = (f"{n}.example", Z) if n % 2 else (f"{n}.example", "/services/v3/x")
        for _ in range(draw.randrange(3, 22)):
            start = draw.randrange(30) * 50
            begun = None if draw.random() < 0.05 else start + draw.randrange(-1, 4) * 50
            open_ended = begun is None or draw.random() < 0.07
            ended = None if open_ended else begun + draw.randrange(-1, 5) * 50
            value = "ABC"[start // 500] if draw.random() < 0.7 else draw.choice("ABC")
            usage = draw.choice(["header"] * 8 + ["uriquery", "implicit"])
            priority = draw.choice(["forced"] * 8 + ["informational"])
            problem = draw.choice([None] * 12 + ["no-tail"])
            given_back = draw.choice("ABCZ")
            issue = token(value) if n % 2 else Issue("LocId", value, usage, priority, problem)
            channel = draw.choice(["header"] * 6 + ["uriquery"])
            shown = use(draw.choice([given_back] * 4 + ["1", ""])) if n % 2 else None
            shown = shown or Present("LocId", given_back, channel)
            world.append(
                Ex(
                    *(start, begun, ended),
                    [] if begun is None or draw.random() < 0.1 else [issue],
                    [] if draw.random() < 0.1 else [shown],
                    host=host,
                    path=path,
                )
            )
    return world


@pytest.mark.parametrize(("engine", "worlds"), [("polars", 12), ("duckdb", 2), ("pandas", 2)])
def test_issues_that_only_repeat_may_be_left_out(engine, worlds):
    """The engine leaves out issues that change no answer (T1-T3); the slow judge none."""
    for seed in range(worlds):
        history = repeating(seed)
        assert found(history, engine=engine, grace_ms=50) == slow(history, 50), f"seed {seed}"


def test_every_history_of_five_events_over_two_sessions() -> None:
    """Not at random: all of them, by the frames, the tracker and the slow judge."""
    all_of_them = [history for events in range(1, 6) for history in every(events)]
    assert len(all_of_them) > 7_000
    by_frames = by_engine(apart(all_of_them), "polars", 50)
    assert short(by_frames) == by_slow_judge(all_of_them, 50)
    assert by_tracker(all_of_them, 50, random.Random(1)) == by_frames
