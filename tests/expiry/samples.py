"""Evidence of small simulated servers, exact to the second, for the tests of the inference."""

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from statetrail.expiry import Evidence

TIMEOUT_S = 1800.0

type Dies = Callable[[float, float], bool]


def evidence(
    dies: Dies, *, clients: int = 12, uses: int = 60, seed: int = 1, scale_s: float = 900.0
) -> Evidence:
    """Clients that pause at random and take a new value whenever they are given one.

    `dies` says from the idle time and the age whether the server has ended the value.
    """
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for client in range(clients):
        now = used = issued = random.uniform(0, scale_s)
        value = (client, 0)
        for _ in range(uses):
            short = random.random() < 0.5
            now += random.lognormvariate(0, 1) * (scale_s / 50 if short else scale_s)
            ended = dies(now - used, now - issued)
            rows.append(
                {
                    "value": f"{value}",
                    "client": client,
                    "request_start_us": round(now * 1e6),
                    "survived": not ended,
                    "ended": ended,
                    "idle_low_s": now - used - 0.01,
                    "idle_high_s": now - used + 0.01,
                    "age_low_s": now - issued - 0.01,
                    "age_high_s": now - issued + 0.01,
                }
            )
            used = now
            if ended:
                value, issued = (client, value[1] + 1), now
    return Evidence.of(**{name: [row[name] for row in rows] for name in rows[0]})


def two_populations(*, clients: int = 12, uses: int = 60, seed: int = 0) -> Evidence:
    """Half of the clients have another timeout; the later ones the longer one."""
    one, two = (
        evidence(lambda idle, age, t=t: idle >= t, clients=clients, uses=uses, seed=seed + t)
        for t in (600, 1800)
    )
    names = Evidence.__dataclass_fields__
    shifted = replace(
        two,
        value=two.value + one.values,
        client=two.client + clients,
        session=two.session + clients,
    )
    both = {name: np.concatenate([getattr(one, name), getattr(shifted, name)]) for name in names}
    return Evidence(**both)


def touching(touch_interval_s: float, seed: int, values: int = 60) -> Evidence:
    """A server that notes a use only where the last noted one lies an interval back."""
    chance = Random(seed)
    rows: list[tuple[int, int, float, float, float, bool]] = []
    for value in range(values):
        now = noted = used = 0.0
        while True:
            short = 0.1 if chance.random() < 0.7 else 1.0
            now = used + TIMEOUT_S * short * chance.lognormvariate(-0.7, 0.8)
            dead = now - noted >= TIMEOUT_S
            rows.append((value, value % 9, now, now - used, now, dead))
            if dead:
                break
            if now - noted >= touch_interval_s:
                noted = now
            used = now
    value, client, at, idle, age, dead = (np.array(column) for column in zip(*rows, strict=True))
    return Evidence.of(
        value=value,
        client=client,
        request_start_us=np.round(1e6 * at).astype(np.int64),
        survived=~dead,
        ended=dead,
        idle_low_s=idle - 0.01,
        idle_high_s=idle + 0.01,
        age_low_s=age - 0.01,
        age_high_s=age + 0.01,
    )


def beta_bernoulli(events: int, total: int, a: float, b: float) -> float:
    """One sequence with so many events, its rate averaged."""
    parts = (a + events, b + total - events, a + b), (a + b + total, a, b)
    return sum(map(math.lgamma, parts[0])) - sum(map(math.lgamma, parts[1]))
