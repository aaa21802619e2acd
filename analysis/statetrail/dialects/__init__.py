"""The dialects: what each protocol says of where state is issued and presented."""

from collections.abc import Iterable
from typing import Final

from statetrail.dialects.eseller52 import ESELLER52
from statetrail.dialects.model import (
    Dialect,
    HeaderIssue,
    HeaderPresent,
    Param,
    Priority,
    QueryPresent,
    Usage,
    XmlRootIssue,
    has_segment,
)
from statetrail.dialects.zest import ZEST
from statetrail.errors import UsageError

__all__ = [
    "DIALECTS",
    "ESELLER52",
    "ZEST",
    "Dialect",
    "HeaderIssue",
    "HeaderPresent",
    "Param",
    "Priority",
    "QueryPresent",
    "Usage",
    "XmlRootIssue",
    "has_segment",
    "select",
]

DIALECTS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in (ZEST, ESELLER52)}


def select(names: str | Iterable[str] = "all") -> tuple[Dialect, ...]:
    """The dialects of those names (comma separated or a sequence; ``all``: every one).

    Raises `UsageError` for an unknown name or none at all.
    """
    wanted = names.split(",") if isinstance(names, str) else list(names)
    wanted = [name.strip() for name in wanted if name.strip()]
    if wanted == ["all"]:
        return tuple(DIALECTS.values())
    unknown = [name for name in wanted if name not in DIALECTS]
    if unknown or not wanted:
        raise UsageError(
            f"unknown dialect {', '.join(map(repr, unknown)) or '(none named)'}: "
            f"choose from {', '.join(DIALECTS)} or 'all'"
        )
    return tuple(DIALECTS[name] for name in dict.fromkeys(wanted))
