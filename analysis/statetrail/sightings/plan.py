"""How sightings are made: the dialects, the key, what the user wants in clear.

Enters: the user's choice. Leaves: a `Sighting`, with each dialect's declaration turned into the
lookup tables that single exchanges are held against.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from statetrail.dialects import (
    Dialect,
    HeaderIssue,
    HeaderPresent,
    Param,
    QueryPresent,
    XmlRootIssue,
)
from statetrail.dialects.grammar import MAX_VALUE
from statetrail.sightings.paths import Paths
from statetrail.sightings.pseudonyms import Pseudonymiser

_CREDENTIAL: Final = re.compile(
    r"auth|cookie|key|password|secret|session|ticket|token", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One dialect as lookup tables; header names and case-folded query keys are lower-case bytes.

    Attributes
    ----------
    headers, query, query_folded
        Request headers and query keys (compared exactly, and in any case) by the parameter that
        they present.
    prefixes, issued
        Prefixes of response headers that issue, and the parameters by what follows the prefix.
    roots
        Attributes of XML roots that issue.
    clear
        Patterns of the values that may be stored in clear, by parameter.
    words
        Path segments that mean something to the dialect, case-folded.
    """

    dialect: Dialect
    headers: dict[bytes, Param]
    query: dict[bytes, Param]
    query_folded: dict[bytes, Param]
    prefixes: tuple[bytes, ...]
    issued: dict[bytes, Param]
    roots: tuple[XmlRootIssue, ...]
    clear: dict[str, re.Pattern[str]]
    words: frozenset[str]

    @classmethod
    def of(cls, dialect: Dialect) -> Self:
        """The plan of a dialect."""
        presents, issues, params = dialect.presents, dialect.issues, dialect.params
        by_name = {param.name.encode(): param for param in params}
        folded = {name.lower(): param for name, param in by_name.items()}
        queries = [channel for channel in presents if isinstance(channel, QueryPresent)]
        return cls(
            dialect=dialect,
            headers={
                channel.prefix.encode() + name: param
                for channel in presents
                if isinstance(channel, HeaderPresent)
                for name, param in folded.items()
            },
            query=by_name if any(channel.case_sensitive for channel in queries) else {},
            query_folded=folded if any(not channel.case_sensitive for channel in queries) else {},
            prefixes=tuple(i.prefix.encode() for i in issues if isinstance(i, HeaderIssue)),
            issued=folded,
            roots=tuple(issue for issue in issues if isinstance(issue, XmlRootIssue)),
            clear={param.name: re.compile(param.clear) for param in params if param.clear},
            words=frozenset(
                word.casefold()
                for words in (dialect.scope, *(param.only_on for param in params))
                for word in words
            ),
        )


def _plans(dialects: Iterable[Dialect]) -> tuple[Plan, ...]:
    return tuple(Plan.of(dialect) for dialect in dialects)


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
    presents
        Lower-case names of the request headers that present.
    paths
        What paths say; remembers those seen last.
    """

    dialects: tuple[Dialect, ...]
    pseudonyms: Pseudonymiser
    clear: frozenset[str] = frozenset()
    client_header: str | None = None
    plans: tuple[Plan, ...] = field(init=False, repr=False, compare=False)
    presents: frozenset[bytes] = field(init=False, repr=False, compare=False)
    paths: Paths = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plans = _plans(self.dialects)
        object.__setattr__(self, "plans", plans)
        object.__setattr__(self, "presents", frozenset(n for plan in plans for n in plan.headers))
        object.__setattr__(self, "paths", Paths(self.dialects, self.pseudonyms))

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
