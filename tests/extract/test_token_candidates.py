"""Traces: what looks like a token anywhere in a request is known again; nothing of it is kept."""

from urllib.parse import quote

import pytest

from statetrail.extract.token_candidates import MAX_TOKEN_CANDIDATES
from support.histories import FINGERPRINTER
from support.traffic import PROTOCOLS, facts_of, texts

TOKEN = "kQ7/aZ+4mP0s=wXy"
PLAIN = "yjipILZBeUWxrFqRT"
CODED = quote(TOKEN, safe="")


@pytest.mark.parametrize(
    ("target", "asked", "place", "value"),
    [
        pytest.param(f"/collect?t={CODED}", {}, "query", TOKEN, id="a query value"),
        pytest.param("/collect?t=" + "a" * 20, {}, "query", "a" * 20, id="a long query value"),
        pytest.param(
            "/collect?dl=" + quote(f"https://shop.example/Cart?_session_token={CODED}", safe=""),
            {}, "query", TOKEN, id="in a page's address",
        ),
        pytest.param(f"/x/{CODED}/y", {}, "path", TOKEN, id="a path segment"),
        pytest.param(f"/x;jsessionid={PLAIN}", {}, "path", PLAIN, id="a matrix parameter"),
        pytest.param(
            "/", {"Referer": f"https://shop.example/Cart?a=1&_session_token={CODED}#x"},
            "referer", TOKEN, id="the query of the page before",
        ),
        pytest.param(
            "/", {"Referer": f"https://shop.example/reset/{PLAIN}"}, "referer", PLAIN,
            id="the path of the page before",
        ),
        pytest.param("/", {"Authorization": f"Bearer {TOKEN}"}, "header", TOKEN, id="a scheme"),
        pytest.param("/", {"Cookie": f'a=1; sid="{PLAIN}"'}, "header", PLAIN, id="a cookie"),
        pytest.param("/", {"X-Api-Key": TOKEN}, "header", TOKEN, id="any other header"),
    ],
)  # fmt: skip
def test_a_token_leaves_a_trace(target: str, asked: dict[str, str], place: str, value: str) -> None:
    """Where it was, with the fingerprint that it has wherever it is issued; never itself."""
    kept = facts_of(target, asked=asked, config=PROTOCOLS)
    assert (place, FINGERPRINTER.fingerprint(value)) in [
        (t.place, t.fingerprint) for t in kept.token_candidates
    ]
    assert {t.place for t in kept.token_candidates} == {place}
    assert all(value not in text for text in texts(kept))


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        pytest.param("/shop/BrowseCategory?page=12&sort=price", {}, id="words and numbers"),
        pytest.param("/x?t=kQ7aZ4mP0", {}, id="nine characters"),
        pytest.param("/x", {"User-Agent": "Mozilla/5.0 (X11) x8Kq/2", "Accept": "*/*;q=0.123456"},
                     id="dull headers"),
        pytest.param(f"/v3/x?Ticket={CODED}", {}, id="state in the query"),
        pytest.param("/v3/x", {"X-Ticket": TOKEN}, id="state in a header"),
        pytest.param("/v3/x", {"X-Ticket": TOKEN, "X-Copy": TOKEN}, id="a copy of state"),
    ],
)  # fmt: skip
def test_what_is_no_token_leaves_none(target: str, asked: dict[str, str]) -> None:
    """Words, short values, what every client says of itself, and what is presented anyway."""
    assert facts_of(target, asked=asked).token_candidates == ()


def test_traces_are_few_and_told_once() -> None:
    """Each value and place once, the first of too many."""
    kept = facts_of("/x?" + "&".join(f"a={PLAIN}{n}&b={PLAIN}{n}" for n in range(40)))
    assert len(set(kept.token_candidates)) == len(kept.token_candidates) == MAX_TOKEN_CANDIDATES
    assert kept.token_candidates[0].fingerprint == FINGERPRINTER.fingerprint(f"{PLAIN}0")
