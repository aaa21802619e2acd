"""Tallies: counts and first times of buckets together are those of the whole."""

from collections import defaultdict
from typing import Final

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from statetrail.analyses.tallies.tally import FIRST, tally, united

SUBJECTS: Final = [("https://a.test", "zest", "token"), ("https://b.test", "", "")]
DETAILS: Final = ["b", None, "a"]

HIT: Final = st.tuples(
    st.integers(0, 1), st.integers(0, 40), st.integers(0, 3), st.integers(0, len(DETAILS) - 1)
)
"""Subject, moment, exchange, detail: few, so that many are the same."""


def tallied(hits: list[tuple[int, int, int, int]]) -> pa.Table:
    columns = np.array(hits, dtype=np.int64).reshape(len(hits), 4).T
    subject, moment, exchange, detail = columns
    times = np.bincount(subject, minlength=len(SUBJECTS)) * 2
    return tally("it", SUBJECTS, times, (subject, exchange, moment), (detail, DETAILS))


@given(st.lists(st.lists(HIT, max_size=60), max_size=5))
def test_buckets_together_have_all_counts_and_the_first_times(buckets):
    whole = united(map(tallied, buckets))
    expected = defaultdict(list)
    for subject, moment, exchange, detail in (hit for each in buckets for hit in each):
        expected[SUBJECTS[subject]].append((moment, exchange, DETAILS[detail] or ""))
    found, times = defaultdict(list), {}
    for row in whole.to_pylist():
        subject = row["origin"], row["dialect"], row["param"]
        assert row["tally"] == "it"
        if row["hits"]:
            moment = row["observed_us"], row["exchange_id"], row["detail"]
            found[subject].append((*moment, row["hits"]))
        else:
            assert subject not in times
            times[subject] = row["times"]
    assert times == {subject: 2 * len(all_) for subject, all_ in expected.items()}
    for subject, all_ in expected.items():
        rows, all_ = sorted(found[subject]), sorted(all_)
        assert [row[:-1] for row in rows[:FIRST]] == all_[:FIRST]
        assert sum(row[-1] for row in rows) == len(all_)
        assert all(row[-1] == 1 for row in rows[:FIRST])
        assert (rows[-1][:-1], len(rows)) == (all_[-1], min(len(all_), FIRST + 1))
