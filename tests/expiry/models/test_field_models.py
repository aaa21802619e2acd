"""The hypotheses of field policies, on worlds drawn by seeds that no report uses."""

from dataclasses import replace

import numpy as np
import pytest

from expiry.samples import TIMEOUT_S, evidence
from statetrail.analyses.lifetimes.expiry import expiry, inferred
from statetrail.expiry import Evidence, infer
from statetrail.expiry.models import login as login_model
from statetrail.expiry.models.grey_zone import begin_low
from statetrail.recording.frames import Recording
from studies.calibration.field import covers
from studies.calibration.field_worlds import draw_world, tables

FIELDS = Evidence.__dataclass_fields__
SHIFTS = {"value": "values", "client": "clients", "session": "clients"}
WORLDS = {
    "writes-only TTL": {"idle-by-writes"},
    "two limits by login": {"mixed"},
    "probabilistic GC": {"grey-zone"},
    "LRU": {"eviction"},
    "midnight logout": {"wall-clock", "none-seen"},
}


@pytest.mark.parametrize(("policy", "names"), WORLDS.items(), ids=WORLDS.keys())
def test_a_field_policy_is_named_and_its_limit_lies_in_the_interval(
    policy: str, names: set[str]
) -> None:
    """One backend or many senders; what cannot be named stays open."""
    worlds = [draw_world(policy, 60, seed) for seed in range(900, 906)]
    rows = expiry(Recording(tables(worlds))).rows()
    named = [row["policy"] for row in rows]
    assert set(named) <= names | {"undetermined"}
    assert sum(name in names for name in named) >= 4
    for world, row in zip(worlds, sorted(rows, key=lambda row: str(row["origin"])), strict=True):
        assert covers(world, row) is not False
        tokens = row["ended"] + row["censored"]
        assert row["confidence"] != "high" or row["contradictions"] <= 0.05 * tokens


def test_the_sessions_of_one_backend_are_its_witnesses() -> None:
    """One address and one user agent, many users: the policy has a name."""
    worlds = [
        w
        for seed in range(900, 912)
        if len(set((w := draw_world("plain idle", 60, seed)).peers)) == 1
    ]
    rows = expiry(Recording(tables(worlds))).rows()
    assert worlds
    assert all(row["policy"] == "idle" for row in rows)


def test_a_login_that_explains_no_end_takes_nothing_from_a_plain_timeout() -> None:
    """Where one limit explains every use, two are not weighed, however few ends there are."""
    plain = evidence(lambda idle, age: idle >= TIMEOUT_S, clients=3, uses=12)
    login = (plain.holder[plain.value] == 0).astype(np.int8)
    split = infer(replace(plain, login=login)).selection
    assert split.posterior == infer(plain).selection.posterior
    assert split.comparison is not None
    assert split.comparison.log_evidence[login_model.LABEL] == -np.inf


@pytest.mark.parametrize("seed", [900, 902, 907])
def test_what_one_collection_tells_twice_does_not_narrow_a_grey_zone(seed: int) -> None:
    """Twins that are used at the same moments add nothing to where the zone begins."""
    world = draw_world("probabilistic GC", 60, seed)
    (one,) = inferred(Recording(tables([world]))).values()
    uses, twins = one.sample, {}
    for name in FIELDS:
        column, shift = getattr(uses, name), SHIFTS.get(name)
        twins[name] = np.concatenate([column, column + getattr(uses, shift) if shift else column])
    single, double = (begin_low(each, -np.inf) for each in (uses, Evidence(**twins)))
    assert 0.5 * world.server.idle_s < single < world.server.idle_s
    assert double == pytest.approx(single, rel=0.01)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(50, id="one value contradicts a sharp limit"),
        pytest.param(108, id="most values came back long after the timeout"),
    ],
)
def test_collections_are_allowed_for_wherever_they_may_have_been(seed: int) -> None:
    """The timeout lies below the sharp interval, and in the reported one."""
    world = draw_world("probabilistic GC", 30, seed)
    (row,) = expiry(Recording(tables([world]))).rows()
    assert row["idle_low_s"] < world.server.idle_s < row["idle_sharp_low_s"]
