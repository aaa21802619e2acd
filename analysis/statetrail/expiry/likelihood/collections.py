"""Collections: how probable it is that garbage collections at random moments ended these values.

A collection ends every value that is over its timeout. So values that lay unused at the same time
are no independent witnesses: the same collection took them, or there was none. Collections come at
a steady rate (a Poisson process). What is seen then has an exact probability:

1.  None came while a value that survived was over its timeout. That time is taken out.
2.  In what is left, one came at least while each value that ended was over its timeout. By the
    first collection after the first of these spans began the other spans are divided: those that
    had begun have their collection, and for the rest the process begins anew.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from statetrail.expiry.numerics import Reals

PLACES: Final = 64
"""Where very many spans overlap, the first collection comes at one of so many places at most."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Time without a collection: while values that survived were over their timeout.

    Attributes
    ----------
    begins_s, ends_s
        Spans of time that are apart, ascending.
    """

    begins_s: Reals
    ends_s: Reals

    @classmethod
    def of(cls, begins_s: Reals, ends_s: Reals) -> Self:
        """The union of some spans of time."""
        order = np.argsort(begins_s)
        begins_s, ends_s = begins_s[order], np.maximum.accumulate(ends_s[order])
        first = np.append(True, begins_s[1:] > ends_s[:-1])[: len(begins_s)]
        last = np.append(first[1:], True)[: len(begins_s)]
        return cls(begins_s[first], ends_s[last])

    @property
    def total_s(self) -> float:
        """How long it is in all."""
        return float((self.ends_s - self.begins_s).sum())

    def taken_out(self, moments_s: Reals) -> Reals:
        """Moments on the axis of time without it."""
        if not len(self.begins_s):
            return moments_s
        edges = np.stack([self.begins_s, self.ends_s], axis=1).ravel()
        so_far = np.cumsum(self.ends_s - self.begins_s)
        quiet = np.stack([np.append(0.0, so_far[:-1]), so_far], axis=1).ravel()
        return np.asarray(moments_s - np.interp(moments_s, edges, quiet))


def log_collected(begins_s: Reals, ends_s: Reals, rates: Reals) -> Reals:
    """Log-probability that in each of these spans a collection came; one entry a rate.

    Parameters
    ----------
    begins_s, ends_s
        Spans of time, in any order.
    rates
        Collections per second.

    Examples
    --------
    >>> rates, one = np.array([np.log(2)]), np.array([0.0])
    >>> float(np.exp(log_collected(one, one + 1, rates)).round(6)[0])
    0.5
    >>> begins = np.array([0.0, 0.0, 5.0])
    >>> float(np.exp(log_collected(begins, begins + 1, rates)).round(6)[0])
    0.25
    """
    order = np.argsort(begins_s, kind="stable")
    begins_s = begins_s[order]
    # A span that holds another has a collection where that one has.
    ends_s = np.minimum.accumulate(ends_s[order][::-1])[::-1]
    last = np.append(np.diff(ends_s) > 0, True)[: len(ends_s)]
    begins_s, ends_s = begins_s[last], ends_s[last]
    later = np.zeros((len(begins_s) + 1, len(rates)))
    until = np.searchsorted(begins_s, ends_s, "right")
    with np.errstate(divide="ignore"):
        alone = np.log(-np.expm1(-(ends_s - begins_s)[:, None] * rates))
    for nth in range(len(begins_s) - 1, -1, -1):
        if until[nth] == nth + 1:  # no other span begins within it
            later[nth] = alone[nth] + later[nth + 1]
            continue
        # The first collection from the begin of this span on comes between two neighbouring begins.
        places = np.arange(nth, until[nth])
        if len(places) > PLACES:
            places = np.linspace(nth, until[nth] - 1, PLACES).astype(np.int64)
        edges_s = np.append(begins_s[places], ends_s[nth]) - begins_s[nth]
        chances = -np.diff(np.exp(-rates * edges_s[:, None]), axis=0)
        with np.errstate(divide="ignore"):
            each = np.log(chances) + later[places + 1]
        later[nth] = np.logaddexp.reduce(each, axis=0)
    return np.asarray(later[0])
