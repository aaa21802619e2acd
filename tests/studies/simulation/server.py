"""The server of a world: which values it still accepts, by its own clock.

Enters: rules, and uses of values in the order of the server's ticks. Leaves: for each use, why the
value has ended, or that it has not. All times are seconds of the server's clock.
"""

import math
import random
from typing import Final

from studies.simulation.rules import Rules

ACCEPTED: Final = 0
IDLE: Final = 1
ABSOLUTE: Final = 2
EITHER: Final = 3
RENEWED: Final = 4
LOST: Final = 5
RESTARTED: Final = 6
TURNED: Final = 7
OVERLAP: Final = 8
GONE: Final = 9

CAUSES: Final = (
    "accepted",
    "idle",
    "absolute",
    "either",
    "renewed",
    "lost",
    "restarted",
    "turned",
    "overlap",
    "gone",
)
"""What a use of a value met with: `accepted`; ended by its idle time, its age, `either` of them;
`renewed` by rule; `lost` from memory; ended by the server's restart or by the `turned` page of the
calendar. `overlap`: replaced before, but still accepted. `gone`: ended or replaced before."""


class Server:
    """One server with its values, which are numbered as they are issued."""

    def __init__(self, rules: Rules, rng: random.Random, *, calendar_s: float = math.inf) -> None:
        self.rules = rules
        self.calendar_s = calendar_s
        self.starts = 0
        self.born: list[float] = []
        self.touched: list[float] = []
        self.used: list[float] = []
        self._rng = rng
        self._idle: list[float] = []
        self._lost: list[float] = []
        self._start: list[int] = []
        # When the value was replaced: it is accepted for the overlap from then on; -inf: it ended.
        self._replaced: list[float] = []
        self._sweep_at = rng.random() * rules.sweep_s

    def issue(self, now: float, end: float, *, other: bool = False) -> int:
        """A new value, for a client of the other population or not."""
        rules = self.rules
        self.born.append(now)
        self.touched.append(end)
        self.used.append(end)
        self._idle.append(rules.other_idle_s if other and rules.other_idle_s else rules.idle_s)
        self._lost.append(
            now + self._rng.expovariate(rules.loss_per_s) if rules.loss_per_s else math.inf
        )
        self._start.append(self.starts)
        self._replaced.append(math.inf)
        return len(self.born) - 1

    def use(self, value: int, now: float, end: float) -> int:
        """Judge a use of a value and remember it: one of the positions in `CAUSES`.

        Parameters
        ----------
        value
            The value's number.
        now, end
            When the server looks the value up, and when it has dealt with the request: a value
            counts as used until then.
        """
        cause = self._judge(value, now)
        if cause == ACCEPTED:
            self.used[value] = max(self.used[value], end)
            if now - self.touched[value] >= self.rules.throttle_s:
                self.touched[value] = max(self.touched[value], end)
        elif cause == RENEWED:
            self._replaced[value] = now
        elif cause != OVERLAP and cause != GONE:
            self._replaced[value] = -math.inf
        return cause

    def drop(self, value: int) -> None:
        """Forget a value: its client logged out."""
        self._replaced[value] = -math.inf

    def _judge(self, value: int, now: float) -> int:
        rules = self.rules
        replaced = self._replaced[value]
        if replaced < math.inf:
            return OVERLAP if now < replaced + rules.overlap_s else GONE
        if self._start[value] != self.starts:
            return RESTARTED
        if now // self.calendar_s != self.born[value] // self.calendar_s:
            return TURNED
        if now >= self._lost[value]:
            return LOST
        if rules.per_request:
            return RENEWED
        idle = self._idles_out(value) <= now
        age = now - self.born[value]
        if age >= rules.absolute_s:
            return EITHER if idle else ABSOLUTE
        if idle:
            return IDLE
        return RENEWED if age >= rules.renew_s else ACCEPTED

    def _idles_out(self, value: int) -> float:
        """When the value ends unless it is used."""
        out = self.touched[value] + self._idle[value]
        sweep = self.rules.sweep_s
        if not sweep:
            return out
        return self._sweep_at + math.ceil((out - self._sweep_at) / sweep) * sweep
