"""How sightings are made: the dialects, the key, what the user wants in clear.

Enters: the user's choice. Leaves: a `Sighting`, which remembers of the traffic what repeats.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from statetrail.dialects import Dialect, Param
from statetrail.dialects.grammar import MAX_VALUE
from statetrail.extract.cache import Memory
from statetrail.extract.compiled import Plan
from statetrail.extract.exchange_row import Key as StandingKey
from statetrail.extract.exchange_row import Standing
from statetrail.extract.fingerprint import Pseudonymiser
from statetrail.extract.headers import Heads
from statetrail.extract.path import Paths
from statetrail.extract.state import Key, State
from statetrail.extract.target import Targets
from statetrail.extract.token_candidates import QueryPrints

_CREDENTIAL: Final = re.compile(
    r"auth|cookie|key|password|secret|session|ticket|token", re.IGNORECASE
)
REMEMBERED: Final = 2048
"""States and standings that are remembered."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """How sightings are made: the dialects, the key, what the user wants clear.

    Attributes
    ----------
    clear
        Names of parameters whose values are stored in clear although they are secret.
    client_header
        Lower-case name of a request header that tells clients apart.
    plans
        The dialects' lookup tables, made from `dialects`.
    targets, heads, states, standings
        What targets, heads, state and whole exchanges say; they remember those seen last.
    """

    dialects: tuple[Dialect, ...]
    pseudonyms: Pseudonymiser
    clear: frozenset[str] = frozenset()
    client_header: str | None = None
    plans: tuple[Plan, ...] = field(init=False, repr=False, compare=False)
    targets: Targets = field(init=False, repr=False, compare=False)
    heads: Heads = field(init=False, repr=False, compare=False)
    states: Memory[Key, State] = field(init=False, repr=False, compare=False)
    standings: Memory[StandingKey, Standing] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plans = tuple(Plan.of(dialect) for dialect in self.dialects)
        heads = Heads(plans, self.pseudonyms, self.client_header, hides_client=self.hides_client)
        presents = frozenset(n.lower() for p in plans for n in (*p.query, *p.query_folded))
        made = {
            "plans": plans,
            "targets": Targets(
                Paths(self.dialects, self.pseudonyms), presents, QueryPrints(self.pseudonyms)
            ),
            "heads": heads,
            "states": Memory(REMEMBERED),
            "standings": Memory(REMEMBERED),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    @property
    def hides_client(self) -> bool:
        """Whether the header that tells clients apart carries a credential."""
        return self.client_header is not None and bool(_CREDENTIAL.search(self.client_header))

    def may_be_clear(self, plan: Plan, param: Param | None, value: str) -> bool:
        """Whether the form of a value allows to store it in clear."""
        if param is None:
            return False
        if param.name in self.clear and len(value) <= MAX_VALUE and value.isprintable():
            return True
        pattern = plan.clear.get(param.name)
        return pattern is not None and pattern.fullmatch(value) is not None
