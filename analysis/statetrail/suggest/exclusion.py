"""The rules by which a pair of places is no state: each names what else it is.

A rule errs towards silence: what is proposed is read by a person, and a wrong proposal costs more
than a missing one.
"""

import re
from collections.abc import Callable
from typing import Final

from statetrail.suggest.issues import Issues
from statetrail.suggest.kinship import is_generic, names_state, noise_of
from statetrail.suggest.pairs import Pair

MIN_SHARE: Final = 0.3
"""Share of a client's requests that present one value, from which on an unnamed one is state."""
MANY: Final = 2.5
"""Values that one place issues in one response, from which on they are a list."""

_LINK: Final = re.compile(r"link |;")


def _name(pair: Pair, issues: Issues) -> bool:
    return any(noise_of(at.place.label) is not None for at in (pair.issue, pair.present))


def _other_site(pair: Pair, issues: Issues) -> bool:
    if pair.present.place.kind == "header" and pair.present.place.scheme:
        return False
    return pair.issue.site != pair.present.site


def _echo(pair: Pair, issues: Issues) -> bool:
    return pair.echoes > pair.count


def _many(pair: Pair, issues: Issues) -> bool:
    number = pair.issue_number
    return issues.counts[number] > MANY * issues.responses[number]


def _shared(pair: Pair, issues: Issues) -> bool:
    if pair.plain:
        return False
    if len(pair.clients) > 1 and len(pair.distinct) == 1:
        return True
    return 2 * pair.shared > pair.count


def _short(pair: Pair, issues: Issues) -> bool:
    if not pair.plain:
        return False
    header = pair.issue.place.kind == "header" and pair.present.place.kind in ("header", "query")
    return not (header and pair.kindred and pair.uses >= 2)


def _not_sticky(pair: Pair, issues: Issues) -> bool:
    """A value in a query, a path or a body that is not named as state: it has to stick."""
    place = pair.present.place
    if place.kind == "header":
        return not (names_state(place.name) or pair.uses >= 2)
    followed = pair.issue.place.kind == "location" or _LINK.match(pair.issue.place.name)
    if not followed and pair.kindred and names_state(place.label):
        return False
    if not pair.sticky or pair.interleaved * 2 > len(pair.clients):
        return True
    named = names_state(place.label) or (pair.kindred and not is_generic(place.label))
    return not (named or pair.share >= MIN_SHARE)


RULES: Final[dict[str, Callable[[Pair, Issues], bool]]] = {
    "name": _name,
    "other site": _other_site,
    "echo": _echo,
    "list": _many,
    "shared": _shared,
    "short": _short,
    "not sticky": _not_sticky,
}
"""Why a pair is no state → whether it holds."""


def exclusion(pair: Pair, issues: Issues, off: frozenset[str] = frozenset()) -> str | None:
    """The first rule by which a pair is no state; `None`: it is. Rules in `off` do not count."""
    return next(
        (name for name, rule in RULES.items() if name not in off and rule(pair, issues)), None
    )
