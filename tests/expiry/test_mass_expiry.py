"""Restarts and calendars that are found and taken out."""

from collections.abc import Sequence
from random import Random

import numpy as np

from statetrail.expiry import Evidence
from statetrail.expiry.mass_expiry import mass_expiry


def crashing(moments_s: Sequence[float]) -> Evidence:
    """An idle timeout, and moments at which every value goes."""
    rows = []
    random = Random(8)
    for client in range(12):
        now = used = issued = random.uniform(0, 900.0)
        value = 0
        while now < 100_000:
            now += random.lognormvariate(0, 1) * (20 if random.random() < 0.5 else 600)
            crashed = any(used < moment <= now for moment in moments_s)
            ended = now - used >= 1800 or crashed
            idle, age = now - used, now - issued
            rows.append((f"{client}/{value}", client, now, ended, idle, age))
            used = now
            if ended:
                value, issued = value + 1, now
    value, client, at, ended, idle, age = zip(*rows, strict=True)
    dead = np.array(ended)
    return Evidence.of(
        value=value,
        client=client,
        request_start_us=np.array(at) * 1e6,
        survived=~dead,
        ended=dead,
        idle_low_s=np.array(idle) - 0.01,
        idle_high_s=np.array(idle) + 0.01,
        age_low_s=np.array(age) - 0.01,
        age_high_s=np.array(age) + 0.01,
    )


def test_a_restart_is_found_and_taken_out() -> None:
    """Every value went by one moment, for no other reason."""
    uses = crashing([40_000.5, 70_000.5])
    found = mass_expiry(uses)
    assert len(found.restarts_us) == 2
    assert all(
        abs(at / 1e6 - moment) < 900
        for at, moment in zip(found.restarts_us, (40_000, 70_000), strict=True)
    )
    assert not (found.affected & uses.survived).any()
    assert mass_expiry(crashing([])).restarts_us == ()


def test_a_calendar_is_found() -> None:
    """Every value goes at each full three hours."""
    hours = 3 * 3600.0
    assert mass_expiry(crashing([hours * n for n in range(1, 10)])).calendar_s == hours
