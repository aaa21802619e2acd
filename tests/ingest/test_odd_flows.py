"""Flows with members of another type, and with times that no clock shows: the rest is imported."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.io import tnetstring

from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import import_files
from statetrail.store.sqlite import SqliteStore
from studies.attack import flow_places
from studies.attack.mutate import STATES
from support.commands import run
from support.flowfiles import flow_file

TIMES = (0.0, -1e9, 1e-9, 253402300800.0, -62135596801.0, 1e18, -1e18, 9.2e12, 1772442000.5)
"""Seconds: before the epoch, after the last year of calendars, and a usual one."""


def states(count: int) -> list[Any]:
    """Sound flows, as plain values."""
    file = io.BytesIO(flow_file(*(flow_places.made() for _ in range(count))))
    return [tnetstring.load(file) for _ in range(count)]


def imported(tmp_path: Path, flows: list[Any]) -> tuple[Path, int, int]:
    """A store of these flows: how many exchanges it has, and how many were skipped."""
    capture = tmp_path / "x.flows"
    capture.write_bytes(b"".join(map(tnetstring.dumps, flows)))
    path = tmp_path / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        (done,) = import_files([capture], store, ExtractorConfig(select(), store.fingerprinter))
    return path, done.exchanges, done.skipped


@pytest.mark.parametrize(
    "place",
    [
        lambda flow: (flow, "id"),
        lambda flow: (flow["request"], "timestamp_start"),
        lambda flow: (flow["request"], "timestamp_end"),
        lambda flow: (flow["request"], "port"),
        lambda flow: (flow["request"], "method"),
        lambda flow: (flow["request"], "headers"),
        lambda flow: (flow["request"], "content"),
        lambda flow: (flow["response"], "timestamp_end"),
        lambda flow: (flow["response"], "status_code"),
        lambda flow: (flow["response"], "content"),
        lambda flow: (flow["client_conn"], "peername"),
        lambda flow: (flow, "metadata"),
        lambda flow: (flow, "error"),
    ],
    ids=lambda place: "->".join(str(c) for c in place.__code__.co_consts if isinstance(c, str)),
)
def test_a_member_of_another_type_does_not_end_an_import(
    tmp_path: Path, place: Callable[[Any], tuple[Any, str]]
) -> None:
    """The flows around it are stored; it is stored itself, or counted."""
    flows = states(2 * len(STATES))
    for flow, value in zip(flows[::2], STATES, strict=True):
        members, name = place(flow)
        members[name] = value
    path, exchanges, skipped = imported(tmp_path, flows)
    assert exchanges >= len(STATES)
    assert exchanges + skipped == len(flows)
    assert run("show", path, "exchanges", "--format", "json").code == 0


def test_times_that_no_clock_shows_are_audited(tmp_path: Path) -> None:
    """All of them in one recording, in every order of start and end."""
    flows = states(len(TIMES) ** 2)
    pairs = [(start, end) for start in TIMES for end in TIMES]
    for flow, (start, end) in zip(flows, pairs, strict=True):
        flow["request"]["timestamp_start"] = flow["request"]["timestamp_end"] = start
        flow["response"]["timestamp_start"] = flow["response"]["timestamp_end"] = end
    path, exchanges, skipped = imported(tmp_path, flows)
    assert exchanges + skipped == len(flows)
    assert exchanges > 0
    reports = [part for name in ("html", "json", "md") for part in (f"--{name}", tmp_path / name)]
    assert run("audit", path, *reports).code == 0
    for command in (
        ("show", path, "exchanges"),
        ("show", path, "expiry"),
        ("watch", path, "--seconds", "0"),
        ("export", path, "--to", tmp_path / "dataset"),
        ("show", tmp_path / "dataset", "sessions"),
        ("prune", path, "--older-than", "1d"),
    ):
        done = run(*command)
        assert (done.code, done.err) == (0, "")
