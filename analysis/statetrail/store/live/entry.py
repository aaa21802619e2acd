"""An exchange that was given to the journal."""

from dataclasses import dataclass

from statetrail.extract.extractor import ExchangeFacts
from statetrail.store.rows import ExchangeId
from statetrail.store.sqlite import SqliteStore


@dataclass(slots=True, eq=False)
class JournalEntry:
    """An exchange, and where it is stored, if it is.

    A store without an id: it was stored already. `weight` is its number of values while it waits in
    memory, else 0.
    """

    facts: ExchangeFacts
    store: SqliteStore | None = None
    exchange_id: ExchangeId | None = None
    weight: int = 0


def weight_of(facts: ExchangeFacts) -> int:
    """The exchange and its values."""
    return 1 + len(facts.issued) + len(facts.presented) + len(facts.token_candidates)
