"""The same seeds give the same tables, and what is recorded never contradicts the truth."""

import ast
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import statetrail
import studies
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.frames import Recording
from statetrail.schema import FACTS
from studies.simulation import CAUSES, POLICIES, Capture, Truth, Variation, draw, tables
from studies.simulation.servers import ABSOLUTE, ACCEPTED, EITHER, IDLE, OVERLAP, RENEWED

SEEDS = range(4)


def captures_of(policy: str, values: int = 25, variation: Variation | None = None) -> list[Capture]:
    """A few captures of one kind."""
    return [draw(policy, values, seed, variation=variation) for seed in SEEDS]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_seed_gives_the_same_tables(policy: str) -> None:
    """And another seed, or the other family of seeds, gives others."""
    first, again = (tables([draw(policy, 12, 5).view]) for _ in range(2))
    others = [draw(policy, 12, 6), draw(policy, 12, 5, family="held-out")]
    assert first == again
    assert all(tables([other.view]) != first for other in others)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_tables_are_those_of_the_catalogue(policy: str) -> None:
    """Their columns, no nulls where there are none, unique keys, as many values as asked for."""
    captures = captures_of(policy)
    made = tables([capture.view for capture in captures])
    assert list(made) == [table.name for table in FACTS]
    for table in FACTS:
        assert made[table.name].schema == table.arrow
        made[table.name].validate(full=True)
        keys = made[table.name].select(list(table.key)).to_pylist()
        assert len({tuple(key.values()) for key in keys}) == len(keys)
    for capture in captures:
        seen = np.concatenate([capture.view.presented, capture.view.issued])
        assert len(set(seen[seen >= 0].tolist())) == capture.truth.around.values


def test_a_brief_capture_saw_few_births() -> None:
    """Most of the values that it saw end were issued before it."""
    for capture in captures_of("idle", 100, Variation(brief=True)):
        actual = capture.truth.uses
        assert actual.age_known[actual.with_cause(IDLE)].mean() < 0.4


@pytest.mark.parametrize("policy", POLICIES)
def test_what_uses_reads_is_what_the_server_did(policy: str) -> None:
    """Each bracket holds the true span; survived was accepted, ended was not."""
    captures = captures_of(policy)
    rows = uses(Recording(tables([capture.view for capture in captures]), engine="pyarrow")).rows()
    by_exchange = {row["exchange_id"]: row for row in rows}
    first = 1
    for capture in captures:
        actual = capture.truth.uses
        for n, exchange in enumerate(actual.exchange.tolist()):
            row = by_exchange.get(first + exchange)
            accepted = actual.cause[n] in (ACCEPTED, OVERLAP)
            if row is None or row["exclusion"] is not None:
                # What is left out says nothing of limits, but a late use that was taken was.
                assert row is None or row["outcome"] != "survived" or accepted
                continue
            assert row["outcome"] == ("survived" if accepted else "ended")
            assert row["age_low_s"] <= actual.age_s[n] <= (row["age_high_s"] or math.inf)
            if actual.idle_known[n]:
                assert (
                    (row["idle_low_s"] or 0) <= actual.idle_s[n] <= (row["idle_high_s"] or math.inf)
                )
        first += len(capture.view.request_start_us)


def _idle(truth: Truth) -> None:
    actual, limit = truth.uses, truth.policy.idle_s
    assert (actual.idle_s[actual.with_cause(ACCEPTED)] < limit).all()
    assert (actual.idle_s[actual.with_cause(IDLE)] >= limit).all()
    assert truth.idle_explains


def _absolute(truth: Truth) -> None:
    actual, limit = truth.uses, truth.policy.absolute_s
    assert (actual.age_s[actual.with_cause(ACCEPTED)] < limit).all()
    assert (actual.age_s[actual.with_cause(ABSOLUTE)] >= limit).all()
    assert truth.age_explains


def _both(truth: Truth) -> None:
    actual, policy = truth.uses, truth.policy
    idle, old = actual.idle_s >= policy.idle_s, actual.age_s >= policy.absolute_s
    assert not (idle | old)[actual.with_cause(ACCEPTED)].any()
    for cause, meant in ((IDLE, idle & ~old), (ABSOLUTE, old & ~idle), (EITHER, old & idle)):
        assert meant[actual.with_cause(cause)].all()


def _periodic(truth: Truth) -> None:
    actual, limit = truth.uses, truth.policy.renew_s
    assert (actual.age_s[actual.with_cause(ACCEPTED)] < limit).all()
    assert (actual.age_s[actual.with_cause(RENEWED, OVERLAP)] >= limit).all()


def _per_request(truth: Truth) -> None:
    assert not truth.uses.with_cause(ACCEPTED).any()
    assert truth.ends > 0


def _sweeper(truth: Truth) -> None:
    actual, policy = truth.uses, truth.policy
    assert (actual.idle_s[actual.with_cause(ACCEPTED)] < policy.idle_s + policy.sweep_s).all()
    assert (actual.idle_s[actual.with_cause(IDLE)] >= policy.idle_s).all()


def _throttled(truth: Truth) -> None:
    actual, policy = truth.uses, truth.policy
    assert (actual.idle_s[actual.with_cause(ACCEPTED)] < policy.idle_s).all()
    # A use may last a moment longer than its lookup, from which the throttle counts.
    assert (actual.idle_s[actual.with_cause(IDLE)] > policy.idle_s - policy.throttle_s - 1).all()


def _mixed(truth: Truth) -> None:
    actual, policy = truth.uses, truth.policy
    assert policy.other_idle_s is not None
    assert (actual.idle_s[actual.with_cause(ACCEPTED)] < policy.other_idle_s).all()
    assert (actual.idle_s[actual.with_cause(IDLE)] >= policy.idle_s).all()


def _none(truth: Truth) -> None:
    assert truth.ends == 0


@pytest.mark.parametrize(
    ("policy", "law"),
    [
        ("idle", _idle),
        ("absolute", _absolute),
        ("idle+absolute", _both),
        ("periodic", _periodic),
        ("per-request", _per_request),
        ("idle-sweeper", _sweeper),
        ("idle-throttled", _throttled),
        ("mixed", _mixed),
        ("none", _none),
    ],
)
def test_the_server_keeps_its_rules(policy: str, law: Callable[[Truth], None]) -> None:
    """By the true times, each use met with what the rules say."""
    for capture in captures_of(policy, values=60):
        law(capture.truth)


@pytest.mark.parametrize("policy", ["eviction", "idle-losses"])
def test_values_are_lost_at_random(policy: str) -> None:
    """No limit explains the losses of a whole set of captures."""
    truths = [capture.truth for capture in captures_of(policy, values=200)]
    assert sum(truth.losses for truth in truths) >= 5
    assert not any(truth.idle_explains and truth.losses > 2 for truth in truths)


def test_a_capture_misses_only_what_was_accepted() -> None:
    """Where it misses all of that, it has seen issues and ends."""
    for policy in ("idle", "none"):
        for capture in captures_of(policy, 30, Variation(uncaptured=1.0)):
            assert not capture.truth.uses.with_cause(ACCEPTED, OVERLAP).any()
    whole, holed = (draw("idle", 60, 1, variation=Variation(uncaptured=u)) for u in (0, 0.1))
    assert len(holed.view.request_start_us) != len(whole.view.request_start_us)


def test_a_restart_and_a_calendar_end_values_of_their_own() -> None:
    """They are in the truth, and no limit of the rules made them."""
    for seed in SEEDS:
        restarted = draw("none", 60, seed, variation=Variation(restarts=2)).truth
        turned = draw("none", 60, seed, variation=Variation(calendar=True)).truth
        causes = set(restarted.uses.cause.tolist()) | set(turned.uses.cause.tolist())
        assert {CAUSES[c] for c in causes} <= {"accepted", "restarted", "turned", "gone"}
        assert len(restarted.restarts_s) == 2
        assert restarted.ends > 0


def test_clock_readings_can_be_whole_seconds() -> None:
    """All of them."""
    seen = draw("idle", 20, 1, variation=Variation(seconds=True)).view
    assert not (seen.request_start_us % 1_000_000).any()
    assert not (seen.response_end_us % 1_000_000).any()


def test_a_plain_capture_has_no_accidents() -> None:
    """Nobody logs out, and no value is used after its end."""
    for capture in captures_of("idle", 60, Variation(plain=True)):
        assert capture.truth.late == (0, 0)
        assert not capture.view.logout.any()


def test_the_tables_say_nothing_of_the_truth() -> None:
    """All that varies between captures is times, numbers, and words that every policy shares."""
    made = tables([draw(policy, 30, seed).view for policy in POLICIES for seed in SEEDS])
    words = {
        text
        for table in made.values()
        for field in table.schema
        if field.type == pa.string() and field.name not in ("flow_id", "peer", "host")
        for text in table[field.name].unique().to_pylist()
    }
    assert words == {
        *("https", "HTTP/1.1", "GET", "POST", "zest", "52eseller", None, ""),
        *("_session_token", "Ticket", "VisitorId", "header", "uriquery", "body", "forced"),
        *("value", "establish", "lower+digit", "shop-app/4.2", "stock-sync/1.0", "till/3.1"),
        *(f"/shop/API/V3/{name}" for name in ("Cart", "Product", "Order", "Logout")),
        *(f"/services/v3/{name}" for name in ("baskets", "products", "menus", "logout")),
    }


def imported(path: Path) -> set[str]:
    """The modules that a file imports, or imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_nothing_that_judges_can_import_the_simulation() -> None:
    """An estimator takes a recording: it has no way to the truth."""
    for path in Path(statetrail.__file__).parent.rglob("*.py"):
        assert not any(name.startswith("studies") for name in imported(path)), path


def test_the_simulation_does_not_know_what_judges() -> None:
    """Of the package it knows the columns of tables; no traffic, truth or label comes from it."""
    for folder in ("simulation", "labelled"):
        for path in Path(studies.__file__).parent.joinpath(folder).glob("*.py"):
            if path.name.startswith("test_") or path.name in ("histories.py", "confusion.py"):
                continue
            known = {name for name in imported(path) if name.startswith("statetrail")}
            assert known <= {"statetrail.schema"}, path


@pytest.mark.parametrize(
    ("policy", "values", "said"),
    [("forever", 10, "choose from idle"), ("idle", 1, "ask for 2 or more")],
    ids=["policy", "values"],
)
def test_misuse_names_the_value_and_the_fix(policy: str, values: int, said: str) -> None:
    """A capture that cannot be drawn."""
    with pytest.raises(ValueError, match=said):
        draw(policy, values, 1)
