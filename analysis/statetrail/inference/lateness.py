"""Lateness: what late uses tell of a limit on the age.

Enters: how often a replaced value was still taken, and how often it was not. Leaves: the strict
name of the policy, or the family's. A server that renews values takes the old one for a while; one
that ends them does not. Without late uses nothing tells the two apart.
"""

from typing import Final

MIN_ACCEPTED: Final = 2
"""Late uses that were accepted and that `periodic` needs."""
MIN_REFUSED: Final = 3
"""Late uses that were refused and that `absolute` needs, none accepted."""


def strict_name(accepted: int, refused: int) -> str:
    """`periodic`, `absolute` or `age`.

    >>> strict_name(5, 1), strict_name(0, 4), strict_name(1, 9), strict_name(0, 0)
    ('periodic', 'absolute', 'age', 'age')
    """
    if accepted >= MIN_ACCEPTED:
        return "periodic"
    return "absolute" if not accepted and refused >= MIN_REFUSED else "age"
