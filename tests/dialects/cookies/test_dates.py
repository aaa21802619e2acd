"""Dates of cookies: whatever shape servers give them."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from statetrail.dialects.cookies import dates

SHAPES = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%H:%M:%S/%Y/%d/%B",
]
FIRST = dt.datetime(1601, 1, 1)  # noqa: DTZ001 - as hypothesis wants it


@given(st.datetimes(FIRST), st.sampled_from(SHAPES))
def test_every_moment_is_read_back(moment: dt.datetime, shape: str) -> None:
    """In every shape, to the second."""
    moment = moment.replace(microsecond=0, tzinfo=dt.UTC)
    at_us = dates.parse(moment.strftime(shape))
    assert at_us is not None
    assert dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us) == moment


@given(st.text(st.sampled_from("0123456789:abcdefghijlmnoprstuvy -,/\t\x00é")))
def test_no_text_breaks_the_reading(text: str) -> None:
    """It is a date or none."""
    assert isinstance(dates.parse(text), int | None)
