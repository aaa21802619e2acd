"""Advice: what traffic would tell more, in a sentence and as pauses to make.

Enters: an `Inference`. Leaves: a sentence, and a plan: pauses in seconds, each for a token of its
own, that cut the open interval into equal parts on a log scale.
"""

from typing import Final

import numpy as np

from statetrail.expiry.inference import Inference
from statetrail.expiry.intervals import AGE_FAMILY, Interval
from statetrail.expiry.naming import MIN_CLIENTS, MIN_ENDS

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
        return tuple(float(f"{(low or 0) * 2**n:.4g}") for n in range(1, TOKENS + 1))
    steps = np.geomspace(low or high / 2**TOKENS, high, TOKENS + 2)[1:-1]
    return tuple(float(f"{step:.4g}") for step in steps)


def advice(found: Inference, ends: int, clients: int) -> str:
    """What traffic would narrow the interval, in one sentence.

    Parameters
    ----------
    found
        What was inferred.
    ends, clients
        How many tokens ended, and by how many clients that was found.
    """
    aged = found.policy in AGE_FAMILY
    limit = found.age if aged else found.idle
    (low, high), sharp = _ends(limit), limit.sharp
    if found.policy == "per-request":
        return "Every use ended its token: a client that sends two requests at once would tell."
    if low is None and high is None:
        return "No client used a token again after a pause: one that does would tell."
    if high is None:
        probe, gain = 2 * (low or 0), "would bound the timeout or double what is known"
        seen = f"No token ended after an idle gap of up to {spoken(low or 0)}"
    elif low is None:
        probe, gain = high / 2, "would halve the interval"
        seen = f"No token survived an idle gap, and {spoken(high)} ended one"
    else:
        probe, gain = (low * high) ** 0.5, "would halve the interval"
        # Where the sharp interval is closed, that is the gap in the traffic.
        near = (sharp.low_s or low, sharp.high_s or high)
        seen = f"No idle gap between {spoken(near[0])} and {spoken(near[1])} was measured"
        probe = (near[0] * near[1]) ** 0.5
    if aged:
        seen = seen.replace("idle gap", "age")
        return f"{seen}: a client that uses a token {spoken(probe)} after its issue {gain}."
    if sharp.contradictions:
        seen = f"{sharp.contradictions} of {sharp.votes} tokens contradict any one idle timeout"
        gain = "would show whether idle time decides"
    if ends and (ends < MIN_ENDS or clients < MIN_CLIENTS):
        gain += f", and {MIN_ENDS} ends by {MIN_CLIENTS} clients could give the policy a name"
    if found.doubted:
        where = "a gap" if found.doubted == 1 else f"{found.doubted} gaps"
        gain += f"; the policy hangs on whether a request was missed in {where} of several steps"
    if found.policy == "undetermined" and found.ageless > ends / 2:
        gain += f"; {found.ageless} of {ends} ended tokens were issued before the capture"
        gain += ", and only a longer one would tell of a limit on the age"
    return f"{seen}: a client that pauses {spoken(probe)} {gain}."


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    """Both ends, the sharp one where that of C_1 is open: a plan may hang on a single value."""
    low, high, sharp = interval.low_s, interval.high_s, interval.sharp
    return sharp.low_s if low is None else low, sharp.high_s if high is None else high


def spoken(seconds: float) -> str:
    """A span as a person would say it, in at most two units.

    >>> spoken(0.25), spoken(18.4), spoken(1470), spoken(7199), spoken(25920)
    ('0.25 s', '18.4 s', '24 min 30 s', '2 h', '7 h 12 min')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    units = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
    size, unit, part, small = next(u for u in units if seconds >= u[0])
    whole, rest = divmod(round(seconds / part), size // part)
    return f"{whole} {unit}" + (f" {rest} {small}" if rest else "")
