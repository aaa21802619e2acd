"""Evidence of small made servers, exact to the second, for the tests of the inference."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from statetrail.expiry import Evidence

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


def two_populations(*, clients: int = 12, uses: int = 60, seed: int = 0) -> Evidence:
    """Half of the clients have another timeout; the later ones the longer one."""
    one, two = (
        evidence(lambda gap, age, t=t: gap >= t, clients=clients, uses=uses, seed=seed + t)
        for t in (600, 1800)
    )
    names = Evidence.__dataclass_fields__
    shifted = replace(two, value=two.value + one.values, client=two.client + clients)
    both = {name: np.concatenate([getattr(one, name), getattr(shifted, name)]) for name in names}
    return Evidence(**both)
