"""Requests that waited in a queue, and times of whole seconds: no client is blamed by a guess."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

import statetrail
from support.histories import Ex, recording
from support.strategies import histories


def faults(history: Sequence[Ex]) -> set[tuple[int, str, str]]:
    """The verdicts that count against clients, by exchange and parameter."""
    rows = statetrail.verdicts(recording(history, engine="pandas")).to_pandas()
    rows = rows[rows["fault"]]
    return set(zip(rows["exchange_id"], rows["param"], rows["verdict"], strict=True))


def delayed(ex: Ex, share: float) -> Ex:
    """The exchange, sent later than it was composed."""
    until = ex.begun if ex.begun is not None else ex.start
    return replace(
        ex,
        start=ex.start + share * max(until - ex.start, 0),
        extra=dict(ex.extra) | {"request_composed_us": round(ex.start * 1000)},
    )


def later(ex: Ex, ms: int) -> Ex:
    """The exchange, some milliseconds later."""
    times = {name: getattr(ex, name) for name in ("start", "begun", "ended")}
    return replace(ex, **{n: None if at is None else at + ms for n, at in times.items()})


@given(histories(max_size=15), st.lists(st.floats(0, 1), min_size=15, max_size=15))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_who_waits_in_a_queue_is_not_blamed_for_it(history: list[Ex], shares: list[float]) -> None:
    """What is no fault at the moment of composing is none however long the request waited."""
    waiting = [delayed(ex, share) for ex, share in zip(history, shares, strict=False)]
    assert faults(waiting) <= faults(history)


@given(histories(max_size=15), st.lists(st.integers(0, 999), min_size=15, max_size=15))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_whole_seconds_blame_nobody_whom_exact_times_do_not(
    history: list[Ex], fractions: list[int]
) -> None:
    """Of a history at any fractions of its seconds, the one without them has no more faults."""
    exact = [later(ex, fraction) for ex, fraction in zip(history, fractions, strict=False)]
    whole = [replace(ex, extra=dict(ex.extra) | {"time_error_s": 1}) for ex in history]
    assert faults(whole) <= faults(exact)
