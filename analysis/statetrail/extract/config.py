"""How sightings are made: the dialects, the key, what the user wants in clear.

Enters: the user's choice. Leaves: a `ExtractorConfig`, which remembers of the traffic what repeats.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from statetrail.dialects import Dialect, Param
from statetrail.dialects.grammar import MAX_VALUE
from statetrail.extract.cache import BoundedCache
from statetrail.extract.compiled import CompiledDialect
from statetrail.extract.exchange_row import Key as MetadataKey
from statetrail.extract.exchange_row import RequestMetadata
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.headers import HeaderReader
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
class ExtractorConfig:
    """How exchanges are read: the dialects, the key, what the user wants clear.

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
    fingerprinter: Fingerprinter
    clear: frozenset[str] = frozenset()
    client_header: str | None = None
    compiled_dialects: tuple[CompiledDialect, ...] = field(init=False, repr=False, compare=False)
    targets: Targets = field(init=False, repr=False, compare=False)
    headers: HeaderReader = field(init=False, repr=False, compare=False)
    states: BoundedCache[Key, State] = field(init=False, repr=False, compare=False)
    metadata: BoundedCache[MetadataKey, RequestMetadata] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        compiled_dialects = tuple(CompiledDialect.of(dialect) for dialect in self.dialects)
        headers = HeaderReader(
            compiled_dialects,
            self.fingerprinter,
            self.client_header,
            hides_client=self.hides_client,
        )
        presents = frozenset(
            n.lower() for p in compiled_dialects for n in (*p.query, *p.query_folded)
        )
        made = {
            "compiled_dialects": compiled_dialects,
            "targets": Targets(
                Paths(self.dialects, self.fingerprinter), presents, QueryPrints(self.fingerprinter)
            ),
            "headers": headers,
            "states": BoundedCache(REMEMBERED),
            "metadata": BoundedCache(REMEMBERED),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    @property
    def hides_client(self) -> bool:
        """Whether the header that tells clients apart carries a credential."""
        return self.client_header is not None and bool(_CREDENTIAL.search(self.client_header))

    def may_be_clear(self, compiled: CompiledDialect, param: Param | None, value: str) -> bool:
        """Whether the form of a value allows to store it in clear."""
        if param is None:
            return False
        if param.name in self.clear and len(value) <= MAX_VALUE and value.isprintable():
            return True
        pattern = compiled.clear.get(param.name)
        return pattern is not None and pattern.fullmatch(value) is not None
