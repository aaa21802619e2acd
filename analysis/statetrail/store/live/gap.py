"""The exchanges that a recorder lost: how many, from when to when, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime

from statetrail.extract.extractor import ExchangeFacts


@dataclass(slots=True)
class LostExchanges:
    """The exchanges that were lost since the last note."""

    exchanges: int = 0
    first_us: int = 0
    last_us: int = 0
    reason: str = ""

    def add(self, facts: ExchangeFacts, reason: str) -> None:
        """Count an exchange."""
        start_us = facts.exchange.request_start_us
        end_us = facts.exchange.response_end_us or start_us
        self.first_us = min(self.first_us, start_us) if self.exchanges else start_us
        self.last_us = max(self.last_us, end_us) if self.exchanges else end_us
        self.exchanges += 1
        self.reason = reason

    def extend(self, later: "LostExchanges") -> None:
        """Count also those that were lost later."""
        if later.exchanges:
            self.first_us = min(self.first_us, later.first_us) if self.exchanges else later.first_us
            self.last_us = max(self.last_us, later.last_us) if self.exchanges else later.last_us
            self.exchanges += later.exchanges
            self.reason = later.reason

    def sentence(self) -> str:
        """The note."""
        return (
            f"{self.exchanges} {'exchange was' if self.exchanges == 1 else 'exchanges were'} lost, "
            f"{_when(self.first_us)} to {_when(self.last_us)} UTC ({self.reason})"
        )


def _when(us: int) -> str:
    try:
        return f"{datetime.fromtimestamp(us / 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return str(us)


def unclean_end(last_us: int | None) -> str:
    """The note of a recorder that was killed, whose last exchange in the store ended then."""
    since = f" after {_when(last_us)} UTC" if last_us is not None else ""
    return f"the recorder ended without closing the store: exchanges{since} may be missing"
