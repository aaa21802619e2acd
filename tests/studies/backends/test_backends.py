"""Backends in small: no innocent shopper is blamed, no fault inside a session is missed."""

from random import Random

import pytest

from studies.backends.facts import SENDERS
from studies.backends.judging import judge
from studies.backends.visits import GRACE_MS, KINDS, draw
from studies.oracle.judges import apart, by_engine, by_slow_judge, by_tracker, short

SHOPPERS, SHARE = 10, 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_each_shopper_of_a_backend_is_judged_by_its_own_sessions(kind):
    """Ten shoppers behind one address, half of them faulty, however they are told apart."""
    for senders in SENDERS:
        line = judge(draw(kind, SHOPPERS, SHARE, 3), senders)
        assert line.innocent > 100
        assert line.planted > 30
        found = line.planted if senders != "roaming" else line.found
        assert (line.blamed, line.found) == (0, found), (senders, line.wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_every_judge_says_the_same_of_a_backend(kind):
    """The engine, the tracker and the slow judge, of shoppers that one process serves."""
    history = draw(kind, SHOPPERS, SHARE, 4, requests=6).exchanges
    by_frames = by_engine(apart([history]), "duckdb", GRACE_MS)
    assert by_frames == by_tracker([history], GRACE_MS, Random(4))
    assert short(by_frames) == by_slow_judge([history], GRACE_MS)
