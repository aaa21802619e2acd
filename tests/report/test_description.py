"""Descriptions: what each column of a table means, as the catalogue says it."""

import pytest

import statetrail as st
from statetrail.analyses.catalogue import NAMES
from statetrail.errors import UsageError
from support.histories import Ex, recording, token


def test_every_table_is_described_as_pandas_has_it() -> None:
    """The names and types are those of the table's frame; times and spans have units."""
    rec = recording([Ex(0, 10, 20, [token("a")])])
    described = st.describe(st.tokens(rec)).to_pandas().set_index("column")
    frame = st.tokens(rec).to_pandas()
    assert list(described.index) == list(frame.columns)
    assert list(described["dtype"]) == list(frame.dtypes.astype(str))
    assert described.loc["first_issued", "unit"] == "UTC"
    assert described.loc["observed_s", "unit"] == "seconds"
    assert described.loc["value", "null"] == "the value is secret or not a plain one"


def test_without_a_table_all_of_them_are_listed() -> None:
    """Those of the catalogue, the findings among them; text and HTML show each."""
    listed = st.describe()
    assert list(listed.to_pandas()["table"]) == list(NAMES)
    for name in NAMES:
        assert f" {name} " in repr(listed)
        assert f">{name}<" in listed._repr_html_()
        assert max(map(len, repr(st.describe(name)).splitlines()[1:])) <= 100


def test_an_unknown_table_is_misuse() -> None:
    """The nearest name is proposed."""
    with pytest.raises(UsageError, match="did you mean verdicts"):
        st.describe("verdict")
