"""Lateness: what late uses tell of a limit on the age.

Enters: how often a replaced value was still taken, and how often it was not. Leaves: the strict
name of the policy, or the family's. A server that renews values takes the old one for a while; one
that ends them does not. Without late uses nothing tells the two apart.
"""

from typing import Final

PROMPT: Final = 0.008
"""Share of its lifetime after a value's end within which a late use is prompt: no overlap worth its
name is as short."""


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
