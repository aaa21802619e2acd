"""A dialect's declaration turned into the lookup tables that single exchanges are held against.

Enters: a `Dialect`. Leaves: a `CompiledDialect`.
"""

import re
from dataclasses import dataclass
from typing import Self

from statetrail.dialects import (
    Dialect,
    HeaderIssue,
    HeaderPresent,
    Param,
    QueryPresent,
    XmlRootIssue,
)


@dataclass(frozen=True, slots=True)
class CompiledDialect:
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
