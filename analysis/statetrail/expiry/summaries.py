"""Summaries: what the limits are bounded by, per value, and what the models are compared on.

Enters: `Evidence`. Leaves: `ValueSummaries`, the sufficient statistics of the intervals: of a value
only its longest survived span and its fatal one count, however many uses there were. `EventTable`:
survived uses and ends apart, for the marginal likelihoods.

Survived uses take the lower end of a bracket and ends the upper one. Where the brackets are wide,
as idle times of a second are next to a latency of a tenth, this alone would part survivals from
ends: many idle times of one length would seem to have a limit in their middle. In the event table
both take the middle of a wide bracket. Not where latency cannot be what made it wide: a use in
between, of which it is not known whether the server took it, leaves a bracket of seconds to hours,
in which the middle is no likelier than the ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from statetrail.expiry.evidence import SPANS, Evidence, Span
from statetrail.expiry.numerics import Codes, Reals, largest

WIDE: Final = 0.02
"""Width of a wide bracket, as a share of its upper end."""
LATENCY_S: Final = 10.0
"""Two requests take no longer: a bracket wider than this and than its lower end is no latency's."""


@dataclass(frozen=True, slots=True)
class ValueSummaries:
    """One entry per value.

    Attributes
    ----------
    outlived
        By span, the longest in seconds that it surely survived; 0: none was seen.
    ended
        By span, the one by which it had surely ended; infinite: it has not, or that is not known.
    ended_at_us, ended_session
        Start of the request that found it ended, and the session of the value; -1: none did.
    """

    outlived: Mapping[Span, Reals]
    ended: Mapping[Span, Reals]
    ended_at_us: Codes
    ended_session: Codes

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """The summaries of all values."""
        fatal, (at, session) = evidence.fatal, np.full((2, evidence.values), -1)
        at[evidence.value[fatal]] = evidence.request_start_us[fatal]
        session[evidence.value[fatal]] = evidence.session[fatal]
        spans = {span: evidence.summary(span) for span in SPANS}
        outlived, ended = ({s: spans[s][n] for s in spans} for n in (0, 1))
        return cls(outlived, ended, at, session)

    def __len__(self) -> int:
        return len(self.ended_at_us)

    @property
    def ends(self) -> int:
        """How many values ended."""
        return int(np.count_nonzero(self.ended_at_us >= 0))

    @property
    def sessions(self) -> int:
        """How many sessions had values that ended."""
        return len(np.unique(self.ended_session[self.ended_at_us >= 0]))

    @property
    def unknown_age_ends(self) -> int:
        """How many values ended at an unknown age: their issue was not seen."""
        return int(np.count_nonzero((self.ended_at_us >= 0) & np.isinf(self.ended["age"])))


@dataclass(frozen=True, slots=True)
class EventTable:
    """Survived uses and ends with their idle times and ages.

    Attributes
    ----------
    lived, fatal
        By span in seconds, what survived uses outlived at least and what ends reached at most.
    lived_value, fatal_value
        Codes of their values, which ascend.
    lived_client, fatal_client
        Codes of the holders of these values (`Evidence.holder`): a shared value has its limit from
        the client it was issued to.
    fatal_session
        Codes of the sessions of those that ended.
    values, clients
        Numbers of values and of holders.
    """

    lived: Mapping[Span, Reals]
    fatal: Mapping[Span, Reals]
    lived_value: Codes
    lived_client: Codes
    fatal_value: Codes
    fatal_client: Codes
    fatal_session: Codes
    values: int
    clients: int

    @classmethod
    def of(cls, evidence: Evidence, spans: Sequence[Span] = SPANS) -> Self:
        """All survived uses, and the ends of which these spans are bounded."""
        lived, ends = event_uses(evidence, spans)
        brackets = {span: even(*evidence.brackets(span)) for span in SPANS}
        return cls(
            lived={span: brackets[span][0][lived] for span in SPANS},
            fatal={span: brackets[span][1][ends] for span in SPANS},
            lived_value=evidence.value[lived],
            lived_client=evidence.holder[evidence.value[lived]],
            fatal_value=evidence.value[ends],
            fatal_client=evidence.holder[evidence.value[ends]],
            fatal_session=evidence.session[ends],
            values=evidence.values,
            clients=int(evidence.party.max(initial=-1)) + 1,
        )

    @property
    def ends(self) -> int:
        """How many ends there are."""
        return len(self.fatal_value)

    def longest(self, span: Span) -> Reals:
        """Per value the longest span it outlived; 0 where none was seen."""
        return largest(self.lived[span], self.lived_value, self.values)


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
        wide &= high - low <= np.maximum(low, LATENCY_S)
        middle = (low + high) / 2
    return np.where(wide, middle, low), np.where(wide, middle, high)
