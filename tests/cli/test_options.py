"""Values of the options that several commands have."""

import pytest

from statetrail.cli.options import duration_s
from statetrail.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("30d", 2_592_000), ("12 h", 43_200), ("1W", 604_800), ("90s", 90)),
        *(("1.5h", 5400), ("10min", 600), ("10m", 600), ("250ms", 0.25)),
    ],
)
def test_durations_have_a_unit(text: str, seconds: float) -> None:
    """Weeks to milliseconds, in either letter case."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "d", "ms", "-1d", "1y", "1e9d", "9" * 40 + "s"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    """The message names the value and the right form."""
    with pytest.raises(UsageError, match="is no duration: write it as 250ms"):
        duration_s(text)
