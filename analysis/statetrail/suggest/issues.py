"""Pass 2: where just the values that a client presents were issued to it before.

Enters: whole exchanges, and the `Uses` of pass 1. Leaves: `Issues`: of each value and client the
places that issued it before the client first presented it, and for each place how often a client
was first.
"""

from collections import Counter
from typing import NamedTuple

from statetrail.dialects.cookies.scope import site
from statetrail.ingest.whole import WholeExchange
from statetrail.suggest.issued import issued
from statetrail.suggest.kinship import is_generic
from statetrail.suggest.places import Numbered, Place
from statetrail.suggest.uses import MAX_ENDPOINTS, At, Uses, is_asset


class Issue(NamedTuple):
    """Issues of a value to one client in one place; the time, in microseconds, is of the first."""

    client: int
    value: int
    place: int


class Issues:
    """What was issued of the values that clients presented."""

    def __init__(self, uses: Uses) -> None:
        self.uses = uses
        self.places: Numbered[At] = Numbered()
        self.first_us: dict[Issue, int] = {}
        self.counts: Counter[int] = Counter()
        self.responses: Counter[int] = Counter()
        self.issued_at: dict[int, set[int]] = {}
        self.answered = 0
        self.fields_of_credentials = 0

    def add(self, whole: WholeExchange) -> None:
        """Add what a response issues."""
        exchange = whole.exchange
        response, request = exchange.response, exchange.request
        if response is None or is_asset(request):
            return
        self.answered += 1
        client, home = self.uses.client(request, whole.source), site(request.host)
        found = set(
            issued(response, whole.response_body, self.uses.opaque, self.uses.plain, self.uses.runs)
        )
        if not found:
            return
        response_us = response.start_us or response.end_us or request.start_us
        endpoint = self.uses.endpoint(request)
        held = set()
        for place, value in found:
            if place.kind == "json" and is_generic(place.label):
                # Such a pointer is everywhere: what it means depends on what was asked.
                answers = self.uses.endpoints[endpoint]
                place = Place("json", place.name, f"{answers.method} {answers.path}")
            if self.uses.first_us(client, value) is None:
                continue
            number = self.places.number(At(home, place))
            held.add(number)
            issue = Issue(client, value, number)
            self.first_us[issue] = min(self.first_us.get(issue, response_us), response_us)
            self.counts[number] += 1
            if len(known := self.issued_at.setdefault(number, set())) < MAX_ENDPOINTS:
                known.add(endpoint)
        self.responses.update(held)
