"""Expiry on small worlds with a known limit, against a plain count, and by hand."""

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.uses import uses
from statetrail.expiry.advice import spoken
from statetrail.recording.engines import Engine
from support.histories import Ex, Issue, Present, recording, token, use
from support.strategies import histories

PATH = "/API/V3/Cart"


def world(
    seed: int, *, idle_s: float | None = None, age_s: float | None = None, clients: int = 4
) -> list[Ex]:
    """Clients that keep their tokens, pause at random and take a new one when they are given it."""
    random = Random(seed)
    history = []
    for client in range(clients):
        now, used, born, value, shown = random.uniform(0, 1e6), 0.0, 0.0, 0, "1"
        for _ in range(25):
            reset = (
                value == 0
                or (idle_s is not None and now - used >= idle_s * 1000)
                or (age_s is not None and now - born >= age_s * 1000)
            )
            if reset:
                value, born = value + 1, now
            name = f"token-{client}-{value}"
            start, end = now - random.uniform(1, 30), now + random.uniform(1, 30)
            history.append(
                Ex(start, now, end, [token(name)], [use(shown)], client=f"c{client}", path=PATH)
            )
            used, shown = now, name
            now += 1000 * random.lognormvariate(0, 1.2) * (idle_s or (age_s or 300) / 4)
    return history


def found(history: list[Ex], engine: Engine = "polars") -> dict[str, Any]:
    """The only row of a history's expiry table."""
    (row,) = expiry(recording(history, engine=engine)).rows()
    return row


@pytest.mark.parametrize("seed", range(5))
def test_an_idle_timeout_is_named_and_lies_in_the_interval(seed: int) -> None:
    """A world that resets after 20 minutes of idling."""
    row = found(world(seed, idle_s=1200))
    assert (row["policy"], row["contradictions"]) == ("idle", 0)
    assert row["low_s"] < 1200 <= row["high_s"]
    assert (row["idle_low_s"], row["idle_high_s"]) == (row["low_s"], row["high_s"])


@pytest.mark.parametrize("seed", range(5))
def test_a_lifetime_is_named_and_lies_in_the_interval(seed: int) -> None:
    """A world that replaces its tokens at an age of an hour."""
    row = found(world(seed, age_s=3600))
    assert (row["policy"], row["contradictions"]) == ("age", 0)
    assert row["low_s"] < 3600 <= row["high_s"]
    assert (row["age_low_s"], row["age_high_s"]) == (row["low_s"], row["high_s"])


def test_a_world_without_ends_says_so() -> None:
    """No end was seen: only what the limits exceed."""
    row = found(world(1))
    assert (row["policy"], row["high_s"], row["ended"]) == ("none-seen", None, 0)
    assert row["low_s"] > 0
    assert row["confidence"] == "none"


def test_much_agreeing_evidence_earns_high_confidence() -> None:
    """Many ends by many clients, a narrow interval, no contradiction."""
    assert found(world(2, idle_s=1200, clients=24))["confidence"] == "high"


def test_an_interval_that_the_tokens_contradict_is_no_answer() -> None:
    """Values lost at random fit no limit: the best of a bad lot is not shown."""
    random = Random(7)
    history = []
    for client in range(4):
        shown, now = "1", client * 1e5
        for turn in range(40):
            lost = shown == "1" or random.random() < 0.3
            value = f"token-{client}-{turn}" if lost else shown
            history.append(
                Ex(now, now + 1, now + 2.5, [token(value)], [use(shown)], client=f"c{client}",
                   path=PATH)
            )  # fmt: skip
            shown, now = value, now + 1000 * random.lognormvariate(3, 1)
    row = found(history)
    assert (row["policy"], row["low_s"], row["high_s"]) == ("eviction", None, None)
    assert row["confidence"] == "none"
    assert row["contradictions"] > 4
    assert "contradict any one idle timeout" in row["advice"]


def test_the_ends_of_one_client_name_no_policy() -> None:
    """However many they are: all of them may be that client's doing."""
    row = found(world(3, idle_s=1200, clients=1))
    assert (row["policy"], row["confidence"]) == ("undetermined", "low")
    assert "3 ends in 2 sessions" in row["advice"]


@settings(max_examples=8, deadline=None)
@given(histories(min_size=15))
def test_the_sharp_interval_is_the_one_with_the_fewest_contradictions(history: list[Ex]) -> None:
    """The uses counted limit by limit give the same sharp intervals, and the others hold them."""
    rec = recording(history, engine="polars")
    trials = [row for row in uses(rec).rows() if row["exclusion"] is None]
    for row in expiry(rec).rows():
        key = (row["origin"], row["dialect"], row["param"])
        own = [t for t in trials if (t["origin"], t["dialect"], t["param"]) == key]
        for span in ("idle", "age"):
            bounds = outlived_and_ended(own, span)
            low, high = (row[f"{span}_sharp_{side}_s"] for side in ("low", "high"))
            low, high = low or 0, high or float("inf")
            limits = {t for pair in bounds for t in pair} | {float("inf")}
            limits |= {t + 0.5 for t in limits}
            tried = {t: sum(not a < t <= f for a, f in bounds) for t in limits if t > 0}
            fewest = min(tried.values())
            best = [t for t, n in tried.items() if n == fewest]
            assert low < min(best) <= max(best) <= high
            assert all(n > fewest for t, n in tried.items() if not low < t <= high)
            assert (row[f"{span}_low_s"] or 0) <= low <= high <= (row[f"{span}_high_s"] or inf)
        assert row["survived"] == sum(t["outcome"] == "survived" for t in own)
        assert row["ended"] == len({t["fingerprint"] for t in own if t["outcome"] == "ended"})


def outlived_and_ended(trials: list[dict[str, Any]], span: str) -> list[tuple[float, float]]:
    """Per value the longest span outlived and the one by which it had ended."""
    bounds = []
    for value in {t["fingerprint"] for t in trials}:
        own = [t for t in trials if t["fingerprint"] == value]
        lived = [t[f"{span}_low_s"] or 0 for t in own if t["outcome"] == "survived"]
        died = [t[f"{span}_high_s"] for t in own if t["outcome"] == "ended"]
        bounds.append((max(lived, default=0.0), next((d for d in died if d), float("inf"))))
    return bounds


def test_expiry_is_the_same_on_every_engine() -> None:
    """DuckDB, pandas and Polars give one row, to the last bit."""
    history = world(4, idle_s=1200, clients=2)
    assert found(history, "duckdb") == found(history, "pandas") == found(history, "polars")


@pytest.mark.parametrize(
    ("history", "params"),
    [
        pytest.param([Ex(0, 1, 2, [Issue("LangId", "1")])], [], id="a language is no token"),
        pytest.param(
            [Ex(0, 1, 2, [Issue("CustomerId", "4201965", "implicit", "forced")])], [],
            id="nor is what a client never presents",
        ),
        pytest.param(
            [Ex(0, 1, 2, [Issue("VisitorId", "4711", "header", "informational")])], [],
            id="nor what a client may choose",
        ),
        pytest.param(
            [Ex(0, 1, 2, [Issue("Ticket", "T", problem="no-tail")])], [], id="nor a broken header"
        ),
        pytest.param(
            [Ex(0, 1, 2, [Issue("Ticket", "T", "header", "forced")])], ["Ticket"],
            id="a ticket is",
        ),
        pytest.param([Ex(0, 1, 2, presented=[Present("Ticket", "T")])], [], id="once it is issued"),
    ],
)  # fmt: skip
def test_which_parameters_hold_tokens(history: list[Ex], params: list[str]) -> None:
    """Secret, forced, and the client's to present."""
    rows = expiry(recording(history, engine="polars")).rows()
    assert [row["param"] for row in rows] == params


@pytest.mark.parametrize(
    ("history", "advice"),
    [
        pytest.param(
            [Ex(0, 1, 2, [token("A")], [use("1")], path=PATH)],
            "No client used a token again after a pause. A client that does would bound the limit.",
            id="no use",
        ),
        pytest.param(world(1, clients=1)[:4], "would bound the timeout", id="no end"),
        pytest.param(world(2, idle_s=1200, clients=4), "would halve the interval.", id="closed"),
        pytest.param(world(2, age_s=3600), "after its issue would halve", id="age"),
    ],
)
def test_the_advice_says_which_pause_would_tell_more(history: list[Ex], advice: str) -> None:
    """One sentence for each state of the evidence."""
    assert advice in found(history)["advice"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (59.9, "59.9 s"), (60, "1 min"), (7199.9, "2 h"), (93_600, "1 d 2 h")],
)
def test_a_span_is_spoken_in_two_units(seconds: float, text: str) -> None:
    """Rounding never leaves sixty of a unit."""
    assert spoken(seconds) == text


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_what_tokens_state_of_themselves_stands_beside(engine: Engine) -> None:
    """The shortest and the longest; it changes nothing of what is observed."""
    hour = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln"
    minute = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDA2MH0.c2ln"
    stating = [
        Ex(0, 5, 10, [token(hour)], [use("1")], client="a", path=PATH),
        Ex(20, 25, 30, [token(minute)], [use("1")], client="b", path=PATH),
        Ex(40, 45, 50, [token("opaque")], [use("1")], client="c", path=PATH),
        Ex(900_000, 900_005, 900_010, [token(hour)], [use(hour)], client="a", path=PATH),
    ]
    words = {hour: "x", minute: "y"}
    silent = [
        replace(
            ex,
            issued=[token(words.get(i.value, i.value)) for i in ex.issued],
            presented=[use(words.get(p.value, p.value)) for p in ex.presented],
        )
        for ex in stating
    ]
    told, without = found(stating, engine), found(silent, engine)
    assert (told.pop("declared_low_s"), told.pop("declared_high_s")) == (60, 3600)
    assert (without.pop("declared_low_s"), without.pop("declared_high_s")) == (None, None)
    assert told == without
