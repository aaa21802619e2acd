"""Evidence of small made servers, exact to the second, for the tests of the inference."""

from collections.abc import Callable
from random import Random
from typing import Any

from statetrail.inference import Evidence

type Dies = Callable[[float, float], bool]


def evidence(
    dies: Dies, *, clients: int = 12, uses: int = 60, seed: int = 1, scale_s: float = 900.0
) -> Evidence:
    """Clients that pause at random and take a new value whenever they are given one.

    `dies` says from the gap and the age whether the server has ended the value.
    """
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for client in range(clients):
        now = used = born = random.uniform(0, scale_s)
        value = (client, 0)
        for _ in range(uses):
            short = random.random() < 0.5
            now += random.lognormvariate(0, 1) * (scale_s / 50 if short else scale_s)
            ended = dies(now - used, now - born)
            rows.append(
                {
                    "value": f"{value}",
                    "client": client,
                    "at_us": round(now * 1e6),
                    "survived": not ended,
                    "ended": ended,
                    "gap_low_s": now - used - 0.01,
                    "gap_high_s": now - used + 0.01,
                    "age_low_s": now - born - 0.01,
                    "age_high_s": now - born + 0.01,
                }
            )
            used = now
            if ended:
                value, born = (client, value[1] + 1), now
    return Evidence.of(**{name: [row[name] for row in rows] for name in rows[0]})
