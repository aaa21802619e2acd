"""Counts of facts: of every row, whatever pieces the rows come in."""

import json
import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

import pyarrow.parquet as pq
from hypothesis import given, settings

from statetrail.analyses.breakdowns.fact_counts import issued_counts, presented_counts
from statetrail.dialects import select
from statetrail.recording.frames import Recording, open_recording
from statetrail.rules import findings
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from statetrail.store.dataset.manifest import MANIFEST
from statetrail.store.reader import Facts
from support.histories import Ex, facts, token, use
from support.strategies import histories


@settings(max_examples=5, deadline=None)
@given(history=histories(min_size=8))
def test_each_row_counts(history: list[Ex]) -> None:
    """Files of many row groups have dictionaries that differ."""
    with tempfile.TemporaryDirectory() as name, mock.patch.object(reader, "LARGE", 0):
        _check(history, Path(name))


def test_a_recording_of_cookies_alone_is_audited(tmp_path: Path) -> None:
    """None of its dialects is judged by sessions; what is there of others counts for nothing."""
    rec = Recording(
        facts([Ex(0, 10, 20, [token("A")], [use("1")], path="/API/V3/Cart")]),
        dialects=select("cookie"),
    )
    assert findings(rec).rows() == []
    assert issued_counts(rec).rows() == presented_counts(rec).rows() == []


def _check(history: list[Ex], folder: Path) -> None:
    dataset = export_parquet(
        Facts(folder, "0" * 16, facts(history)), folder / "dataset", ["user-agent"], 2
    )
    for file in dataset.rglob("*.parquet"):
        pq.write_table(pq.read_table(file), file, row_group_size=2)
    manifest = json.loads((dataset / MANIFEST).read_text("utf-8"))
    del manifest["files"]  # their sizes are others now
    (dataset / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    rec = open_recording(dataset, client_by="user-agent")
    issued = Counter((i.dialect, i.param, i.problem) for ex in history for i in ex.issued)
    shown = Counter((p.dialect, p.param) for ex in history for p in ex.presented)
    found: Counter[tuple[str, str, str | None]] = Counter()
    for row in issued_counts(rec).rows():
        found[row["dialect"], row["param"], row["problem"]] += row["count"]
    assert found == issued
    presented: Counter[tuple[str, str]] = Counter()
    for row in presented_counts(rec).rows():
        presented[row["dialect"], row["param"]] += row["count"]
    assert presented == shown
