"""Whatever the network sends is sighted, stored and read back, and costs little."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from statetrail.extract.extractor import MAX_VALUES, extract
from statetrail.extract.fingerprint import StorableValue
from statetrail.extract.records import Exchange, Request, Response
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.traffic import CONFIG, exchange, facts_of

BYTES = st.binary(max_size=60)
TEXT = st.text(st.characters(), max_size=30)
NUMBER = st.one_of(st.integers(), st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1]))
NAMES = [
    *(b"X-Set-LangId", b"x-set-ticket", b"X-Set-", b"X-Set-Unheard", b"X-Ticket", b"X-LangId"),
    *(b"Content-Encoding", b"Content-Type", b"User-Agent", b"Origin", b"Age", b"Cache-Control"),
    b"Access-Control-Expose-Headers",
]
VALUES = [b"1;header/forced", b"gzip", b"br, zstd", b"text/xml; charset=utf-32", b"9" * 30]
PIECES = [b"/API/V3/", b"v3/", b"?", b"&", b"_session_token=", b"LangId=", b"%", b"http://"]
ROOTS = [b"", b"<rsp ", b"<r session='", b"<?xml version='1.0' encoding='"]


def often(known: list[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes, or bytes that mean something."""
    return st.one_of(BYTES, st.sampled_from(known))


FIELDS = st.lists(st.tuples(often(NAMES), often(VALUES)), max_size=6).map(tuple)
TARGETS = st.lists(often(PIECES), max_size=8).map(b"".join)
BODIES = st.tuples(st.sampled_from(ROOTS), BYTES).map(b"".join)
REQUESTS = st.builds(
    Request, TEXT, TEXT, TEXT, NUMBER, TARGETS, FIELDS, TEXT, NUMBER,
    st.none() | NUMBER, st.none() | NUMBER, st.none() | TEXT, st.none() | TEXT,
)  # fmt: skip
RESPONSES = st.builds(
    Response, NUMBER, FIELDS, st.none() | NUMBER, st.none() | NUMBER, BODIES, st.none() | NUMBER,
    st.none() | st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "?"])).map(tuple),
)  # fmt: skip
EXCHANGES_OF_ANYTHING = st.builds(
    Exchange, TEXT, REQUESTS, st.none() | RESPONSES, st.none() | TEXT, st.lists(TEXT).map(tuple)
)


def test_anything_is_sighted_and_can_be_stored(tmp_path: Path) -> None:
    """No field makes `sight` raise or leaves what SQLite does not take; all of it reads back."""
    stored: set[int | None] = set()

    # One store for all examples: making one takes longer than writing to it.
    with SqliteStore.create_or_open(tmp_path / "any.sqlite") as store:

        @settings(max_examples=400)
        @given(EXCHANGES_OF_ANYTHING)
        @example(exchange(flow_id="\ud800", host="\udfff", proxy_user="\x00", start_us=2**64))
        def each(any_exchange: Exchange) -> None:
            kept = extract(any_exchange, CONFIG)
            assert kept == extract(any_exchange, CONFIG)
            stored.add(store.append(kept))
            assert len(kept.issued) <= MAX_VALUES

        each()
        facts = read_store(store.path)
    assert set(facts.tables["exchanges"]["exchange_id"].to_pylist()) == stored - {None}
    assert len(stored) > 50
    for table in (EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES):
        assert facts.tables[table.name].schema == table.arrow


def test_one_exchange_reads_back_as_it_was_sighted(tmp_path: Path) -> None:
    """Every column holds what the record held, in the record's order."""
    kept = facts_of(
        "/API/V3/x?_session_token=abc&LangId=2",
        asked={
            "User-Agent": "é\N{SNOWMAN}",
            "X-Ticket": "a/b",
            "Origin": "https://a.example",
            "X-Api-Key": "kQ7/aZ+4mP0s",
        },
        answered={"X-Set-LangId": "1;uriquery/informational", "X-Set-Ticket": "x", "Age": "7"},
        body=b"<rsp session='abc'/>",
    )
    with SqliteStore.create_or_open(tmp_path / "one.sqlite") as opened:
        assert opened.append(kept) == 1
    tables = {
        name: table.to_pylist()
        for name, table in read_store(tmp_path / "one.sqlite").tables.items()
    }
    assert [tuple(row.values()) for row in tables["exchanges"]] == [
        (1, None, *astuple(kept.exchange))
    ]
    assert kept.token_candidates
    for name, values in (
        ("issued", kept.issued),
        ("presented", kept.presented),
        ("token_candidates", kept.token_candidates),
    ):
        assert [tuple(row.values()) for row in tables[name]] == [
            (1, at, *flat(one)) for at, one in enumerate(values)
        ]


def flat(one: Any) -> Iterator[Any]:
    """A sighting's values with those of `seen` in their place."""
    for part in astuple(one):
        yield from astuple(part) if isinstance(part, StorableValue) else (part,)


def many(name: bytes, value: bytes, count: int = 10_000) -> list[tuple[bytes, bytes]]:
    """Header fields with ``#`` counted up."""
    return [(name.replace(b"#", b"%d" % n), value.replace(b"#", b"%d" % n)) for n in range(count)]


TOKENS = b"&".join(b"_session_token=%d" % n for n in range(100_000))
PARTS = b"".join(b"part-%d;" % n for n in range(900))
HUGE = {
    "a long target": exchange(b"/API/V3/" + b"a" * 1_000_000),
    "slashes": exchange(b"/" * 1_000_000),
    "percents": exchange(b"/v3?Ticket=" + b"%41" * 350_000),
    "query fields": exchange(b"/API/V3/x?" + TOKENS),
    "empty query fields": exchange(b"/API/V3/x?" + b"&" * 1_000_000),
    "a long header": exchange(asked={"X-Ticket": "a" * 1_000_000, "User-Agent": "b" * 1_000_000}),
    "a long state header": exchange(answered={"X-Set-Ticket": "a;" * 500_000}),
    "state headers": exchange(answered=many(b"X-Set-LangId", b"#;x/y")),
    "names": exchange(answered=many(b"X-Set-A#", b"1;header/forced")),
    "tickets": exchange(asked=many(b"X-Ticket", b"ticket-#")),
    "other headers": exchange(asked=many(b"User-Agent", b"agent-#")),
    "codings": exchange(answered={"Content-Encoding": "gzip," * 200_000}, body=b"<r/>"),
    "parts": exchange(
        "/v3/" + "x/" * 400,
        asked={"User-Agent": "x %41+" * 600},
        answered=many(b"X-Set-Ticket", b"#" + PARTS, 60),
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_too_much_of_anything_is_bounded(name: str) -> None:
    """A megabyte or a hundred thousand of something: no blow-up, no more rows than allowed."""
    began = time.thread_time()
    kept = extract(HUGE[name], CONFIG)
    assert time.thread_time() - began < 5  # quadratic cost would be minutes
    assert len(kept.issued) <= MAX_VALUES
    assert len(kept.presented) <= MAX_VALUES
    assert len(repr(kept)) < 64_000


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("query fields", "query-capped,presented-capped:1000"),
        ("empty query fields", "query-capped"),
        ("state headers", "issued-capped:10000"),
        ("names", "issued-capped:10000"),
        ("codings", "body-unknown-coding"),
    ],
)
def test_what_was_bounded_is_noted(name: str, note: str) -> None:
    """The row says what it does not hold, and how much there was."""
    assert extract(HUGE[name], CONFIG).exchange.notes == note


def test_a_cap_keeps_the_first() -> None:
    """Of too many the first are kept, in their order."""
    kept = extract(HUGE["state headers"], CONFIG)
    assert [one.fingerprint for one in kept.issued] == [
        CONFIG.fingerprinter.fingerprint(str(n)) for n in range(MAX_VALUES)
    ]


@pytest.mark.parametrize(
    ("location", "endpoint"),
    [
        ("/API/V3/Cart/Items?page=2", "/API/V3/Cart/Items"),
        ("https://shop.example/API/V3/Menu?_session_token=#x", "/API/V3/Menu"),
        ("/API/V3/Menu?page=2&_session_token=yjipILZBeUWxrFq", None),
        ("https://other.example/API/V3/Menu", None),
    ],
)
def test_a_redirect_that_has_the_key_excuses_nothing(location: str, endpoint: str | None) -> None:
    """Who follows it presents the key (L7): the endpoint stands for redirects that lack it."""
    facts = facts_of("/API/V3/Cart", status=303, answered={"Location": location})
    assert facts.exchange.redirect_endpoint == endpoint
