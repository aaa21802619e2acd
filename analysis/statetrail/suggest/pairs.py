"""Pairs of places between which values go: what was issued here is presented there.

Enters: `Uses` and `Issues`. Leaves: `Pair`s with their evidence, whatever the traffic means by
them; `statetrail.suggest.exclusion` tells state from the rest.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from statetrail.suggest.issues import Issues
from statetrail.suggest.kinship import kindred
from statetrail.suggest.uses import At, Use, Uses

MAX_VALUES = 1024
"""Values of a pair by which it is compared with others."""


@dataclass(slots=True)
class Pair:
    """What is known of the way from one place to another.

    Attributes
    ----------
    values, distinct
        Values by client, and values whoever holds them; `values` holds the first `MAX_VALUES`.
    uses, most_uses, sticky
        Requests that presented one; the most of one value; values presented three times and more,
        at two endpoints and more.
    shared
        Values that several clients present.
    plain
        Values that are short or words.
    interleaved
        Clients that presented a value again after another one that they had first presented later.
    share
        The largest share that requests with one value have of a client's requests to the site.
    echoes
        Values that a client presented before the issuing place first held them.
    """

    issue: At
    present: At
    issue_number: int
    present_number: int
    values: set[tuple[int, int]] = field(default_factory=set)
    clients: set[int] = field(default_factory=set)
    distinct: set[int] = field(default_factory=set)
    count: int = 0
    uses: int = 0
    most_uses: int = 0
    sticky: int = 0
    shared: int = 0
    plain: int = 0
    interleaved: int = 0
    share: float = 0.0
    echoes: int = 0
    kindred: bool = False


def pairs(uses: Uses, issues: Issues) -> list[Pair]:
    """The pairs of places, in the order in which they were met.

    What a ``Set-Cookie`` issued comes back as a cookie by itself: such ways are no pairs.
    """
    found: dict[tuple[int, int], Pair] = {}
    holders: defaultdict[int, set[int]] = defaultdict(set)
    for issue in issues.first_us:
        holders[issue.value].add(issue.client)
    echoes: Counter[int] = Counter()
    cookies = {
        (issue.client, issue.value)
        for issue in issues.first_us
        if issues.places[issue.place].place.kind == "cookie"
    }
    spans: defaultdict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
    for (client, value, place), response_us in issues.first_us.items():
        rows = list(uses.of(client, value))
        if not rows or response_us > min(row.first_us for row in rows):
            echoes[place] += 1
            continue
        is_cookie = (client, value) in cookies
        for row in rows:
            if is_cookie and uses.places[row.place].place.kind == "cookie":
                continue
            pair = found.get((place, row.place))
            if pair is None:
                pair = _pair(uses, issues, place, row.place)
                found[place, row.place] = pair
            _add(pair, client, value, row, uses, len(holders[value]) > 1)
            spans[place, row.place, client].append((row.first_us, row.last_us))
    for (place, number, _), used in spans.items():
        found[place, number].interleaved += _interleaved(used)
    for pair in found.values():
        pair.echoes = echoes[pair.issue_number]
    return list(found.values())


def _pair(uses: Uses, issues: Issues, issue: int, present: int) -> Pair:
    one, other = issues.places[issue], uses.places[present]
    kin = kindred(one.place.label, other.place.label)
    return Pair(one, other, issue, present, kindred=kin)


def _add(pair: Pair, client: int, value: int, row: Use, uses: Uses, shared: bool) -> None:
    pair.count += 1
    pair.clients.add(client)
    if len(pair.values) < MAX_VALUES:
        pair.values.add((client, value))
        pair.distinct.add(value)
    pair.uses += row.requests
    pair.most_uses = max(pair.most_uses, row.requests)
    pair.sticky += row.requests >= 3 and row.endpoints >= 2
    pair.shared += shared
    pair.plain += value in uses.plain
    requests = uses.requests_of.get((client, pair.present.site), 0)
    pair.share = max(pair.share, row.requests / requests if requests else 0.0)


def _interleaved(used: list[tuple[int, int]]) -> bool:
    """Whether a value is used again after the first use of one that was first used later."""
    used.sort()
    return any(last > later for (_, last), (later, _) in pairwise(used))
