"""Pass 1: what clients present, each value by its hash with its places, times and endpoints.

Enters: whole exchanges. Leaves: `Uses`. A value stands here as Python's own hash of it, which is
keyed anew in each process; of a row there are about 200 bytes.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from statetrail.dialects.canonical import Same, canonical
from statetrail.dialects.cookies.scope import site
from statetrail.extract.records import Request
from statetrail.ingest.whole import WholeExchange
from statetrail.suggest.places import (
    ASSET,
    MAX_PLAIN,
    Numbered,
    Place,
    is_opaque,
    template,
)
from statetrail.suggest.presented import presented

WRITES: Final = frozenset(("POST", "PUT", "PATCH", "DELETE", "MERGE"))
FORMS: Final[dict[Same, re.Pattern[str]]] = {
    "django-mask": re.compile(r"[A-Za-z0-9]{32}|[A-Za-z0-9]{64}"),
    "tornado-xsrf": re.compile(r"2\|[0-9a-f]{8}\|[0-9a-f]+\|[0-9]+"),
    "jwt-claims": re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"),
    "before-dot": re.compile(r"[\w-]{16,}\.[\w-]{4,8}\.[\w-]{20,}"),
    "xor-halves": re.compile(r"[A-Za-z0-9+/_-]{43,}={0,2}"),
}
"""Canonical forms, and what a value of each looks like."""
MAX_FORMS: Final = 512
"""Values of one place whose canonical forms are computed."""
MAX_ENDPOINTS: Final = 64
"""Endpoints of one place that are listed."""
MAX_PLACES: Final = 50_000
RUN: Final = re.compile(r"[\w.~-]{8,}")
"""What of a value stands unchanged in any writing of it."""

_NONE: Final = -1
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:,-]{1,16}")
_METHODS: Final = WRITES | {"GET", "HEAD", "QUERY", "REPORT", "PROPFIND"}
_OPTIONS: Final = frozenset(("OPTIONS", "CONNECT", "TRACE"))
_ASSETS: Final = frozenset((b"image", b"font", b"style", b"script", b"audio", b"video", b"track"))


class Endpoint(NamedTuple):
    """What is asked for: a method and a path without ids, at a host."""

    method: str
    host: str
    path: str


class At(NamedTuple):
    """A place at a site."""

    site: str
    place: Place


class Use(NamedTuple):
    """The uses of a value by one client in one place; times in microseconds."""

    place: int
    first_us: int
    last_us: int
    requests: int
    endpoints: int


class Uses:
    """What clients presented, of all captures."""

    def __init__(self) -> None:
        self.clients: Numbered[tuple[str | None, ...]] = Numbered()
        self.places: Numbered[At] = Numbered()
        self.endpoints: Numbered[Endpoint] = Numbered()
        self.runs: set[int] = set()
        self.opaque: set[int] = set()
        self.plain: set[int] = set()
        self.lowered: set[int] = set()
        self.forms: dict[int, dict[Same, int]] = {}
        self.requests_of: dict[tuple[int, str], int] = {}
        self.methods: dict[int, set[str]] = {}
        self.asked_at: dict[int, dict[int, int]] = {}
        self.requests: Counter[int] = Counter()
        self._formed: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._place, self._next = array("i"), array("i")
        self._first, self._last = array("q"), array("q")
        self._count, self._one, self._other = array("l"), array("i"), array("i")
        self._templates: dict[bytes, str] = {}

    def add(self, whole: WholeExchange) -> None:
        """Add what a request presents. Requests for assets and preflights prove nothing."""
        request = whole.exchange.request
        if request.method in _OPTIONS or is_asset(request):
            return
        client, home = self.client(request, whole.source), site(request.host)
        endpoint = self.endpoint(request)
        self.requests[endpoint] += 1
        self.requests_of[client, home] = self.requests_of.get((client, home), 0) + 1
        for place, value in presented(request, whole.request_body):
            self._add(client, home, endpoint, request, place, value)

    def client(self, request: Request, source: str | None) -> int:
        """The number of the client that made a request."""
        agent = next((v for name, v in request.headers if name.lower() == b"user-agent"), b"")
        key = (source, request.peer, agent.decode("latin-1"), request.proxy_user)
        return self.clients.number(key)

    def endpoint(self, request: Request) -> int:
        """The number of what a request asks for."""
        path = request.target.partition(b"?")[0]
        if (shown := self._templates.get(path)) is None:
            shown = template(path)
            if len(self._templates) < 8192:
                self._templates[path] = shown
        method = request.method if request.method in _METHODS else "OTHER"
        return self.endpoints.number(Endpoint(method, request.host, shown))

    def of(self, client: int, value: int) -> Iterator[Use]:
        """The uses of a value, by its hash, by a client."""
        row = self._rows.get(hash((client, value)), _NONE)
        while row != _NONE:
            endpoints = (self._one[row] != _NONE) + (self._other[row] != _NONE)
            yield Use(
                *(self._place[row], self._first[row], self._last[row], self._count[row]),
                endpoints,
            )
            row = self._next[row]

    def first_us(self, client: int, value: int) -> int | None:
        """When a client first presented a value, in any place; `None`: never."""
        return min((use.first_us for use in self.of(client, value)), default=None)

    def __len__(self) -> int:
        return len(self._place)

    def _add(
        self,
        client: int,
        home: str,
        endpoint: int,
        request: Request,
        place: Place,
        value: str,
    ) -> None:
        hashed = hash(value)
        key = hash((client, hashed))
        row = self._rows.get(key, _NONE)
        if row == _NONE and hashed not in self.opaque:
            if hashed in self.plain or not is_opaque(value):
                if not self._is_short_state(place, value):
                    return
                self.plain.add(hashed)
            else:
                self._want(value, hashed)
        if len(self.places) >= MAX_PLACES:
            return
        number = self.places.number(At(home, place))
        last = row
        while row != _NONE and self._place[row] != number:
            last, row = row, self._next[row]
        if row == _NONE:
            row = len(self._place)
            self._append(number, request.start_us, endpoint)
            if last == _NONE:
                self._rows[key] = row
            else:
                self._next[last] = row
            self._describe(number, request.method, endpoint, value, hashed)
            return
        self._first[row] = min(self._first[row], request.start_us)
        self._last[row] = max(self._last[row], request.start_us)
        self._count[row] += 1
        if endpoint != self._one[row] and self._other[row] == _NONE:
            self._other[row] = endpoint
        self._describe(number, request.method, endpoint, value, hashed)

    def _want(self, value: str, hashed: int) -> None:
        """Note a new value that is to be looked for in responses."""
        self.opaque.add(hashed)
        # The names of fields are lowered: a client may have a secret for one.
        self.lowered.add(hash(value.lower()))
        if (run := max(RUN.findall(value), key=len, default=None)) is not None:
            self.runs.add(hash(run))

    def _is_short_state(self, place: Place, value: str) -> bool:
        """Whether a value that is no token may be state where the names are kindred."""
        named = place.kind in ("header", "query")
        return named and len(value) <= MAX_PLAIN and _PLAIN.fullmatch(value) is not None

    def _append(self, place: int, start_us: int, endpoint: int) -> None:
        for column, cell in (
            (self._place, place), (self._next, _NONE), (self._first, start_us),
            (self._last, start_us), (self._count, 1), (self._one, endpoint), (self._other, _NONE),
        ):  # fmt: skip
            column.append(cell)

    def _describe(self, place: int, method: str, endpoint: int, value: str, hashed: int) -> None:
        """Note with which methods and at which endpoints a place is used, and canonical forms."""
        self.methods.setdefault(place, set()).add(method[:16])
        known = self.asked_at.setdefault(place, {})
        if endpoint in known or len(known) < MAX_ENDPOINTS:
            known[endpoint] = known.get(endpoint, 0) + 1
        if hashed not in self.forms and self._formed.get(place, 0) < MAX_FORMS:
            if self.places[place].place.kind == "cookie" and len(value) != 32:
                return
            if found := forms_of(value):
                self._formed[place] = self._formed.get(place, 0) + 1
                self.forms[hashed] = found


def forms_of(value: str) -> dict[Same, int]:
    """The hashes of a value's canonical forms, of those whose look it has."""
    found: dict[Same, int] = {}
    for same, look in FORMS.items():
        if look.fullmatch(value) and (form := canonical(value, same)) != value:
            found[same] = hash(form)
    return found


def is_asset(request: Request) -> bool:
    """Whether a request is for a file that a page loads: a script, a style, an image, a font."""
    if ASSET.search(request.target.partition(b"?")[0]):
        return True
    return any(
        name.lower() == b"sec-fetch-dest" and value in _ASSETS for name, value in request.headers
    )


def all_of(uses: Uses, wholes: Iterable[WholeExchange]) -> Uses:
    """Add exchanges to `uses`, and return it."""
    for whole in wholes:
        uses.add(whole)
    return uses
