"""Advice: what traffic would narrow the interval, in a sentence and as pauses to make.

Enters: an `Inference`. Leaves: a sentence, and a plan: pauses in seconds, each for a token of its
own, that cut the open interval into equal parts on a log scale.
"""

from typing import Final

import numpy as np

from statetrail.expiry.bounds import Interval
from statetrail.expiry.inference import Inference
from statetrail.expiry.models import POLICIES
from statetrail.expiry.models.login import ByLogin
from statetrail.expiry.models.model import MIN_ENDS, MIN_SESSIONS

TOKENS: Final = 3
"""Pauses in a plan: so many tokens are tried side by side."""


def plan(interval: Interval) -> tuple[float, ...]:
    """Pauses that narrow an interval, in seconds, ascending; none where nothing is known.

    Where no end was seen, each pause is twice the one before.
    """
    low, high = _ends(interval)
    if low is None and high is None:
        return ()
    if high is None:
        pauses = [(low or 0) * 2**n for n in range(1, TOKENS + 1)]
    else:
        pauses = np.geomspace(low or high / 2**TOKENS, high, TOKENS + 2)[1:-1].tolist()
    return tuple(float(f"{pause:.4g}") for pause in pauses)


def advice(inference: Inference, ends: int, sessions: int) -> str:
    """What traffic would narrow the interval, in one sentence or two.

    Parameters
    ----------
    inference
        The policy and its limits.
    ends, sessions
        How many tokens ended, and of how many sessions these were.
    """
    policy = POLICIES[inference.policy]
    aged = policy.span == "age"
    limit = inference.age if aged else inference.idle
    (low, high), sharp = _ends(limit), limit.sharp
    if policy.advice:
        return policy.advice
    if inference.by_login:
        return _split(inference.by_login)
    what = "age" if aged else "idle time"
    gain = "would halve the interval"
    if low is None and high is None:
        return (
            "No client used a token again after a pause. A client that does would bound the limit."
        )
    if high is None:
        pause, gain = 2 * (low or 0), "would bound the timeout or double its lower bound"
        seen = f"No token ended after an {what} of up to {spoken(low or 0)}"
    elif low is None:
        pause = high / 2
        seen = f"No token survived an {what}, and {spoken(high)} ended one"
    else:
        # Where the sharp interval is closed, it is what the traffic leaves open.
        near = (sharp.low_s or low, sharp.high_s or high)
        pause = (near[0] * near[1]) ** 0.5
        seen = f"No {what} between {spoken(near[0])} and {spoken(near[1])} was measured"
    if aged:
        return f"{seen}. A client that uses a token {spoken(pause)} after its issue {gain}."
    if sharp.contradictions:
        seen = f"{sharp.contradictions} of {sharp.values} tokens contradict any one idle timeout"
        gain = "would show whether idle time decides"
    if ends and (ends < MIN_ENDS or sessions < MIN_SESSIONS):
        gain += f", and {MIN_ENDS} ends in {MIN_SESSIONS} sessions could give the policy a name"
    sentences = f"{seen}. A client that pauses {spoken(pause)} {gain}."
    if inference.selection.doubted:
        doubted = (
            "an idle time"
            if inference.selection.doubted == 1
            else f"{inference.selection.doubted} idle times"
        )
        sentences += f" The policy depends on whether a request was missed in {doubted} of several"
        sentences += " steps."
    if not policy.is_named and inference.unknown_age_ends > ends / 2:
        sentences += f" {inference.unknown_age_ends} of {ends} ended tokens were issued before the"
        sentences += " capture: only a longer capture would show a limit on the age."
    return sentences


def _split(by_login: ByLogin) -> str:
    """What holds before and after a login, in a sentence."""
    sides = []
    for name, side in (("before", by_login.anonymous), ("after", by_login.login)):
        low, high = ("?" if end is None else spoken(end) for end in (side.low_s, side.high_s))
        sides.append(f"between {low} and {high} {name}")
    return f"The login explains the difference: the idle timeout lies {sides[0]} it, {sides[1]} it."


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    """Both ends, the sharp one where that of C_1 is open: a plan may rest on a single value."""
    low, high, sharp = interval.low_s, interval.high_s, interval.sharp
    return sharp.low_s if low is None else low, sharp.high_s if high is None else high


def spoken(seconds: float) -> str:
    """A span in words, in at most two units.

    >>> spoken(0.25), spoken(18.4), spoken(1470), spoken(7199), spoken(25920)
    ('0.25 s', '18.4 s', '24 min 30 s', '2 h', '7 h 12 min')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    units = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
    size, unit, part, small = next(u for u in units if seconds >= u[0])
    whole, rest = divmod(round(seconds / part), size // part)
    return f"{whole} {unit}" + (f" {rest} {small}" if rest else "")
