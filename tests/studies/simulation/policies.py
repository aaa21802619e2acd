"""Policies: what a simulated server does with its tokens, drawn at random.

Enters: a policy's name and a generator of random numbers. Leaves: `Policy`, all durations in
seconds. The policy of a server is part of the truth: nothing of it is ever recorded.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

POLICIES: Final = (
    "idle",
    "absolute",
    "idle+absolute",
    "per-request",
    "periodic",
    "eviction",
    "mixed",
    "idle-losses",
    "idle-sweeper",
    "idle-throttled",
    "none",
)
"""The kinds of servers. The last three idle ones are idle timeouts that are not clean: with losses
on top, swept only now and then, renewed only now and then."""

SHORTEST_S: Final = 10.0
LONGEST_S: Final = 30 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What ends a value, or replaces it.

    Attributes
    ----------
    name
        One of `POLICIES`.
    scale_s
        The time in which something happens here; clients' pauses are drawn around it.
    idle_s
        A value not used for so long has ended.
    other_idle_s, other_share
        The idle timeout that holds for the other population of clients, and its share of them.
    absolute_s
        A value this old has ended.
    renew_s, overlap_s
        A value this old is replaced when it is used, and accepted for the overlap longer.
    per_request
        A value is replaced at its first use.
    loss_per_s
        Rate at which a value is lost, used or not.
    sweep_s
        Idle values end only at the next of the server's sweeps, which are this far apart.
    throttle_s
        A use counts as one only if the last that counted is this long ago.
    """

    name: str
    scale_s: float
    idle_s: float = math.inf
    other_idle_s: float | None = None
    other_share: float = 0.0
    absolute_s: float = math.inf
    renew_s: float = math.inf
    overlap_s: float = 0.0
    per_request: bool = False
    loss_per_s: float = 0.0
    sweep_s: float = 0.0
    throttle_s: float = 0.0


def draw_policy(name: str, rng: np.random.Generator) -> Policy:
    """A policy of that name: limits log-uniform on ten seconds to thirty days.

    Raises
    ------
    ValueError
        There is no such policy.
    """
    if name not in POLICIES:
        raise ValueError(f"there is no policy {name!r}: choose from {', '.join(POLICIES)}")

    def span(low: float = SHORTEST_S, high: float = LONGEST_S) -> float:
        return math.exp(rng.uniform(math.log(low), math.log(high)))

    one = span()
    match name:
        case "idle":
            return Policy(name=name, scale_s=one, idle_s=one)
        case "absolute":
            return Policy(name=name, scale_s=one, absolute_s=one)
        case "idle+absolute":
            ratio = span(1.5, 6)
            one = span(high=LONGEST_S / ratio)
            return Policy(name=name, scale_s=one, idle_s=one, absolute_s=one * ratio)
        case "per-request":
            return Policy(name=name, scale_s=one, per_request=True)
        case "periodic":
            overlap = one * span(0.01, 0.3)
            return Policy(name=name, scale_s=one, renew_s=one, overlap_s=overlap)
        case "eviction":
            return Policy(name=name, scale_s=one, loss_per_s=1 / one)
        case "mixed":
            ratio = span(1.5, 6)
            one = span(high=LONGEST_S / ratio)
            return Policy(
                name=name,
                scale_s=one * math.sqrt(ratio),
                idle_s=one,
                other_idle_s=one * ratio,
                other_share=rng.uniform(0.3, 0.7),
            )
        case "idle-losses":
            return Policy(name=name, scale_s=one, idle_s=one, loss_per_s=span(0.003, 0.03) / one)
        case "idle-sweeper":
            return Policy(name=name, scale_s=one, idle_s=one, sweep_s=one * span(0.05, 0.5))
        case "idle-throttled":
            return Policy(name=name, scale_s=one, idle_s=one, throttle_s=one * span(0.05, 0.5))
    return Policy(name=name, scale_s=one)
