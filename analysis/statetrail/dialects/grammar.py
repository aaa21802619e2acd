"""The grammars of issued values: ``{value};{usage}/{priority}``, or the bare value.

Enters: a text as it was issued. Leaves: a `StateValue`, well formed or with the problem named.
The tail is what follows the *last* ``;``, since values may contain ``;``, ``/``, ``+`` and ``=``.
Blanks around the separators are tolerated, usage and priority are read in any case.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

type Priority = Literal["informational", "forced"]

USAGES: Final = ("header", "uriquery", "implicit")
PRIORITIES: Final[tuple[Priority, ...]] = ("informational", "forced")

MAX_VALUE: Final = 8192
"""Longest value (characters) that is taken as well formed."""

# Two fields joined into one line by an intermediary: the first one's whole tail, then a comma.
_COMBINED: Final = re.compile(
    rf";\s*(?:{'|'.join(USAGES)})\s*/\s*(?:{'|'.join(PRIORITIES)})\s*,", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class StateValue:
    """An issued value and either usage and priority or the problem."""

    value: str
    usage: str | None = None
    priority: Priority | None = None
    problem: str | None = None


def parse_state_header(field: str) -> StateValue:
    """Parse a state header's field value.

    Returns a `StateValue`; where `problem` is set, usage and priority are `None` and the value is
    the best guess. Problems: ``no-tail``, ``bad-tail``, ``unknown-usage``, ``unknown-priority``,
    ``empty-value``, ``non-ascii``, ``control-character``, ``combined``, ``too-long``.

    >>> parse_state_header("1;uriquery/informational")
    StateValue(value='1', usage='uriquery', priority='informational', problem=None)
    >>> parse_state_header("a;b/c=;header/forced").value
    'a;b/c='
    >>> parse_state_header("1").problem
    'no-tail'
    """
    if len(field) > MAX_VALUE + 64:
        return StateValue(field[:MAX_VALUE], problem="too-long")
    value, semicolon, tail = field.rpartition(";")
    if not semicolon:
        return StateValue(field.strip(" \t"), problem="no-tail")
    value = value.strip(" \t")
    usage, slash, priority = (part.strip(" \t").lower() for part in tail.partition("/"))
    problem = None
    if not slash:
        problem = "bad-tail"
    elif usage not in USAGES:
        problem = "unknown-usage"
    elif priority not in PRIORITIES:
        problem = "unknown-priority"
    elif not value:
        problem = "empty-value"
    elif not value.isascii():
        problem = "non-ascii"
    elif not value.isprintable():
        problem = "control-character"
    elif len(value) > MAX_VALUE:
        problem = "too-long"
    elif _COMBINED.search(field):
        problem = "combined"
    if problem:
        return StateValue(value, problem=problem)
    return StateValue(value, usage, cast("Priority", priority))


def plain_value(
    text: str, usage: str, priority: Priority, reserved: re.Pattern[str] | None
) -> StateValue:
    """Check a value that is issued bare, with the usage and priority that its dialect declares.

    Problems: ``empty-value``, ``reserved`` (`reserved` matches it), ``too-long``,
    ``control-character``.
    """
    problem = None
    if not text:
        problem = "empty-value"
    elif reserved is not None and reserved.fullmatch(text):
        problem = "reserved"
    elif len(text) > MAX_VALUE:
        problem = "too-long"
    elif not text.isprintable() or text != text.strip():
        problem = "control-character"
    return StateValue(text, usage, priority, problem)
