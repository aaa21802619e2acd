"""Limit on the age: a value ends a fixed time after its issue, used or not.

A server that renews values accepts the old one for a while; one that ends them does not. Without
late uses nothing tells the two apart, and the policy keeps the name of the family, `age`.
"""

from functools import partial
from typing import Final

from statetrail.expiry.likelihood.single_limit import FEW, single_limit
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.model import Model, Policy, fit_age
from statetrail.expiry.models.undetermined import UNDETERMINED


def strict_name(accepted: int, prompt: int) -> str:
    """`periodic`, `absolute` or `age`.

    Parameters
    ----------
    accepted
        How many late uses the server took.
    prompt
        How many it refused soon after the value's end. Later refusals say nothing: the overlap may
        have been over.

    Examples
    --------
    >>> strict_name(5, 1), strict_name(0, 1), strict_name(0, 0)
    ('periodic', 'absolute', 'age')
    """
    if accepted:
        return PERIODIC.name
    return ABSOLUTE.name if prompt else AGE.name


AGE: Final = Policy(
    name="age",
    description="`absolute` or `periodic`: no late use shows which",
    sentence="ends by its age, used or not: it lives for {lifetime}",
    limits=("age",),
    refine=strict_name,
)
ABSOLUTE: Final = Policy(
    name="absolute",
    description="a limit on the age, after which the token is refused",
    sentence="ends by its age, used or not, and is refused from then on: it lives for {lifetime}",
    limits=("age",),
)
PERIODIC: Final = Policy(
    name="periodic",
    description="renewed at an age, the old token accepted for a while",
    sentence="is renewed by its age, and the old value is still accepted for a while: it lives "
    "for {lifetime}",
    limits=("age",),
    overlaps=True,
)


_age = partial(single_limit, span="age")
_age_few = partial(single_limit, span="age", share=FEW)

POLICIES: Final = (AGE, ABSOLUTE, PERIODIC)
MODELS: Final = (
    Model("age", AGE, 0.9, fit_age(_age, eviction)),
    Model("age, few ends explained", UNDETERMINED, 0.05, fit_age(_age_few, eviction)),
)
