"""Passes: what is made together is what is made alone."""

import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings

from statetrail.analyses.analysis import AUDITED, Analysis
from statetrail.analyses.catalogue import results
from statetrail.analyses.columnar import passes
from statetrail.analyses.columnar.executor import passing
from statetrail.recording.frames import Recording, open_recording
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts
from support.histories import Ex, facts, recording
from support.strategies import histories

BY = ("user-agent",)
COUNTED_IN_BUCKETS = ("issued_counts", "presented_counts", "compliance", "compliance_by_time")


@settings(max_examples=10, deadline=None)
@given(histories(min_size=8))
def test_what_is_made_together_is_what_is_made_alone(history: list[Ex]) -> None:
    """All that an audit needs, of one bucket and of several, with nothing computed again."""
    results()
    alone = recording(history, engine="pyarrow")
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(reader, "LARGE", 0),
        mock.patch.object(passes, "_HELD", 1),
    ):
        stored = Facts(Path(folder), "0" * 16, facts(history))
        dataset = export_parquet(stored, Path(folder) / "dataset", BY, buckets=3)
        for rec in (recording(history, engine="pyarrow"), open_recording(dataset, client_by=BY)):
            with mock.patch.object(passes, "passing", wraps=passing) as count:
                passes.prepare(rec, AUDITED)
                assert 1 < count.call_count < 10
                passes.prepare(rec, AUDITED)
                assert count.call_count < 10
            for analysis in AUDITED:
                assert summed(analysis, rec) == summed(analysis, alone), analysis.table.name


def summed(analysis: Analysis, rec: Recording) -> list[dict[str, Any]]:
    """The rows; of those that each bucket counts for itself the sums."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in analysis(rec).rows():
        if analysis.table.name not in COUNTED_IN_BUCKETS:
            rows[len(rows),] = row
            continue
        held = rows.setdefault(tuple(row[name] for name in analysis.table.key), row)
        if held is not row:
            for name in {"count", "judged", "faults"} & row.keys():
                held[name] += row[name]
            for name, pick in (("first_us", min), ("last_us", max)):
                if name in row:
                    held[name] = pick(held[name], row[name])
    return list(rows.values())
