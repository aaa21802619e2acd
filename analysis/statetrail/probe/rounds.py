"""Rounds: the pauses of the next round, and when the probe is done.

Enters: the current row of `expiry`. Leaves: pauses in seconds. Pure: no clock, no network.
"""

from collections.abc import Mapping
from typing import Any, Final

from statetrail.expiry import POLICIES

TOKENS: Final = 3
"""Default number of tokens that pause in parallel."""


def pauses(row: Mapping[str, Any] | None, first_s: float, tokens: int) -> tuple[float, ...]:
    """The pauses of the next round, ascending, each for a token of its own.

    `row` is the parameter's row of table `expiry`, `None` before the first round: then the shortest
    pause is `first_s`, and each further one is twice as long.

    >>> pauses(None, 1.0, 3)
    (1.0, 2.0, 4.0)
    >>> pauses({"plan": "16, 32, 64", "low_s": 8.0, "high_s": None}, 1.0, 2)
    (16.0, 32.0)
    """
    planned = [float(pause) for pause in row["plan"].split(",") if pause.strip()] if row else []
    if not planned:
        return tuple(first_s * 2**n for n in range(tokens))
    while len(planned) < tokens:
        planned.append(planned[-1] * planned[-1] / (planned[-2] if len(planned) > 1 else first_s))
    return tuple(planned[:tokens])


def is_enough(row: Mapping[str, Any] | None, width: float) -> bool:
    """Whether the policy is named and its interval no wider than `width` times its lower end."""
    is_named = row is not None and POLICIES[row["policy"]].is_named
    if row is None or not is_named or not row["low_s"] or row["high_s"] is None:
        return False
    return bool(row["high_s"] - row["low_s"] <= width * row["low_s"])


def keep_alive_pauses(longest_s: float, politeness_s: float) -> list[float]:
    """The pauses between uses of the token that is kept in use during a round.

    Eight, and none shorter than `politeness_s`: a token that ends although it was never idle for
    long ends by its age.

    >>> keep_alive_pauses(4.0, 0.2)
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    >>> keep_alive_pauses(0.5, 0.2)
    [0.25, 0.25]
    """
    count = max(1, min(8, int(longest_s / politeness_s)))
    return [longest_s / count] * count
