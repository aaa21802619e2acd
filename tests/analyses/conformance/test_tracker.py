"""The tracker: the same verdicts as the frames, its changes of state, and its bounds."""

import dataclasses
import doctest
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statetrail
from analyses.conformance.test_verdicts import CASES, zest
from statetrail.analyses.conformance import tracker, transitions, visibility
from statetrail.analyses.conformance.tracker import Change, Tracker, Verdict
from statetrail.analyses.conformance.tracking import sender
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.lifetimes.uses import uses
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.dialects import builtin
from studies.oracle.judges import (
    IN_PROCESS,
    apart,
    binding,
    by_engine,
    by_slow_judge,
    by_tracker,
    short,
    tracked,
)
from studies.simulation.histories import history, sessions
from support.histories import Ex, Issue, Present, recording

ORIGIN = "http://shop.example"


def told(tracker_: Tracker, exchanges: list[Ex], *, first_id: int = 1) -> list[tracker.Event]:
    """The events of exchanges that start and complete one after the other, without a flush."""
    events = []
    for n, ex in enumerate(exchanges, first_id):
        events += tracker_.started(n, ex.client, f"http://{ex.host}", round(ex.start * 1000))
        events += tracker_.completed(tracked(n, ex))
    return events


def verdicts_of(events: list[tracker.Event]) -> dict[int, str]:
    """The verdict of each exchange, where there is one parameter."""
    return {e.exchange_id: e.verdict for e in events if isinstance(e, Verdict)}


def changes_of(events: list[tracker.Event]) -> list[str]:
    """The changes of state, in order."""
    return [e.change for e in events if isinstance(e, Change)]


@pytest.mark.parametrize(("exchanges", "expected"), CASES.values(), ids=CASES.keys())
def test_a_small_history_gets_the_trackers_verdict(exchanges, expected):
    """The table that the frames and the slow judge are held to."""
    judging = Tracker(binds=binding(exchanges))
    events = [*told(judging, exchanges), *judging.flush()]
    last = {
        e.param: e.verdict
        for e in events
        if isinstance(e, Verdict) and e.exchange_id == len(exchanges)
    }
    assert last == expected


@given(st.randoms(use_true_random=False), st.sampled_from([0, 50, 100, 250]))
@settings(max_examples=6, deadline=None)
def test_every_judge_says_the_same_of_random_histories(chance, grace_ms):
    """The slow judge, the tracker and the frames on every engine, on what hypothesis draws."""
    histories = [history(chance, most=8) for _ in range(3)]
    same_verdicts(histories, grace_ms, chance)


@pytest.mark.parametrize("grace_ms", [0, 250])
def test_every_judge_says_the_same_of_many_histories(grace_ms):
    """As above, on more histories than hypothesis can draw in the time."""
    chance = Random(grace_ms)
    made = [make(chance) for make in (history, sessions) for _ in range(250)]
    same_verdicts(made, grace_ms, chance)


def same_verdicts(histories, grace_ms, chance):
    """Not one row differs."""
    found = by_tracker(histories, grace_ms, chance)
    assert short(found) == by_slow_judge(histories, grace_ms)
    for engine in IN_PROCESS:
        assert by_engine(apart(histories), engine, grace_ms) == found


@pytest.mark.skipif(
    find_spec("pyspark") is None or not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="no PySpark, or no Java that it could run on",
)
def test_pyspark_says_the_same_of_a_sample():
    """A user's recording gives the same rows on Spark, of what becomes of its tokens too."""
    chance = Random(4)
    histories = [history(chance) for _ in range(30)]
    world = apart(histories)
    on_spark = recording(world, engine="pyspark", grace_ms=100)
    found = {tuple(row.values()) for row in verdicts(on_spark).rows()}
    assert found == by_tracker(histories, 100, chance)
    here = recording(world, engine="polars", grace_ms=100)
    for analysis in (tokens, uses, rotations):
        assert analysis(on_spark).rows() == analysis(here).rows()


BORN = zest(0, 10, 20, "A", "1")


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        pytest.param([BORN], ["established"], id="first issue"),
        pytest.param([zest(0, 10, 20, "B", "A")], ["established"], id="from before the capture"),
        pytest.param(
            [BORN, zest(100, 110, 120, "A", "A")], ["established", "kept"], id="issued again"
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, "B", "A")],
            ["established", "reset"],
            id="a token answered with another",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, "B", "1")],
            ["established", "established"],
            id="a new one asked for",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, "B")],
            ["established", "established"],
            id="another one, to a request without any: a session of its own",
        ),
        pytest.param(
            [
                Ex(0, 1, 2, [Issue("Ticket", "T1")]),
                Ex(100, 101, 102, [Issue("Ticket", "T2")], [Present("Ticket", "T1")]),
            ],
            ["established", "reset"],
            id="a ticket answered with the next",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "A", status=401)],
            ["established", "ended"],
            id="refused",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "X", status=401)],
            ["established"],
            id="another value refused",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, "A", "A", status=403)],
            ["established", "kept"],
            id="refused, but the token lives",
        ),
        pytest.param(
            [
                BORN,
                zest(100, 110, 120, None, "A", status=401),
                zest(200, 210, 220, None, "A", status=401),
            ],
            ["established", "ended"],
            id="refused twice",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "A", status=401), zest(200, 210, 220, "B", "1")],
            ["established", "ended", "established"],
            id="a new session after the end",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "A", status=401), zest(200, 210, 220, "A")],
            ["established", "ended", "established"],
            id="the old value issued again after the end",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "A", status=401), zest(200, 210, 220, "B", "A")],
            ["established", "ended", "reset"],
            id="the ended token answered with another",
        ),
        pytest.param(
            [BORN, zest(100, 110, 120, None, "A", status=401), zest(200, 210, 220, "B")],
            ["established", "ended", "established"],
            id="another one, unasked, after the end",
        ),
        pytest.param(
            [BORN, Ex(100, 110, 120, [Issue("_session_token", "", problem="x", dialect="zest")])],
            ["established"],
            id="a malformed issue",
        ),
        pytest.param(
            [zest(0, 500, 520, "B", "1"), zest(0, 100, 120, "A", "1")],
            ["established", "established"],
            id="in order of the responses",
        ),
    ],
)
def test_the_state_of_a_parameter_changes_by_the_table(exchanges, expected):
    """Each way through the table of transitions."""
    judging = Tracker()
    assert changes_of([*told(judging, exchanges), *judging.flush()]) == expected


@pytest.mark.parametrize(("status", "expected"), [(402, "ended"), (401, "established")])
def test_what_refuses_a_token_is_the_dialects(status, expected):
    """A dialect may name other statuses than the usual ones."""
    judging = Tracker([msgspec.structs.replace(builtin()["zest"], refused=(402,))])
    events = told(judging, [BORN, zest(100, 110, 120, None, "A", status=status)])
    assert changes_of([*events, *judging.flush()])[-1] == expected


def test_the_tracker_is_public_and_needs_no_frames():
    """`st.Tracker`, in a process that has loaded no engine."""
    code = "import statetrail, sys; statetrail.Tracker(); print('\\n'.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"duckdb", "narwhals", "pandas", "polars"}.isdisjoint(ran.stdout.split())
    assert statetrail.Tracker is Tracker


def test_a_verdict_waits_until_nothing_can_change_it():
    """It comes when every exchange that started by then has completed, and time has gone on."""
    judging = Tracker()
    told(judging, [BORN, zest(500, 510, 520, "B", "A")])
    judging.started(3, "app", ORIGIN, 700_000)
    judging.started(4, "app", ORIGIN, 1_000_000)
    asked = tracked(4, zest(1000, 1010, 1020, None, "C"))
    assert verdicts_of(judging.completed(asked)) == {}
    assert [v.verdict for v in judging.provisional(asked)] == ["foreign"]
    events = judging.completed(tracked(3, zest(700, 710, 990, "C", "A")))
    assert verdicts_of(events) == {3: "honoured"}
    assert verdicts_of(judging.started(5, "app", ORIGIN, 1_000_001)) == {4: "in-flight"}


def test_the_verdict_at_once_is_the_final_one_where_nothing_is_open():
    """A live view can show it, and is right unless another exchange is under way."""
    judging = Tracker()
    told(judging, [BORN])
    late = zest(1000, 1010, 1020, "A", "A")
    told(judging, [late], first_id=2)
    assert [v.verdict for v in judging.provisional(tracked(2, late))] == ["honoured"]
    assert verdicts_of(judging.flush()) == {2: "honoured"}
    assert judging.provisional(tracked(3, late)) == []


def test_an_exchange_that_never_completes_is_abandoned():
    """Then the others need not wait for it."""
    judging = Tracker()
    told(judging, [BORN])
    judging.started(2, "app", ORIGIN, 500_000)
    told(judging, [zest(1000, 1010, 1020, "A", "A")], first_id=3)
    assert verdicts_of(told(judging, [zest(2000, 2010, 2020, "A", "A")], first_id=4)) == {}
    assert verdicts_of(judging.abandoned(2, "app", ORIGIN)) == {3: "honoured"}


def test_a_request_told_too_late_is_not_judged_but_what_it_issued_counts():
    """After the clock was set back nobody is blamed."""
    judging = Tracker()
    told(judging, [BORN, zest(5000, 5010, 5020, "A", "A"), zest(9000, 9010, 9020, "A", "A")])
    assert verdicts_of(told(judging, [zest(1000, 1010, 1020, "B", "X")], first_id=4)) == {}
    assert judging.unjudged == 1
    events = told(judging, [zest(9500, 9510, 9520, "B", "B")], first_id=5)
    assert verdicts_of([*events, *judging.flush()]) == {3: "honoured", 5: "honoured"}


def test_an_endpoint_is_in_scope_once_it_was_seen_to_issue_state():
    """The tracker's own scope: what the path says, and what was seen so far."""
    judging = Tracker()
    issue = Issue("LocId", "7")
    exchanges = [
        Ex(0, 10, 20, [issue], path="/services/v3/x"),
        Ex(1000, 1010, 1020, path="/login"),
        Ex(2000, 2010, 2020, [issue], path="/login"),
        Ex(3000, 3010, 3020, path="/login"),
        Ex(4000, 4010, 4020, path="/login", method="OPTIONS"),
    ]
    events = [*told(judging, exchanges), *judging.flush()]
    assert verdicts_of(events) == {
        2: "not-applicable",
        3: "omitted",
        4: "omitted",
        5: "not-applicable",
    }


def test_the_client_that_was_silent_for_the_longest_makes_room():
    """Its last verdicts are given; when it comes back nothing is known of it."""
    judging = Tracker(max_clients=2)
    told(judging, [BORN, zest(1000, 1010, 1020, "A", "A")])
    told(judging, [dataclasses.replace(BORN, client="bot")], first_id=3)
    events = told(judging, [dataclasses.replace(BORN, client="tab")], first_id=4)
    assert verdicts_of(events) == {2: "honoured"}
    events = told(judging, [zest(2000, 2010, 2020, None, "A")], first_id=5)
    assert verdicts_of([*events, *judging.flush()]) == {5: "foreign"}
    assert judging.unjudged == 0


def test_a_client_that_is_evicted_with_an_open_request_is_not_judged():
    """The open exchange might have issued what the waiting request presents."""
    judging = Tracker(max_clients=1)
    told(judging, [BORN])
    judging.started(2, "app", ORIGIN, 500_000)
    told(judging, [zest(1000, 1010, 1020, "A", "X")], first_id=3)
    assert verdicts_of(told(judging, [dataclasses.replace(BORN, client="bot")], first_id=4)) == {}
    assert judging.unjudged == 1


def test_a_conversation_that_outgrows_its_bound_is_forgotten():
    """One stream that never ends does not make everything after it wait in memory."""
    judging = Tracker(max_waiting=20)
    told(judging, [BORN])
    judging.started(2, "app", ORIGIN, 500_000)
    steady = [zest(n, n + 10, n + 20, "A", "A") for n in range(1000, 60_000, 1000)]
    events = told(judging, steady, first_id=3)
    judged = {*verdicts_of(events).values(), *verdicts_of(judging.flush()).values()}
    assert 0 < judging.unjudged < 20
    assert judged == {"honoured", "foreign"}


def test_values_endpoints_and_unknown_parameters_are_bounded(monkeypatch):
    """A hostile server can make the tracker forget, not grow."""
    monkeypatch.setattr(visibility, "MAX_VALUES", 3)
    monkeypatch.setattr(sender, "MAX_PARAMS", 2)
    monkeypatch.setattr(tracker, "MAX_ENDPOINTS", 1)
    judging = Tracker(grace_us=0)
    names = ("Foo", "Bar", "Baz", "LocId")
    told(judging, [Ex(n * 100, n * 100 + 1, n * 100 + 2, [Issue(name, "7")], path=f"/{name}")
                   for n, name in enumerate(names)])  # fmt: skip
    values = [
        Ex(n, n + 1, n + 2, [Issue("LocId", str(n), priority="forced")])
        for n in range(1000, 1040, 10)
    ]
    shown = [
        Ex(n, n + 1, n + 2, (), [Present("LocId", value)])
        for n, value in ((2000, "1000"), (2010, "1010"), (2020, "1030"))
    ]
    events = [*told(judging, [*values, *shown], first_id=5), *judging.flush()]
    loc = [e.verdict for e in events if isinstance(e, Verdict) and e.param == "LocId"]
    assert loc[-3:] == ["defied", "stale", "honoured"]
    assert {e.param for e in events if isinstance(e, Verdict)} == {"Foo", "Bar", "LocId"}


def test_only_the_chosen_dialects_are_judged():
    """What another dialect issues or presents leaves no trace."""
    judging = Tracker([d for d in tracker.select() if d.name == "52eseller"])
    assert [*told(judging, [BORN, zest(1000, 1010, 1020, "A", "X")]), *judging.flush()] == []


def test_every_transition_names_known_states():
    """The table is closed: every state that it leads to is one that it starts from."""
    starts = {state for state, _ in transitions.TRANSITIONS}
    assert {state for state, _ in transitions.TRANSITIONS.values()} | {"none"} == starts


def test_the_example_of_the_module_runs():
    """What the docstring shows is what happens."""
    assert doctest.testmod(tracker) == (0, 5)
