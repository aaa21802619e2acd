"""Rounds: the pauses that the probe makes next."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.probe.rounds import is_enough, keep_alive_pauses, pauses


@given(
    st.lists(st.floats(0.01, 1e6), max_size=4).map(sorted),
    st.floats(0.01, 100),
    st.integers(1, 16),
)
def test_each_token_of_a_round_has_a_pause_and_they_go_up(
    plan: list[float], first_s: float, tokens: int
) -> None:
    """Whatever the plan so far."""
    row = {"plan": ", ".join(map(str, plan)), "low_s": None, "high_s": None}
    planned = pauses(row, first_s, tokens)
    assert len(planned) == tokens
    assert len(plan) < 2 or all(a <= b * 1.000001 for a, b in pairwise(planned))


@given(st.floats(0.01, 1e5), st.floats(0.01, 10))
def test_the_token_in_use_is_used_to_the_end_and_politely(longest: float, polite: float) -> None:
    """Its uses last as long as the longest pause, and none comes too soon after another."""
    uses = keep_alive_pauses(longest, polite)
    assert abs(sum(uses) - longest) < 1e-6 * longest
    assert len(uses) == 1 or min(uses) >= polite * 0.999999
    assert len(uses) <= 8


@pytest.mark.parametrize(
    ("policy", "low", "high", "enough"),
    [
        ("idle", 2.0, 2.19, True),
        ("idle", 2.0, 2.3, False),
        ("undetermined", 2.0, 2.1, False),
        ("none-seen", 8.0, None, False),
        ("per-request", None, 3.0, False),
    ],
)
def test_when_the_probe_is_done(
    policy: str, low: float | None, high: float | None, enough: bool
) -> None:
    """The policy has a name, the interval two ends, close together."""
    assert is_enough({"policy": policy, "low_s": low, "high_s": high}, 0.1) is enough
    assert not is_enough(None, 0.1)
