"""Digests are remembered exactly, in little memory."""

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from statetrail.ingest.har.digests import Digests

# Few different bytes, so that parts of one digest look like another.
CLOSE = st.lists(st.sampled_from([0, 1, 255]), min_size=8, max_size=8).map(
    lambda parts: int.from_bytes(bytes(parts), signed=True)
)


@given(st.lists(CLOSE | st.integers(-(2**63), 2**63 - 1)))
def test_a_digest_is_there_once_it_was_added(digests: list[int]) -> None:
    """As in a set, whatever the digests have in common."""
    known, expected = Digests(), set[int]()
    for digest in digests:
        assert (digest in known) == (digest in expected)
        if digest not in expected:
            known.add(digest)
            expected.add(digest)


def test_many_digests_take_little_memory() -> None:
    """Of 200,000 fewer than 8 MB."""
    draw = random.Random(1)
    tracemalloc.start()
    known = Digests()
    for _ in range(200_000):
        known.add(draw.getrandbits(64) - 2**63)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 8 << 20
