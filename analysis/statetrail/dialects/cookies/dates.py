"""The dates of cookies, RFC 6265bis section 5.1.1, and of the ``Date`` field beside them.

Enters: the text of a date in any of the shapes that servers write. Leaves: microseconds since the
epoch. User agents read no weekday and no time zone.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_YEAR: Final = 1601

_DELIMITERS: Final = r"\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e"
_TOKEN: Final = re.compile(f"[^{_DELIMITERS}]+")
_ODD: Final = re.compile(f"[0-9]{{5}}|[0-9][^0-9:{_DELIMITERS}]|:[0-9]+:[0-9]+:")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)


def parse(date: str) -> int | None:
    """Microseconds since the epoch, or `None` where the algorithm fails.

    Each token of the text is the first of time, day, month and year that it can be and that no
    token before it has been (steps 1 and 2). All four are needed, of a day that exists, in the
    year 1601 or later (steps 3 to 7).

    >>> parse("Thu, 01 Jan 1970 00:00:01 GMT"), parse("1-Jan-70 0:0:1"), parse("yesterday")
    (1000000, 1000000, None)
    """
    time = day = month = year = None
    for token in _TOKEN.findall(date):
        if time is None and (match := _TIME.match(token)):
            time = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = _full_year(int(match[1]))
    if time is None or day is None or month is None or year is None or year < _FIRST_YEAR:
        return None
    hour, minute, second = time
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (at - _EPOCH) // _MICROSECOND


def is_odd(date: str) -> bool:
    """Whether user agents differ: more follows a number or a time at once, or it has five digits.

    >>> is_odd("14th Nov 2026 09:08:07"), is_odd("14-Nov-26 09:08:07 GMT")
    (True, False)
    """
    return _ODD.search(date) is not None


def _full_year(year: int) -> int:
    """A year of two digits lies between 1970 and 2069 (steps 3 and 4)."""
    if year < 70:
        return year + 2000
    return year + 1900 if year < 100 else year
