"""Families of refresh tokens in random worlds: a server that rotates, clients of every shape."""

from pathlib import Path

import pytest

import statetrail
from studies.families.worlds import SHAPES, World, named, obedient


@pytest.mark.parametrize("grace_s", [0, 10, 45])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_reuse_fits_is_named(tmp_path: Path, shape: str, grace_s: float) -> None:
    """A client that obeys beside it has no reuse."""
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert named(shape, grace_s, seed, folder), seed


def test_a_response_whose_access_token_was_used_was_not_lost(tmp_path: Path) -> None:
    """The client kept the first refresh token, although it had the response with the next one."""
    world = World(3, 0)
    token = world.login(0, "192.0.2.1")
    world.refresh(10, "192.0.2.1", token, access="B" * 24)
    world.use(20, "192.0.2.2", "B" * 24)
    world.refresh(30, "192.0.2.1", token)
    world.use(40, "192.0.2.1", "B" * 24)
    world.refresh(50, "192.0.2.1", token)
    reuses = statetrail.reuses(world.recorded(tmp_path)).rows()
    assert [row["fits"] for row in reuses] == ["lost-response", "kept"]


@pytest.mark.parametrize("grace_s", [0, 10, 45])
def test_the_window_of_grace_is_bracketed(tmp_path: Path, grace_s: float) -> None:
    """By retries of many ages."""
    world = World(7, grace_s)
    for number in range(60):
        start = number * 100_000.0
        token, at = obedient(world, start, f"192.0.2.{number + 1}", 1)
        world.refresh(at, f"192.0.2.{number + 1}", token, lost=True)
        world.refresh(at + world.rng.uniform(0.5, 90), f"192.0.2.{number + 1}", token)
    (row,) = statetrail.graces(world.recorded(tmp_path)).rows()
    assert (row["low_s"] or 0) <= grace_s <= row["high_s"]
    assert row["high_s"] - (row["low_s"] or 0) < 12
    assert row["contradictions"] == 0
