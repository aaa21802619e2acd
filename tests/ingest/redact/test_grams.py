"""Pieces of six bytes are found with and without NumPy."""

from hypothesis import given
from hypothesis import strategies as st

from statetrail.ingest.redact.grams import SIZE, _Set, _Table, number

_TEXT = st.text("ab", max_size=60).map(str.encode)


@given(st.lists(st.text("ab", min_size=SIZE, max_size=SIZE).map(str.encode)), _TEXT)
def test_both_ways_find_the_same(grams, text):
    """Each piece, wherever it is, and nothing else."""
    numbers = [number(gram) for gram in grams]
    expected = [at for at in range(len(text)) if text[at : at + SIZE] in grams]
    assert list(_Set(numbers).positions(text)) == expected
    assert list(_Table(numbers).positions(text)) == expected
