"""The executor: a large dataset judged bucket by bucket says what the whole says."""

import gc
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

import statetrail as st
from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.bucket import bucket
from statetrail.analyses.columnar.spill import SpilledList
from statetrail.analyses.exposure.leaks import leaks
from statetrail.analyses.lifetimes.summaries import gaps, use_tallies
from statetrail.analyses.lifetimes.uses import uses
from statetrail.analyses.tallies.exchange_tallies import exchange_tallies
from statetrail.errors import StoreError
from statetrail.recording.frames import Frame, Recording
from statetrail.recording.limits import Limits
from statetrail.recording.scratch import Scratch
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts
from support.histories import Ex, facts, recording
from support.strategies import histories

ANALYSES: tuple[Callable[[Recording], Frame], ...] = (
    *(st.verdicts, st.tokens, uses, st.rotations),
    *(exchange_tallies, use_tallies, gaps, leaks),
)
BY = ("user-agent",)
EDGES = [
    sign * 2**bits + more
    for bits in (0, 15, 31, 63)
    for sign in (-1, 1)
    for more in (-1, 0, 1)
    if -(2**63) <= sign * 2**bits + more < 2**63
]
"""Around the ends of what integers of 16, 32 and 64 bits hold."""


@pytest.fixture
def at_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dataset is large, and nothing has room in memory."""
    monkeypatch.setattr(reader, "LARGE", 0)
    monkeypatch.setattr(Limits, "list_bytes", 0)
    monkeypatch.setattr(Limits, "result_bytes", 0)


def exported(history: list[Ex], folder: Path, buckets: int = 3) -> Path:
    """The history as a dataset."""
    to = folder / "dataset"
    return export_parquet(Facts(folder, "0" * 16, facts(history)), to, BY, buckets)


@pytest.mark.usefixtures("at_scale")
@settings(max_examples=25, deadline=None)
@given(histories(min_size=8))
def test_buckets_say_what_the_whole_says(history: list[Ex]) -> None:
    """Also of tokens that clients of several buckets share, and with everything kept in files."""
    whole = recording(history, engine="polars")
    with tempfile.TemporaryDirectory() as folder:
        buckets = st.open(exported(history, Path(folder)), client_by=BY)
        for analysis in ANALYSES:
            assert analysis(buckets).rows() == analysis(whole).rows(), analysis.__name__


@dataclass(frozen=True)
class Inner:
    """Something in it."""

    short: npt.NDArray[np.int8]
    label: object


@dataclass(frozen=True)
class Thing:
    """Something to keep."""

    numbers: Ints
    flags: Bools
    grid: Bools
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    inner: "Inner"


@pytest.mark.usefixtures("at_scale")
@given(draw.lists(draw.sampled_from(EDGES)))
def test_what_is_spilled_comes_back_as_it_was(numbers: list[int]) -> None:
    """Narrow integers come back as wide as they were, grids in their shape, empty ones too."""
    spilled: SpilledList[Thing] = SpilledList(Scratch(), "thing", -1)
    column = np.array(numbers, dtype=np.int64)
    inner = Inner(np.sign(column).astype(np.int8), object())
    grid = column[:, None] > np.arange(3)
    thing = Thing(column, column > 0, grid, ("a", "b"), (("a", "b"), ("", "ü")), inner)
    spilled.add(thing)
    spilled.add(thing)  # the first of all stays in memory
    _, back = spilled
    assert back is not thing
    assert back.numbers.dtype == np.int64
    assert back.numbers.tolist() == numbers
    assert back.flags.tolist() == thing.flags.tolist()
    assert np.array_equal(back.grid, grid)
    assert (tuple(back.names), tuple(back.pairs)) == (thing.names, thing.pairs)
    assert back.inner.short.dtype == np.int8
    assert back.inner.short.tolist() == inner.short.tolist()
    assert back.inner.label is inner.label


@pytest.mark.usefixtures("at_scale")
def test_clients_that_buckets_do_not_keep_whole_are_judged_at_once(tmp_path: Path) -> None:
    """Clients told apart by less than the buckets are: the dataset is one bucket."""
    two = [Ex(0, 1, 2, client="a"), Ex(10, 11, 12, client="b"), Ex(20, 21, 22, client="c")]
    dataset = exported(two, tmp_path)
    assert len([*bucket(st.open(dataset, client_by=BY))]) > 1
    assert len([*bucket(st.open(dataset, client_by=("peer",)))]) == 1


@pytest.mark.usefixtures("at_scale")
def test_a_bucket_that_was_damaged_is_a_clear_error(tmp_path: Path) -> None:
    """A file that is cut short in its middle is named."""
    dataset = exported([Ex(0, 1, 2)], tmp_path)
    file = next((dataset / "issued").rglob("*.parquet"))
    content = file.read_bytes()
    file.write_bytes(content[:4] + bytes(len(content) - 4))
    with pytest.raises(StoreError, match="issued"):
        st.verdicts(st.open(dataset, client_by=BY))


def test_results_of_many_buckets_go_with_their_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_scale: Any
) -> None:
    """The folder with the results of the buckets stays as long as a result is held."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    two = [Ex(0, 1, 2, client="a"), Ex(10, 11, 12, client="b"), Ex(20, 21, 22, client="c")]
    frame = st.tokens(st.open(exported(two, tmp_path), client_by=BY))
    gc.collect()
    assert list((tmp_path / "temporary").iterdir())
    assert frame.rows() == []
    del frame
    gc.collect()
    assert not list((tmp_path / "temporary").iterdir())
