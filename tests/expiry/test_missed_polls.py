"""Gaps of several of a steady client's steps: a request may have been missed in them."""

from dataclasses import fields
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from expiry.samples import evidence
from statetrail.expiry import Evidence, infer
from statetrail.expiry.advice import advice
from statetrail.expiry.missed_polls import shorten_missed
from statetrail.expiry.selection import MIN_POSTERIOR

TIMEOUT_S = 1800.0


def with_pollers(uses: Evidence, step_s: float, *, missed: int, pollers: int = 3) -> Evidence:
    """The same uses and those of pollers, from whose uses some between others are missing."""
    random, rows = Random(5), list[tuple[int, int, float, float]]()
    for poller in range(pollers):
        at = random.uniform(0, step_s)
        times = [at := at + step_s * random.uniform(0.99, 1.01) for _ in range(30)]
        del times[15 : 15 + missed]
        for before, now in pairwise(times):
            rows.append((uses.values + poller, 1000 + poller, now, now - before))
    value, client, now, idle = (np.array(column) for column in zip(*rows, strict=True))
    whole = {f.name: getattr(uses, f.name) for f in fields(Evidence)}
    more = {
        "value": value,
        "client": client,
        "request_start_us": np.round(1e6 * now),
        "survived": np.ones(len(now)),
        "ended": np.zeros(len(now)),
        "session": 1000 + client,
        "writes": np.zeros(len(now)),
        "login": np.full(len(now), -1),
        "late": np.zeros(len(now)),
        "idle_low_s": idle - 0.01,
        "idle_high_s": idle + 0.01,
        "age_low_s": np.zeros(len(now)),
        "age_high_s": np.full(len(now), np.inf),
    }
    return Evidence.of(**{name: np.concatenate([whole[name], more[name]]) for name in whole})


@pytest.mark.parametrize("seed", range(5))
def test_clients_without_steps_are_believed(seed: int) -> None:
    """Pauses at random are no steps, however many there are."""
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S, seed=seed)
    careful = shorten_missed(uses)
    for field in fields(Evidence):
        np.testing.assert_array_equal(getattr(careful, field.name), getattr(uses, field.name))


@pytest.mark.parametrize("missed", [1, 2, 3])
def test_a_gap_of_several_steps_counts_as_one_where_it_contradicts_the_others(missed: int) -> None:
    """Neither single steps nor ends nor what agrees with the others is shortened."""
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S)
    for share, doubted in ((0.9, True), (0.2, False)):
        both = with_pollers(uses, share * TIMEOUT_S, missed=missed)
        careful = shorten_missed(both)
        changed = careful.idle_low_s != both.idle_low_s
        assert np.count_nonzero(changed) == (3 if doubted else 0)
        np.testing.assert_allclose(
            careful.idle_low_s[changed] * (missed + 1), both.idle_low_s[changed]
        )
        assert both.survived[changed].all()


@pytest.mark.parametrize(("pollers", "policy"), [(1, "idle"), (3, "undetermined")])
def test_missed_requests_make_no_second_population(pollers: int, policy: str) -> None:
    """A poller that outlives the timeout of all others by a whole step may have missed a request.

    If several do, that explains it as well as a population of their own: neither is named.
    """
    uses = evidence(lambda idle, age: idle >= TIMEOUT_S, clients=8, uses=40)
    found = infer(with_pollers(uses, 0.7 * TIMEOUT_S, missed=1, pollers=pollers))
    assert found.policy == policy
    assert found.selection.comparison is not None
    assert found.selection.comparison.posterior["mixed"] < 0.01
    assert found.selection.posterior is not None
    assert (found.selection.posterior >= MIN_POSTERIOR) is (policy == "idle")
    said = "depends on whether a request was missed in 3 idle times of several steps" in advice(
        found, ends=20, sessions=5
    )
    assert said is (policy == "undetermined")
