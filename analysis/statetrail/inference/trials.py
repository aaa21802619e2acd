"""Trials: the part of the evidence on which the models of a policy are compared.

Enters: `Evidence`. Leaves: `Trials`, survived and fatal uses apart. Models may only be compared on
the same data, so an end counts only where both its gap and its age are bounded. The intervals use
the others too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from statetrail.inference.evidence import Codes, Evidence
from statetrail.inference.numerics import Reals


@dataclass(frozen=True, slots=True)
class Trials:
    """Survived uses and ends, each with what it says of gap and age.

    Attributes
    ----------
    lived_gap, lived_age
        Spans in seconds that survived uses outlived at least.
    lived_value, lived_client
        Codes of the values and clients of the survived uses.
    fatal_gap, fatal_age
        Spans in seconds that ends had reached at most.
    fatal_value, fatal_client
        Codes of the values and clients of the ends.
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
    def of(cls, evidence: Evidence, spans: Sequence[str] = ("gap", "age")) -> Self:
        """The trials that limits can be held against: ends of which these spans are bounded."""
        ends = evidence.ending
        for span in spans:
            ends = ends[np.isfinite(evidence.bounds(span)[1][ends])]
        lived = np.flatnonzero(evidence.survived)
        return cls(
            lived_gap=evidence.gap_low_s[lived],
            lived_age=evidence.age_low_s[lived],
            lived_value=evidence.value[lived],
            lived_client=evidence.client[lived],
            fatal_gap=evidence.gap_high_s[ends],
            fatal_age=evidence.age_high_s[ends],
            fatal_value=evidence.value[ends],
            fatal_client=evidence.client[ends],
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
