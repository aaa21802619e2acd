"""Truth: what only the simulation knows, kept apart from what a capture records.

Enters: a policy, circumstances and the tape of a simulation. Leaves: `Truth`. No table holds any of
it, so that no estimator can read it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from studies.simulation.policies import Policy
from studies.simulation.servers import (
    ABSOLUTE,
    ACCEPTED,
    EITHER,
    GONE,
    IDLE,
    LOST,
    OVERLAP,
    RENEWED,
)
from studies.simulation.tokens import Circumstances, Tape

type Floats = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TokenUses:
    """Each recorded use of a value, as the server saw it: one entry a use, in order.

    Attributes
    ----------
    exchange
        Position of the exchange in the capture.
    value
        The value's number.
    idle_s, age_s
        True seconds since the value's last use, recorded or not, and since its birth.
    cause
        What it met with: position in `studies.simulation.servers.CAUSES`.
    idle_known, age_known
        The capture saw the value before, and saw its birth.
    """

    exchange: npt.NDArray[np.int64]
    value: npt.NDArray[np.int64]
    idle_s: Floats
    age_s: Floats
    cause: npt.NDArray[np.int64]
    idle_known: Flags
    age_known: Flags

    @classmethod
    def of(cls, tape: Tape) -> Self:
        """The uses on a tape."""
        uses = np.flatnonzero(tape.presented >= 0)
        return cls(
            uses,
            tape.presented[uses].astype(np.int64),
            tape.idle[uses],
            tape.age[uses],
            tape.cause[uses].astype(np.int64),
            tape.idle_known[uses] > 0,
            tape.age_known[uses] > 0,
        )

    def with_cause(self, *causes: int) -> Flags:
        """Which uses met with one of these causes."""
        return np.isin(self.cause, causes)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a capture.

    Attributes
    ----------
    policy
        What the server does.
    around
        How the capture was made, and what befell the server.
    dialect, param
        Where the values are.
    restarts_s
        When the server restarted, in seconds of the simulation.
    uses
        The recorded uses.
    """

    policy: Policy
    around: Circumstances
    dialect: str
    param: str
    restarts_s: tuple[float, ...]
    uses: TokenUses

    @property
    def ends(self) -> int:
        """Recorded uses that found their value ended or replaced by rule, chance or accident."""
        return int(np.count_nonzero(~self.uses.with_cause(ACCEPTED, OVERLAP, GONE)))

    @property
    def losses(self) -> int:
        """Recorded uses that found their value lost."""
        return int(np.count_nonzero(self.uses.with_cause(LOST)))

    @property
    def late(self) -> tuple[int, int]:
        """Recorded uses of values that a rule had ended or replaced: all, and those accepted."""
        uses = self.uses
        over = np.unique(uses.value[uses.with_cause(IDLE, ABSOLUTE, EITHER, RENEWED)])
        late = uses.with_cause(OVERLAP, GONE) & np.isin(uses.value, over)
        return int(late.sum()), int((late & uses.with_cause(OVERLAP)).sum())

    @property
    def idle_explains(self) -> bool:
        """Whether one idle timeout fits every recorded use, by the server's own times."""
        outlived, ended = self._within(self.uses.idle_s, self.uses.idle_known)
        return outlived < ended

    @property
    def age_explains(self) -> bool:
        """Whether one age limit fits every recorded use, by the server's own times."""
        outlived, ended = self._within(self.uses.age_s, self.uses.age_known)
        return outlived < ended

    @property
    def idle_within_s(self) -> tuple[float, float]:
        """The longest idle time survived and the shortest that ended a value, as the server had
        them at all recorded uses: no capture can tell more."""
        return self._within(self.uses.idle_s, np.True_)

    @property
    def age_within_s(self) -> tuple[float, float]:
        """The same of the age."""
        return self._within(self.uses.age_s, np.True_)

    def _within(self, spans: Floats, known: Flags | np.bool_) -> tuple[float, float]:
        uses = self.uses
        lived = spans[known & uses.with_cause(ACCEPTED)]
        ended = spans[known & uses.with_cause(IDLE, ABSOLUTE, EITHER, RENEWED, LOST)]
        return float(lived.max(initial=0.0)), float(ended.min(initial=np.inf))
