"""Globs of paths: ``**/API/V3/**``, where ``**`` stands for any segments, none as well.

Enters: globs of whole paths, and paths or endpoint templates. Leaves: whether they match. A ``*``
within a segment stands for any characters of it. Slashes at either end make no difference.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

MAX_PATHS: Final = 2**17
"""Paths of which it is remembered what stands before the segments of a glob."""


def matches(globs: tuple[str, ...], path: str) -> bool:
    """Whether one of the globs matches the path exactly.

    >>> matches(("**/API/V3/**",), "/shop/API/V3/Cart"), matches(("**/API/V3/**",), "/API/V2/Cart")
    (True, False)
    """
    return bool(globs) and _pattern(globs).fullmatch(_closed(path)) is not None


def matches_folded(globs: tuple[str, ...], path: str) -> bool:
    """Whether one of the globs matches the path in any letter case."""
    return bool(globs) and matches(_folded(globs), path.lower())


def answers(questions: Sequence[tuple[bool, tuple[str, ...]]], path: str) -> int:
    """Which of several globs match a path, each exactly or in any letter case: a bit for each.

    >>> bin(answers([(True, ("/a",)), (False, ("/b",)), (False, ("/A",))], "/A"))
    '0b100'
    """
    exact, folded = _closed(path), _closed(path.lower())
    patterns = _patterns(tuple(questions))
    return sum(
        1 << at
        for at, (is_exact, pattern) in enumerate(patterns)
        if pattern.fullmatch(exact if is_exact else folded)
    )


@lru_cache(MAX_PATHS)
def before(globs: tuple[str, ...], path: str) -> str | None:
    """What stands before the first segment that a glob names; `None` where none matches.

    >>> before(("**/API/V3/**",), "/shop/API/V3/Cart")
    '/shop'
    """
    match = _pattern(globs).fullmatch(_closed(path)) if globs else None
    return None if match is None else next(g for g in match.groups() if g is not None)[:-1]


def words(globs: tuple[str, ...]) -> set[str]:
    """The segments that the globs name, case-folded."""
    return {
        segment.casefold()
        for glob in globs
        for segment in glob.split("/")
        if segment and "*" not in segment
    }


def _closed(path: str) -> str:
    return f"/{path.strip('/')}/"


@lru_cache(256)
def _folded(globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(glob.lower() for glob in globs)


@lru_cache(16)
def _patterns(
    questions: tuple[tuple[bool, tuple[str, ...]], ...],
) -> list[tuple[bool, re.Pattern[str]]]:
    return [(exact, _pattern(globs if exact else _folded(globs))) for exact, globs in questions]


@lru_cache(256)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_expression, globs)))


def _expression(glob: str) -> str:
    start, *segments = glob.strip("/").split("/")
    rest = [start, *segments]
    leading = "(/)"
    if start == "**":
        leading, rest = "((?:/[^/]*)*?/)", segments
    return leading + "".join(
        "(?:[^/]*/)*" if segment == "**" else re.escape(segment).replace(r"\*", "[^/]*") + "/"
        for segment in rest
    )
