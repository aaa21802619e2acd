"""Lateness: what late uses tell of a limit on the age.

Enters: how often a replaced value was still taken, and how often it was not. Leaves: the strict
name of the policy, or the family's. A server that renews values takes the old one for a while; one
that ends them does not. Without late uses nothing tells the two apart.
"""

from typing import Final

MIN_ACCEPTED: Final = 1
"""Late uses that were accepted and that `periodic` needs."""
MIN_REFUSED: Final = 3
"""Late uses that were refused and that `absolute` needs, none accepted..."""
MIN_PROMPT: Final = 1
"""... or so many of those that came within `PROMPT` of the lifetime after the end: no overlap
worth its name is as short."""
PROMPT: Final = 0.05


def strict_name(accepted: int, refused: int, prompt: int = 0) -> str:
    """`periodic`, `absolute` or `age`.

    Parameters
    ----------
    accepted, refused
        How many late uses the server took, and how many it did not.
    prompt
        How many of these came soon after the value's end.

    Examples
    --------
    >>> strict_name(5, 1), strict_name(0, 4), strict_name(0, 1, prompt=1), strict_name(0, 1)
    ('periodic', 'absolute', 'absolute', 'age')
    """
    if accepted >= MIN_ACCEPTED:
        return "periodic"
    return "absolute" if refused >= MIN_REFUSED or prompt >= MIN_PROMPT else "age"
