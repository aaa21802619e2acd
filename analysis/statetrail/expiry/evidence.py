"""Evidence: the uses of one parameter's values, as arrays that the inference reads.

Enters: columns of the table `USES`, for one parameter at one origin. Leaves: `Evidence`, one entry
a use, and what it comes to per value. Pure NumPy, no frames, no clock.

What a use says
    A use that the server accepted survived its gap and its age: both are at least the *low* ends.
    A use that found the value ended had reached the limit: gap and age are at most the *high*
    ends. Where an end of a bracket is not known (a value born before the capture), it is taken so
    that the use says nothing: 0 for what was outlived, infinity for what ended.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from statetrail.expiry.numerics import Reals

type Codes = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Uses in order of value and time.

    Attributes
    ----------
    value, client
        Small integer codes: which value a use presented, and who.
    at_us
        Start of the request, in microseconds since the epoch.
    survived, ended
        What became of the uses that count; both false for those left out.
    late
        Uses by clients that had to know of the value's replacement: 1 where the server still took
        the value, -1 where it did not, 0 for all other uses.
    gap_low_s, gap_high_s, age_low_s, age_high_s
        Brackets in seconds; unknown low ends are 0, unknown high ends infinite.
    """

    value: Codes
    client: Codes
    at_us: Codes
    survived: Flags
    ended: Flags
    late: npt.NDArray[np.int8]
    gap_low_s: Reals
    gap_high_s: Reals
    age_low_s: Reals
    age_high_s: Reals

    @classmethod
    def of(
        cls,
        *,
        value: npt.ArrayLike,
        client: npt.ArrayLike,
        at_us: npt.ArrayLike,
        survived: npt.ArrayLike,
        ended: npt.ArrayLike,
        gap_low_s: npt.ArrayLike,
        gap_high_s: npt.ArrayLike,
        age_low_s: npt.ArrayLike,
        age_high_s: npt.ArrayLike,
        late: npt.ArrayLike | None = None,
    ) -> Self:
        """Sort, encode and complete: unknown bounds may be given as NaN, values as any keys."""
        _, values = np.unique(np.asarray(value), return_inverse=True)
        _, clients = np.unique(np.asarray(client), return_inverse=True)
        at = np.asarray(at_us, dtype=np.int64)
        order = np.lexsort((at, values))
        afterwards = np.zeros(len(at)) if late is None else np.asarray(late)

        def known(spans: npt.ArrayLike, missing: float) -> Reals:
            given = np.asarray(spans, dtype=np.float64)[order]
            return np.where(np.isnan(given), missing, given)

        return cls(
            value=values.astype(np.int64)[order],
            client=clients.astype(np.int64)[order],
            at_us=at[order],
            survived=np.asarray(survived, dtype=np.bool_)[order],
            ended=np.asarray(ended, dtype=np.bool_)[order],
            late=afterwards.astype(np.int8)[order],
            gap_low_s=known(gap_low_s, 0.0),
            gap_high_s=known(gap_high_s, np.inf),
            age_low_s=known(age_low_s, 0.0),
            age_high_s=known(age_high_s, np.inf),
        )

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def values(self) -> int:
        """How many values were presented."""
        return int(self.value.max(initial=-1)) + 1

    @cached_property
    def holder(self) -> Codes:
        """Per value, the client that presented it first."""
        holder = np.zeros(self.values, dtype=np.int64)
        holder[self.value[::-1]] = self.client[::-1]
        return holder

    @cached_property
    def ending(self) -> Codes:
        """Per use that found its value ended, its index; one a value, the first."""
        found = np.flatnonzero(self.ended)
        _, first = np.unique(self.value[found], return_index=True)
        return found[first]

    @cached_property
    def ended_clients(self) -> int:
        """By how many clients ends were found."""
        return len(np.unique(self.client[self.ending]))

    def where(self, kept: Flags) -> "Evidence":
        """The uses for which the flag is set, values and clients keeping their codes."""
        return Evidence(
            **{name: getattr(self, name)[kept] for name in Evidence.__dataclass_fields__}
        )

    def without(self, dropped: Flags) -> "Evidence":
        """The same uses, those flagged no longer counting."""
        columns = {name: getattr(self, name) for name in Evidence.__dataclass_fields__}
        columns["survived"] = self.survived & ~dropped
        columns["ended"] = self.ended & ~dropped
        return Evidence(**columns)

    def votes(self, span: str) -> tuple[Reals, Reals]:
        """Per value the longest span it outlived (0: none), and the one by which it ended.

        Parameters
        ----------
        span
            ``gap`` or ``age``.
        """
        outlived = np.zeros(self.values)
        low, high = self.bounds(span)
        np.maximum.at(outlived, self.value[self.survived], low[self.survived])
        ended = np.full(self.values, np.inf)
        ended[self.value[self.ending]] = high[self.ending]
        return outlived, ended

    def bounds(self, span: str) -> tuple[Reals, Reals]:
        """The low and the high ends of gaps or of ages."""
        if span == "gap":
            return self.gap_low_s, self.gap_high_s
        return self.age_low_s, self.age_high_s
