"""Which colour each value has: its own in the whole report, and never that of its neighbours.

Enters: a `Document`. Leaves: for each value one of the `HUES`. Neighbours are two values of which
one replaced the other, two that follow each other in a lane of the timeline, and two that one
client's exchanges of the evidence carry one after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from statetrail.report.charts.palette import ALIKE, HUES, hue
from statetrail.report.document import Document

type HueOf = Callable[[str], int]


def hues(document: Document) -> HueOf:
    """The colour of each value of a document."""
    chosen = apart(neighbours(document))
    return lambda value: chosen[value] if value in chosen else hue(value)


def neighbours(document: Document) -> Iterator[tuple[str, str]]:
    """The pairs of different values that a reader has to tell apart."""
    pairs = [(one.from_, one.to) for one in document.rotations if one.from_ is not None]
    lanes = defaultdict[tuple[str, ...], list[str]](list)
    for span in document.lifespans:
        lanes[span.lane].append(span.value)
    for one in document.exchanges:
        for seen in (*one.presented, *one.issued):
            lanes["", one.client, one.origin, seen.param].append(seen.value)
    for values in lanes.values():
        pairs += pairwise(values)
    yield from ((old, new) for old, new in pairs if old != new)


def apart(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """A hue for each value, such that no pair shares one, nor has two that look alike.

    A value with neighbours of all hues keeps its own.

    >>> apart([("a", "m"), ("m", "y")]), hue("a") == hue("m") == hue("y")
    ({'a': 1, 'm': 2, 'y': 1}, True)
    """
    others = defaultdict[str, dict[str, None]](dict)
    for old, new in pairs:
        others[old][new] = others[new][old] = None
    count = len(HUES["light"])
    chosen: dict[str, int] = {}
    for value, near in others.items():
        taken = {chosen[one] for one in near if one in chosen}
        own = hue(value)
        walk = [(own + step) % count for step in range(count)]
        free = [at for at in walk if at not in taken]
        distinct = (at for at in free if ALIKE[at].isdisjoint(taken))
        chosen[value] = next(distinct, (free or walk)[0])
    return chosen
