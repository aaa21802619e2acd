"""What tells clients apart: names of attributes, and the name that a client gets from them."""

from collections.abc import Iterable, Sequence
from typing import Final

from statetrail.errors import UsageError, unknown
from statetrail.schema.facts import CLIENT_BY

DEFAULT_CLIENT_BY: Final = ("peer", "user-agent")
DECLARED: Final = ("proxy-user", "header")
"""What tells users apart, by the names of `statetrail.schema.CLIENT_BY`."""


def check_client_by(client_by: Sequence[str]) -> None:
    """Raise `UsageError` unless clients can be told apart by these attributes."""
    others = [name for name in client_by if name not in CLIENT_BY]
    if others:
        raise UsageError(unknown("attribute of clients", others[0], CLIENT_BY))
    if not client_by:
        raise UsageError(f"clients need an attribute: choose from {', '.join(CLIENT_BY)}")


def default_client_by(*, imported: bool) -> tuple[str, ...]:
    """What tells clients apart by default: the file too, where HAR files were imported."""
    return (*DEFAULT_CLIENT_BY, "source") if imported else DEFAULT_CLIENT_BY


def client_name(attributes: Iterable[str | None]) -> str:
    """One client's name from its attributes, as `client_expression` in `store.clients` makes it.

    >>> client_name(["192.0.2.7", None])
    '192.0.2.7 | -'
    """
    return " | ".join((text or "-").replace("|", "/") for text in attributes)
