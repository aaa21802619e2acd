"""Truth: what only the maker of a world knows, kept apart from what a capture records.

Enters: rules, circumstances and the tape of a simulation. Leaves: `Truth`. No table holds any of
it, so that no estimator can read it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from studies.simulation.rules import Rules
from studies.simulation.server import ABSOLUTE, ACCEPTED, EITHER, GONE, IDLE, LOST, OVERLAP, RENEWED
from studies.simulation.simulate import Circumstances, Tape

type Floats = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trials:
    """Each recorded use of a value, as the server saw it: one entry a use, in order.

    Attributes
    ----------
    exchange
        Position of the exchange in the world.
    value
        The value's number.
    gap_s, age_s
        True seconds since the value's last use, recorded or not, and since its birth.
    cause
        What it met with: position in `studies.simulation.server.CAUSES`.
    gap_seen, birth_seen
        The capture saw the value before, and saw its birth.
    """

    exchange: npt.NDArray[np.int64]
    value: npt.NDArray[np.int64]
    gap_s: Floats
    age_s: Floats
    cause: npt.NDArray[np.int64]
    gap_seen: Flags
    birth_seen: Flags

    @classmethod
    def of(cls, tape: Tape) -> Self:
        """The trials on a tape."""
        uses = np.flatnonzero(tape.presented >= 0)
        return cls(
            uses,
            tape.presented[uses].astype(np.int64),
            tape.gap[uses],
            tape.age[uses],
            tape.cause[uses].astype(np.int64),
            tape.gap_seen[uses] > 0,
            tape.birth_seen[uses] > 0,
        )

    def met(self, *causes: int) -> Flags:
        """Which trials met with one of these causes."""
        return np.isin(self.cause, causes)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a world.

    Attributes
    ----------
    rules
        What the server does.
    around
        How the capture was made, and what befell the server.
    dialect, param
        Where the values are.
    restarts_s
        When the server restarted, in seconds of the world.
    trials
        The recorded uses.
    """

    rules: Rules
    around: Circumstances
    dialect: str
    param: str
    restarts_s: tuple[float, ...]
    trials: Trials

    @property
    def policy(self) -> str:
        """The kind of world: one of `POLICIES`."""
        return self.rules.policy

    @property
    def ends(self) -> int:
        """Recorded uses that found their value ended or replaced by rule, chance or accident."""
        return int(np.count_nonzero(~self.trials.met(ACCEPTED, OVERLAP, GONE)))

    @property
    def losses(self) -> int:
        """Recorded uses that found their value lost."""
        return int(np.count_nonzero(self.trials.met(LOST)))

    @property
    def late(self) -> tuple[int, int]:
        """Recorded uses of values that a rule had ended or replaced: all, and those accepted."""
        trials = self.trials
        over = np.unique(trials.value[trials.met(IDLE, ABSOLUTE, EITHER, RENEWED)])
        late = trials.met(OVERLAP, GONE) & np.isin(trials.value, over)
        return int(late.sum()), int((late & trials.met(OVERLAP)).sum())

    @property
    def idle_explains(self) -> bool:
        """Whether one idle timeout fits every recorded use, by the server's own times."""
        outlived, ended = self._within(self.trials.gap_s, self.trials.gap_seen)
        return outlived < ended

    @property
    def age_explains(self) -> bool:
        """Whether one age limit fits every recorded use, by the server's own times."""
        outlived, ended = self._within(self.trials.age_s, self.trials.birth_seen)
        return outlived < ended

    @property
    def idle_within_s(self) -> tuple[float, float]:
        """The longest idle time survived and the shortest that ended a value, as the server had
        them at all recorded uses: no capture can tell more."""
        return self._within(self.trials.gap_s, np.True_)

    @property
    def age_within_s(self) -> tuple[float, float]:
        """The same of the age."""
        return self._within(self.trials.age_s, np.True_)

    def _within(self, spans: Floats, known: Flags | np.bool_) -> tuple[float, float]:
        trials = self.trials
        lived = spans[known & trials.met(ACCEPTED)]
        ended = spans[known & trials.met(IDLE, ABSOLUTE, EITHER, RENEWED, LOST)]
        return float(lived.max(initial=0.0)), float(ended.min(initial=np.inf))
