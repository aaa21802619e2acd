"""How all reports write numbers, durations, times and foreign text.

Enters: plain numbers, datetimes and text. Leaves: short English strings.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

NOTHING: Final = "–"
_UNITS: Final = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
# Spans below so many seconds are written in steps of so many.
_STEPS: Final = ((0.01, 1e-4), (1, 1e-3), (60, 0.1), (3600, 1), (86_400, 60), (math.inf, 3600))
_SLIP: Final = 1e-6
_WIDER: Final = 1.5
"""How many times as wide as it is an interval may be written."""
_HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with invisible characters, and those that change its direction, replaced.

    No terminal escape, no reversed text and no character that XML forbids is left.

    >>> visible("a\\x1b[31mb\\u202ec")
    'a�[31mb�c'
    """
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def cut(text: str, most: int) -> str:
    """The text, shortened to at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def duration(seconds: float | None, to: Callable[[float], int] = round) -> str:
    """A length of time in its two largest units; `to` rounds it.

    >>> [duration(s) for s in (0.0421, 5.25, 90, 1800, 3575, 5400, 100_000)]
    ['42 ms', '5.2 s', '1 min 30 s', '30 min', '59 min 35 s', '1 h 30 min', '1 d 4 h']
    >>> duration(2.034, down), duration(2.034, up)
    ('2 s', '2.1 s')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds, to)}"
    return _written(_stepped(seconds, to))


def down(number: float) -> int:
    """Rounded down, except for errors of binary fractions."""
    return math.floor(number + _SLIP)


def up(number: float) -> int:
    """Rounded up, likewise."""
    return math.ceil(number - _SLIP)


def _stepped(seconds: float, to: Callable[[float], int]) -> float:
    """A length of time as `duration` writes it."""
    step = next(step for below, step in _STEPS if seconds < below)
    steps = to(seconds / step)
    return max(steps, 1) * step if to is round and seconds else steps * step


def _written(seconds: float) -> str:
    if seconds == 0:
        return "0 s"
    if seconds < 0.9995:
        digits = 0 if seconds >= 0.00995 else 1
        return f"{seconds * 1000:.{digits}f}".removesuffix(".0") + " ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    for size, unit, part_size, part_unit in _UNITS:
        whole, rest = divmod(round(seconds / part_size), size // part_size)
        if whole >= 1 and round(seconds) >= size:
            return f"{whole:,} {unit}" + (f" {rest} {part_unit}" if rest else "")
    raise AssertionError(seconds)  # pragma: no cover


def apart(low_s: float, high_s: float) -> tuple[str, str]:
    """The ends of an interval, rounded outwards, with enough digits to keep it narrow.

    >>> apart(60, 90), apart(1800.26, 1800.31), apart(5, 5), apart(1.8467, 2.034)
    (('1 min', '1 min 30 s'), ('1,800.26 s', '1,800.31 s'), ('5 s', '5 s'), ('1.84 s', '2.04 s'))
    """
    room = _WIDER * (high_s - low_s)
    if _stepped(high_s, up) - _stepped(low_s, down) <= room + _SLIP:
        return duration(low_s, down), duration(high_s, up)
    for digits in range(7):
        low, high = (to(end * 10**digits) / 10**digits for to, end in ((down, low_s), (up, high_s)))
        if high - low <= room:
            break
    return f"{low:,.{digits}f} s", f"{high:,.{digits}f} s"


def interval(low_s: float | None, high_s: float | None) -> str:
    """A duration of which bounds are known; never more precise than they are.

    >>> interval(60, 90), interval(60, None), interval(None, 90), interval(None, None)
    ('1 min to 1 min 30 s', 'more than 1 min', 'at most 1 min 30 s', 'unknown')
    >>> interval(2.4111, 2.4239), interval(1800.26, 1800.31)
    ('2.411 s to 2.424 s', '1,800.26 s to 1,800.31 s')
    """
    if low_s is not None and high_s is not None:
        low, high = apart(low_s, high_s)
        return f"{low} to {high}"
    if low_s is not None:
        return f"more than {duration(low_s, down)}"
    if high_s is not None:
        return f"at most {duration(high_s, up)}"
    return "unknown"


def sharp(
    reported: tuple[float, float], exact: tuple[float | None, float | None], contradictions: int
) -> str:
    """What the tokens themselves say, where the reported interval is wider.

    >>> sharp((3.3, 4.5), (3.61, 4.22), 0)
    'Sharp: 3.6 s to 4.3 s, which no token contradicts. The wider interval also holds if one \
token is wrong, or if the server is not exact.'
    >>> sharp((3.61, 4.22), (3.61, 4.22), 0)
    ''
    """
    text = interval(*exact)
    if None in exact or text == interval(*reported):
        return ""
    by = "no token contradicts" if not contradictions else "fewest tokens contradict"
    return (
        f"Sharp: {text}, which {by}. The wider interval also holds if one token is wrong, or if "
        "the server is not exact."
    )


def declared(low_s: float, high_s: float, age_low_s: float | None, age_high_s: float | None) -> str:
    """The lifetime that tokens state themselves, compared with the observed limit on the age.

    >>> declared(3600, 3600, 1800, None)
    'The tokens themselves state a lifetime of 1 h.'
    >>> declared(1800, 3600, 4000, None)
    'The tokens themselves state a lifetime of 30 min to 1 h; the server takes them for longer.'
    >>> declared(3600, 3600, 1700, 1900)
    'The tokens themselves state a lifetime of 1 h; the server ends them sooner.'
    """
    span = duration(low_s) if low_s == high_s else interval(low_s, high_s)
    if age_high_s is not None and age_high_s < low_s:
        than = "; the server ends them sooner"
    elif age_low_s is not None and age_low_s > high_s:
        than = "; the server takes them for longer"
    else:
        than = ""
    return f"The tokens themselves state a lifetime of {span}{than}."


def percent(share: float | None) -> str:
    """A share as per cent; 0 % and 100 % stand for exactly none and all.

    >>> [percent(x) for x in (0, 0.0001, 0.123, 0.9999, 1, None)]
    ['0 %', '<1 %', '12 %', '>99 %', '100 %', '–']
    """
    if share is None:
        return NOTHING
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share * 100:.0f} %"


def count(number: int, noun: str = "", plural: str = "") -> str:
    """A whole number with its noun.

    >>> count(1, "client"), count(1200, "client"), count(2, "reply", "replies")
    ('1 client', '1,200 clients', '2 replies')
    """
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def when(at: datetime | None) -> str:
    """A time of day with its date, UTC, to the second."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def period(first: datetime | None, last: datetime | None) -> str:
    """A period of time, with its day once."""
    if first is None or last is None or when(first) == when(last):
        return "at " + when(first or last)
    same_day = first.astimezone(UTC).date() == last.astimezone(UTC).date()
    return f"{when(first)} to {when(last)[11:] if same_day else when(last)}"


def when_exactly(at: datetime | None) -> str:
    """A time to the millisecond."""
    if at is None:
        return NOTHING
    return f"{when(at)}.{at.microsecond // 1000:03d}"


def tally(counts: Mapping[str, int]) -> str:
    """Counts in one line, as a table holds them.

    >>> tally({"stale": 2, "omitted": 1})
    'stale 2, omitted 1'
    """
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or NOTHING


def listed(counts: Mapping[str, int]) -> str:
    """Counts in one line, as a sentence has them.

    >>> listed({"high": 2, "low": 1})
    '2 high, 1 low'
    """
    return ", ".join(f"{number:,} {name}" for name, number in counts.items()) or "none"


def compact(number: float) -> str:
    """A number without superfluous digits."""
    return f"{number:,.1f}".removesuffix(".0")
