"""The stack distance of a full cache, against a plain count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from statetrail.expiry import Evidence
from statetrail.expiry.stack_distance import distances


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_the_distance_counts_the_other_values_touched_since(
    uses: list[tuple[int, bool]],
) -> None:
    """One use a second; each value was issued half a second before its first use."""
    touched = [(second, value) for second, (value, survived) in enumerate(uses) if survived]
    firsts = {value: second for second, (value, _) in reversed([*enumerate(uses)])}
    touched += [(second - 0.5, value) for value, second in firsts.items()]
    expected = {}
    last: dict[int, int] = {}
    idle = []
    for second, (value, _) in enumerate(uses):
        since = max(at for at, other in touched if other == value and at < second)
        expected[value, second] = len(
            {other for at, other in touched if since < at < second} - {value}
        )
        idle.append(second - last[value] if value in last else 0.5)
        last[value] = second
    evidence = Evidence.of(
        value=[value for value, _ in uses],
        client=[0] * len(uses),
        request_start_us=np.arange(len(uses)) * 1_000_000,
        survived=[survived for _, survived in uses],
        ended=[not survived for _, survived in uses],
        idle_low_s=idle,
        idle_high_s=idle,
        age_low_s=idle,
        age_high_s=idle,
    )
    order = sorted(expected)
    names = sorted({value for value, _ in uses})
    found = zip(evidence.value, evidence.request_start_us // 1_000_000, strict=True)
    assert [(names[value], second) for value, second in found] == order
    assert distances(evidence).tolist() == [expected[key] for key in order]
