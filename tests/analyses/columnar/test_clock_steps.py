"""Clock steps: order of arrival puts times right, and a file in another order is left as it is."""

from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import statetrail
from statetrail.analyses.columnar.clock_steps import clock_steps
from statetrail.recording.frames import Recording
from studies.backends.facts import tables
from studies.backends.visits import GRACE_MS, draw
from support.histories import Ex, recording

TIMES = ("request_start_us", "request_end_us", "response_start_us", "response_end_us")


def recorded(facts: dict[str, pa.Table], at_us: int, back_us: int) -> Recording:
    """The facts as a recorder left them whose clock was set back at a moment."""
    exchanges = facts["exchanges"]
    # The order of arrival: by the end of the response, or its beginning where it was cut short.
    ends = exchanges["response_end_us"].fill_null(0).to_numpy()
    ends = np.maximum(ends, exchanges["response_start_us"].to_numpy())
    order = np.argsort(ends, kind="stable")
    number = {int(i): n for n, i in enumerate(exchanges["exchange_id"].to_numpy()[order], 1)}
    columns = {"capture_id": [1] * len(exchanges)}
    for name in TIMES:
        columns[name] = [
            None if t is None else t - back_us * (t > at_us) for t in exchanges[name].to_pylist()
        ]
    changed = {}
    for name, table in facts.items():
        own = columns if name == "exchanges" else {}
        if "exchange_id" in table.column_names:
            own = own | {"exchange_id": [number[i] for i in table["exchange_id"].to_pylist()]}
        changed[name] = with_columns(table, own)
    return Recording(changed, grace_ms=GRACE_MS)


def with_columns(table: pa.Table, columns: dict) -> pa.Table:
    """The table with integer columns replaced."""
    for name, values in columns.items():
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(values, pa.int64()))
    return table


def alone(start_us: np.ndarray) -> Recording:
    """Exchanges of one capture, numbered in order of arrival, a millisecond each."""
    facts = tables(draw("ZEST", 1, 0.0, 1), "one process")
    count = len(start_us)
    own = {
        "exchange_id": np.arange(1, count + 1),
        "capture_id": np.ones(count, dtype=np.int64),
        **{name: start_us + 1000 * name.startswith("response") for name in TIMES},
    }
    exchanges = with_columns(pa.concat_tables([facts["exchanges"].slice(0, 1)] * count), own)
    none = {name: table.slice(0, 0) for name, table in facts.items()}
    return Recording(none | {"exchanges": exchanges})


@pytest.mark.parametrize("kind", ["ZEST", "52eSELLER ticket"])
def test_a_clock_that_was_set_back_blames_nobody(kind: str) -> None:
    """Obedient shoppers, and a clock that goes back by five minutes at any request."""
    facts = tables(draw(kind, 10, 0.0, 5), "one process")
    starts = sorted(facts["exchanges"]["request_start_us"].to_pylist())
    found = 0
    for at_us in Random(kind).sample(starts, 8):
        rec = recorded(facts, at_us, 300_000_000)
        found += len(clock_steps(rec))
        assert not [row for row in statetrail.verdicts(rec).rows() if row["fault"]]
    assert found >= 4, "few of the steps can be seen"


@given(st.lists(st.integers(1, 50), min_size=4, max_size=30), st.integers(3, 90), st.data())
def test_times_follow_the_order_of_arrival(
    gaps_s: list[int], back_s: int, data: st.DataObject
) -> None:
    """Whatever the gaps and wherever the step, by as little as the order demands."""
    at = data.draw(st.integers(1, len(gaps_s)))
    clock = np.cumsum([0, *gaps_s]) * 1_000_000
    clock[at:] -= back_s * 1_000_000
    steps = clock_steps(alone(clock))
    ids, ones = np.arange(1, len(clock) + 1), np.ones(len(clock), dtype=np.int64)
    start, end = steps.corrected(ones, ids, (clock, clock + 1000))
    lacking = int(clock[at - 1] - clock[at])
    assert steps.offset.tolist() == ([lacking + 1000] if lacking - 1000 > 2_000_000 else [])
    if len(steps):
        assert (np.diff(start) >= 0).all()
    assert (end - start == 1000).all()


def test_what_was_under_way_at_a_step_stays_before_what_follows() -> None:
    """A request of before the step ends after it, another one was given up without a response."""
    started = [0, 8_000, 5_938, -44_052, 3_938, -42_062, -40_000]
    responded = [100, 8_050, -44_042, -44_002, None, -42_012, -39_990]
    ended = [120, 8_060, -43_842, -43_802, None, -42_002, -39_980]
    history = [
        Ex(10**9 + start, at and 10**9 + at, end and 10**9 + end, extra={"capture_id": 1})
        for start, at, end in zip(started, responded, ended, strict=True)
    ]
    steps = clock_steps(recording(history))
    assert steps.exchange.tolist() == [3], "what was given up is no second step"
    ids, ones = np.arange(1, 8), np.ones(7, dtype=np.int64)
    times = [
        np.array([2**62 if t is None else t * 1000 for t in each]) for each in (started, ended)
    ]
    start, end = steps.corrected(ones, ids, (times[0], times[1]))
    before, after = [1, 2, 4], [3, 5, 6]
    assert start[before].tolist() == times[0][before].tolist()
    assert max(start[before]) <= min(start[after])
    assert (end[after] - start[after] == times[1][after] - times[0][after]).all()


def test_a_file_that_was_sorted_by_hand_is_left_as_it_is() -> None:
    """The newest first, as a list on a screen has it: no clock went back so often."""
    assert not len(clock_steps(alone(np.arange(40, 0, -1) * 10_000_000)))


SPANS = ("idle_low_s", "idle_high_s", "age_low_s", "age_high_s")


@pytest.mark.parametrize("kind", ["ZEST", "52eSELLER visitor"])
def test_no_duration_lies_across_a_step(kind: str) -> None:
    """Of each use the brackets hold what a clock that was never set back shows, or are unknown."""
    facts = tables(draw(kind, 12, 0.0, 7, requests=40), "one process")
    truth = {row["exchange_id"]: row for row in uses_of(recorded(facts, 2**60, 0))}
    starts = sorted(facts["exchanges"]["request_start_us"].to_pylist())
    steps, known = 0, 0
    for at_us in Random(kind).sample(starts, 6):
        rec = recorded(facts, at_us, 1_500_000_000)
        steps += len(clock_steps(rec))
        for row in uses_of(rec) if len(clock_steps(rec)) else ():
            true = truth[row["exchange_id"]]
            for low, high in pairwise(SPANS):
                if low.endswith("high_s") or None in (true[low], true[high]):
                    continue
                known += row[low] is not None and row[high] is not None
                assert (row[low] or 0.0) <= true[high], (row, true)
                assert row[high] is None or row[high] >= true[low], (row, true)
            assert row["outcome"] == "survived" or row["idle_high_s"] is not None
    assert steps >= 3
    assert known > 300 * steps, "most durations lie on one side of the step"


def uses_of(rec: Recording) -> list[dict]:
    """The uses that count, of the key that every request presents."""
    rows = statetrail.uses(rec).rows()
    return [
        r for r in rows if r["exclusion"] is None and r["param"] in ("_session_token", "VisitorId")
    ]
