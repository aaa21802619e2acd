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
