"""Trials: the part of the evidence on which the models of a policy are compared.

Enters: `Evidence`. Leaves: `Trials`, survived and fatal uses apart. An end counts only where
what is asked of it is bounded: its gap, its age, or both.

Survived uses take the lower end of a bracket and ends the upper one. Where the brackets are wide,
as gaps of a second are next to a latency of a tenth, this alone would part survivals from ends:
many gaps of one length would seem to have a limit in their middle. There both take the middle.

Which limit a value has, where there are several, it has from the client that it was given to: all
its uses count as those of the client that presented it first, also where it is shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from statetrail.expiry.evidence import Codes, Evidence
from statetrail.expiry.numerics import Reals

SPANS: Final = ("gap", "age")
WIDE: Final = 0.02
"""Share of its upper end from which a bracket is wide."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Survived uses and ends, each with what it says of gap and age.

    Attributes
    ----------
    lived_gap, lived_age
        Spans in seconds that survived uses outlived at least.
    lived_value, lived_client
        Codes of the values of the survived uses, and of the clients that presented these first.
    fatal_gap, fatal_age
        Spans in seconds that ends had reached at most.
    fatal_value, fatal_client
        The same of the ends.
    values, clients
        Numbers of codes.
    """

    lived_gap: Reals
    lived_age: Reals
    lived_value: Codes
    lived_client: Codes
    fatal_gap: Reals
    fatal_age: Reals
    fatal_value: Codes
    fatal_client: Codes
    values: int
    clients: int

    @classmethod
    def of(cls, evidence: Evidence, spans: Sequence[str] = SPANS) -> Self:
        """The trials that limits can be held against: ends of which these spans are bounded."""
        lived, ends = places(evidence, spans)
        gap_low, gap_high = even(evidence.gap_low_s, evidence.gap_high_s)
        age_low, age_high = even(evidence.age_low_s, evidence.age_high_s)
        return cls(
            lived_gap=gap_low[lived],
            lived_age=age_low[lived],
            lived_value=evidence.value[lived],
            lived_client=evidence.holder[evidence.value[lived]],
            fatal_gap=gap_high[ends],
            fatal_age=age_high[ends],
            fatal_value=evidence.value[ends],
            fatal_client=evidence.holder[evidence.value[ends]],
            values=evidence.values,
            clients=int(evidence.client.max(initial=-1)) + 1,
        )

    @property
    def ends(self) -> int:
        """How many ends there are."""
        return len(self.fatal_gap)

    def lived(self, span: str) -> Reals:
        """Gaps or ages of the survived uses."""
        return self.lived_gap if span == "gap" else self.lived_age

    def fatal(self, span: str) -> Reals:
        """Gaps or ages of the ends."""
        return self.fatal_gap if span == "gap" else self.fatal_age

    def longest(self, span: str) -> Reals:
        """Per value the longest span it outlived; 0 where none was seen."""
        top = np.zeros(self.values)
        np.maximum.at(top, self.lived_value, self.lived(span))
        return top


def places(evidence: Evidence, spans: Sequence[str] = SPANS) -> tuple[Codes, Codes]:
    """Where the survived uses stand, and the ends of which these spans are bounded."""
    ends = evidence.ending
    for span in spans:
        ends = ends[np.isfinite(evidence.bounds(span)[1][ends])]
    return np.flatnonzero(evidence.survived), ends


def even(low: Reals, high: Reals) -> tuple[Reals, Reals]:
    """Brackets, the wide ones drawn together to their middle."""
    with np.errstate(invalid="ignore"):
        wide = np.isfinite(high) & (low > 0) & (high - low > WIDE * high)
        middle = (low + high) / 2
    return np.where(wide, middle, low), np.where(wide, middle, high)
