"""The median duration of sessions is exact: engines have approximate ones, too."""

import random
from collections import defaultdict
from statistics import median

import narwhals as nw
import pyarrow as pa

from statetrail.report.counting import SUBJECT
from statetrail.report.sections.sessions import median_durations


def test_a_median_is_exact() -> None:
    """Of thousands of durations, for each parameter; none where there is no session."""
    chance = random.Random(4)
    spans = defaultdict(list)
    rows = []
    for _ in range(5000):
        subject = (f"http://{chance.choice('ab')}.example", "zest", chance.choice("xy"))
        spans[subject].append(span := chance.expovariate(0.001))
        rows.append((*subject, span))
    columns = [*SUBJECT, "duration_s"]
    table = pa.table({name: [row[at] for row in rows] for at, name in enumerate(columns)})
    found = median_durations(nw.from_native(table).lazy())
    assert found == {subject: median(of) for subject, of in spans.items()}
    assert median_durations(nw.from_native(table.slice(0, 0)).lazy()) == {}
