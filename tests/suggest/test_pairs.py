"""The pairing of what is presented with what was issued before, against a slow account of it."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.records import Exchange, Request, Response
from statetrail.ingest.whole import WholeExchange
from statetrail.suggest.issues import Issues
from statetrail.suggest.pairs import pairs
from statetrail.suggest.uses import Uses

VALUES = ("yjipILZBeUWxrFq1", "KmTTqEwpOdSaXcV2", "PoWnEdRtYuIkLmB3", "2")
NAMES = ("x-one", "x-two", "x-three")
CLIENTS = ("app/1", "app/2")


@dataclass(frozen=True)
class Ex:
    """An exchange by a client: what it presents and what it is answered, by field."""

    client: str
    asked_s: int
    answered_s: int
    presented: dict[str, str]
    issued: dict[str, str]


def fields() -> st.SearchStrategy[dict[str, str]]:
    """Up to two fields with values."""
    return st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2)


EXCHANGES = st.lists(
    st.builds(
        lambda client, at, wait, presented, issued: Ex(client, at, at + wait, presented, issued),
        st.sampled_from(CLIENTS),
        st.integers(0, 12),
        st.integers(0, 2),
        fields(),
        fields(),
    ),
    max_size=14,
)


def whole(ex: Ex) -> WholeExchange:
    """The exchange on the wire."""

    def on_wire(some: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((name.encode(), value.encode()) for name, value in some.items())

    request = Request(
        method="GET", scheme="https", host="shop.example", port=443, target=b"/some",
        headers=((b"user-agent", ex.client.encode()), *on_wire(ex.presented)),
        http_version="", start_us=ex.asked_s,
    )  # fmt: skip
    response = Response(200, on_wire(ex.issued), ex.answered_s, ex.answered_s)
    return WholeExchange(Exchange("", request, response), b"", b"", None)


def account(exchanges: list[Ex]) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each way from a field to a field: values by client, and their uses. By definition.

    A value goes from I to P where I held it in an answer to the client, no later than the client
    first presented it anywhere, and the client presented it in P.
    """
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for client, value in itertools.product(CLIENTS, VALUES):
        own = [ex for ex in exchanges if ex.client == client]
        first = min((ex.asked_s for ex in own if value in ex.presented.values()), default=None)
        if first is None:
            continue
        for issue, present in itertools.product(NAMES, NAMES):
            before = any(ex.issued.get(issue) == value and ex.answered_s <= first for ex in own)
            uses = sum(ex.presented.get(present) == value for ex in own)
            if before and uses:
                found[issue, present][0] += 1
                found[issue, present][1] += uses
    return {way: (values, uses) for way, (values, uses) in found.items()}


@given(exchanges=EXCHANGES, order=st.randoms())
def test_pairs_are_what_their_definition_says(exchanges: list[Ex], order: object) -> None:
    """In whatever order the file has them: the same ways, values and uses."""
    shuffled = list(exchanges)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    uses = Uses()
    for ex in shuffled:
        uses.add(whole(ex))
    issues = Issues(uses)
    for ex in shuffled:
        issues.add(whole(ex))
    found = {
        (pair.issue.place.name, pair.present.place.name): (pair.count, pair.uses)
        for pair in pairs(uses, issues)
    }
    assert found == account(exchanges)
