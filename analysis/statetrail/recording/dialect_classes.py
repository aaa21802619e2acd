"""Classes of dialects: those that are judged alike, over the same realm.

Enters: the dialects of a recording. Leaves: `DialectClass`es. What judges a bucket of clients does
so once for each class.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from statetrail.dialects import Dialect

CLASS = "class"
"""Where the facts of a bucket have the place of their class."""


class DialectClass(NamedTuple):
    """Dialects that are judged alike.

    `declared`: by what is declared of single values, else by sessions. `realm`: what their values
    are good for (`Scope.realm`).
    """

    dialects: tuple[Dialect, ...]
    declared: bool = False
    realm: Literal["origin", "site", "dialect"] = "origin"


def dialect_classes(
    dialects: Sequence[Dialect], seen: Callable[[], Collection[str]]
) -> tuple[DialectClass, ...]:
    """The classes of dialects: first those judged by sessions, then what was seen of the others."""
    by_session = tuple(dialect for dialect in dialects if not dialect.by_declaration)
    classes = [DialectClass(by_session)]
    if len(by_session) == len(dialects):
        return (*classes,)
    names = seen()
    others = [d for d in dialects if d.by_declaration and d.name in names]
    for realm in dict.fromkeys(dialect.scope.realm for dialect in others):
        own = tuple(dialect for dialect in others if dialect.scope.realm == realm)
        classes.append(DialectClass(own, declared=True, realm=realm))
    return (*classes,)
