"""Summaries: what the limits are bounded by, per value, and what the models are compared on.

Enters: `Evidence`. Leaves: `ValueSummaries`, the sufficient statistics of the intervals: of a value
only its longest survived span and its fatal one count, however many uses there were. `EventTable`:
survived uses and ends apart, for the marginal likelihoods.

Survived uses take the lower end of a bracket and ends the upper one. Where the brackets are wide,
as idle times of a second are next to a latency of a tenth, this alone would part survivals from
ends: many idle times of one length would seem to have a limit in their middle. In the event table
both take the middle of a wide bracket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from statetrail.expiry.evidence import SPANS, Evidence, Span
from statetrail.expiry.numerics import Codes, Reals

WIDE: Final = 0.02
"""Width of a wide bracket, as a share of its upper end."""


@dataclass(frozen=True, slots=True)
class ValueSummaries:
    """One entry per value.

    Attributes
    ----------
    outlived_idle, outlived_age
        The longest span in seconds that it surely survived; 0: none was seen.
    ended_idle, ended_age
        The span by which it had surely ended; infinite: it has not, or that is not known.
    ended_at_us
        Start of the request that found it ended; -1: none did.
    ended_client
        The client of that request; -1: none.
    """

    outlived_idle: Reals
    outlived_age: Reals
    ended_idle: Reals
    ended_age: Reals
    ended_at_us: Codes
    ended_client: Codes

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """The summaries of all values."""
        fatal, (at, client) = evidence.fatal, np.full((2, evidence.values), -1)
        at[evidence.value[fatal]] = evidence.request_start_us[fatal]
        client[evidence.value[fatal]] = evidence.client[fatal]
        (idle, idle_end), (age, age_end) = (evidence.summary(span) for span in SPANS)
        return cls(idle, age, idle_end, age_end, at, client)

    def __len__(self) -> int:
        return len(self.outlived_idle)

    @property
    def ends(self) -> int:
        """How many values ended."""
        return int(np.count_nonzero(self.ended_at_us >= 0))

    @property
    def clients(self) -> int:
        """How many clients found ends."""
        return len(np.unique(self.ended_client[self.ended_at_us >= 0]))

    @property
    def unknown_age_ends(self) -> int:
        """How many values ended at an unknown age: their issue was not seen."""
        return int(np.count_nonzero((self.ended_at_us >= 0) & np.isinf(self.ended_age)))

    def outlived(self, span: Span) -> Reals:
        """Longest survived idle times or ages."""
        return self.outlived_idle if span == "idle" else self.outlived_age

    def ended(self, span: Span) -> Reals:
        """Fatal idle times or ages."""
        return self.ended_idle if span == "idle" else self.ended_age


@dataclass(frozen=True, slots=True)
class EventTable:
    """Survived uses and ends with their idle times and ages.

    Attributes
    ----------
    lived_idle, lived_age
        Spans in seconds that survived uses outlived at least.
    lived_value, lived_client
        Codes of the values of the survived uses, and of the clients that presented these first:
        they count for a shared value, since a value has its limit from the client it was issued to.
    fatal_idle, fatal_age
        Spans in seconds that ends had reached at most.
    fatal_value, fatal_client
        The same of the ends.
    values, clients
        Numbers of codes.
    """

    lived_idle: Reals
    lived_age: Reals
    lived_value: Codes
    lived_client: Codes
    fatal_idle: Reals
    fatal_age: Reals
    fatal_value: Codes
    fatal_client: Codes
    values: int
    clients: int

    @classmethod
    def of(cls, evidence: Evidence, spans: Sequence[Span] = SPANS) -> Self:
        """All survived uses, and the ends of which these spans are bounded."""
        lived, ends = event_uses(evidence, spans)
        idle_low, idle_high = even(*evidence.brackets("idle"))
        age_low, age_high = even(*evidence.brackets("age"))
        return cls(
            lived_idle=idle_low[lived],
            lived_age=age_low[lived],
            lived_value=evidence.value[lived],
            lived_client=evidence.holder[evidence.value[lived]],
            fatal_idle=idle_high[ends],
            fatal_age=age_high[ends],
            fatal_value=evidence.value[ends],
            fatal_client=evidence.holder[evidence.value[ends]],
            values=evidence.values,
            clients=evidence.clients,
        )

    @property
    def ends(self) -> int:
        """How many ends there are."""
        return len(self.fatal_idle)

    def lived(self, span: Span) -> Reals:
        """Idle times or ages of the survived uses."""
        return self.lived_idle if span == "idle" else self.lived_age

    def fatal(self, span: Span) -> Reals:
        """Idle times or ages of the ends."""
        return self.fatal_idle if span == "idle" else self.fatal_age

    def longest(self, span: Span) -> Reals:
        """Per value the longest span it outlived; 0 where none was seen."""
        top = np.zeros(self.values)
        np.maximum.at(top, self.lived_value, self.lived(span))
        return top


def event_uses(evidence: Evidence, spans: Sequence[Span] = SPANS) -> tuple[Codes, Codes]:
    """Indices of the survived uses, and of the ends of which these spans are bounded."""
    ends = evidence.fatal
    for span in spans:
        ends = ends[np.isfinite(evidence.brackets(span)[1][ends])]
    return np.flatnonzero(evidence.survived), ends


def even(low: Reals, high: Reals) -> tuple[Reals, Reals]:
    """Brackets, both ends of the wide ones moved to their middle."""
    with np.errstate(invalid="ignore"):
        wide = np.isfinite(high) & (low > 0) & (high - low > WIDE * high)
        middle = (low + high) / 2
    return np.where(wide, middle, low), np.where(wide, middle, high)
