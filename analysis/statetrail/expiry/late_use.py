"""Lateness: what late uses tell of a limit on the age.

Enters: how often a replaced value was still taken, and how often it was not. Leaves: the strict
name of the policy, or the family's. A server that renews values takes the old one for a while; one
that ends them does not. Without late uses nothing tells the two apart.
"""

from dataclasses import dataclass
from typing import Final

PROMPT: Final = 0.008
"""Share of its lifetime after a value's end within which a late use is prompt: no overlap worth its
name is as short."""


@dataclass(frozen=True, slots=True)
class Late:
    """Uses of values after one that found them ended.

    Attributes
    ----------
    accepted, refused
        How many the server took, and how many it did not.
    prompt
        How many of the refused came soon after the end.
    overlapping_s
        Least ages of the values of uses that were accepted while the end was being found: the
        server may have looked them up before it, but not if they were older than any limit.
    """

    accepted: int = 0
    refused: int = 0
    prompt: int = 0
    overlapping_s: tuple[float, ...] = ()

    def accepted_beyond(self, limit_s: float | None) -> int:
        """How many uses were accepted at an age that the limit forbids."""
        if limit_s is None:
            return self.accepted
        return self.accepted + sum(age > limit_s for age in self.overlapping_s)


def strict_name(accepted: int, prompt: int) -> str:
    """`periodic`, `absolute` or `age`.

    Parameters
    ----------
    accepted
        How many late uses the server took.
    prompt
        How many it refused soon after the value's end. Refusals later than that say nothing: the
        overlap may have been over.

    Examples
    --------
    >>> strict_name(5, 1), strict_name(0, 1), strict_name(0, 0)
    ('periodic', 'absolute', 'age')
    """
    if accepted:
        return "periodic"
    return "absolute" if prompt else "age"
