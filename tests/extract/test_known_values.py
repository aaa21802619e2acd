"""What one exchange discloses is kept from none of the later ones."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.extractor import extract
from statetrail.extract.known_values import KnownValues
from statetrail.extract.masking import forms
from support.histories import FINGERPRINTER
from support.traffic import CONFIG, exchange, texts

WORD = "qvbnmlkjhgwz"
TOKEN = "yjipILZBeUWxrFq7x2"

PLACES: dict[str, Any] = {
    "agent": lambda s: {"asked": {"User-Agent": f"App/1.0 {s}"}},
    "agent, within a word": lambda s: {"asked": {"User-Agent": f"App/1.0 x{s}x"}},
    "origin": lambda s: {"asked": {"Origin": f"https://{s}.example"}},
    "host": lambda s: {"host": f"{s}.shop.example"},
    "method": lambda s: {"method": s.upper()},
    "scheme": lambda s: {"scheme": s},
    "version": lambda s: {"http_version": f"HTTP/{s}"},
    "path": lambda s: {"target": f"/API/V3/{s}/x"},
    "redirect": lambda s: {"status": 302, "answered": {"Location": f"/API/V3/{s}/x"}},
    "exposed": lambda s: {"answered": {"Access-Control-Expose-Headers": f"X-Set-LangId, {s}"}},
    "name of a parameter": lambda s: {"answered": {f"X-Set-{s}": "1;header/forced"}},
    "id of the flow": lambda s: {"flow_id": s},
    "peer": lambda s: {"peer": s},
}
DISCLOSED: dict[str, Any] = {
    "issued": lambda s: {"answered": {"X-Set-Ticket": f"{s};header/forced"}},
    "presented": lambda s: {"asked": {"X-Ticket": s}},
    "in a body": lambda s: {"body": f'<r session="{s}"/>'.encode()},
}


@pytest.mark.parametrize("secret", [WORD, TOKEN], ids=["word", "token"])
@pytest.mark.parametrize("disclosed", DISCLOSED)
@pytest.mark.parametrize("place", PLACES)
def test_the_secret_of_an_earlier_exchange_is_not_kept(
    place: str, disclosed: str, secret: str
) -> None:
    """Disclosed in one exchange, written in another of somebody else: in no text."""
    config = replace(CONFIG)
    extract(exchange(**DISCLOSED[disclosed](secret)), config)
    kept = extract(exchange(**PLACES[place](secret)), config)
    assert [text for text in texts(kept) if secret.casefold() in text.casefold()] == []


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"peer", "id of the flow"}))
def test_a_token_is_kept_nowhere_even_if_nobody_disclosed_it(place: str) -> None:
    """As in paths: what looks like a token is a pseudonym."""
    kept = extract(exchange(**PLACES[place](TOKEN)), replace(CONFIG))
    assert [text for text in texts(kept) if TOKEN.casefold() in text.casefold()] == []


def test_a_secret_is_no_value_in_clear_elsewhere() -> None:
    """Nor is it a value of a parameter that may be clear."""
    config = replace(CONFIG, clear=frozenset(["LangId"]))
    extract(exchange(asked={"X-Ticket": WORD}), config)
    kept = extract(exchange(answered={"X-Set-LangId": f"{WORD};header/forced"}), config)
    assert WORD not in str(kept)


def test_nobody_renames_what_was_shown_before() -> None:
    """A ticket that is an ordinary word hides it from nobody else."""
    config = replace(CONFIG)
    about = {"target": "/shop/checkout", "asked": {"User-Agent": "Mozilla/5.0 (Windows NT 10.0)"}}
    before = extract(exchange(**about), config).exchange
    for word in ("Mozilla/5.0", "checkout", "Windows NT 10.0", "/shop/checkout"):
        extract(exchange(asked={"X-Ticket": word}), config)
    assert extract(exchange(**about), config).exchange == before


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", None),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) Mobile/15E148", None),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)", None),
        ("Apache-HttpClient/4.5.13 (Java/1.8.0_392) python-requests/2.31.0", None),
        ("Chrome/120.0.6099.109 Safari/537.36 Edg/120.0.2210.91", None),
        ("Shop/2.1 (uid=4711)", "Shop/2.1 (~)"),
        ("Shop/2.1 4711", "Shop/2.1 ~"),
        ("Shop/2.1 (anna@x.example)", "Shop/2.1 (~)"),
        ("Shop/2.1 8f3a2c", "Shop/2.1 ~"),
    ],
)
def test_agents_keep_products_and_no_ids(agent: str, shown: str | None) -> None:
    """Browsers stay as they are; what may be somebody's is a pseudonym."""
    kept = extract(exchange(asked={"User-Agent": agent}), replace(CONFIG)).exchange.user_agent
    if shown is None:
        assert kept == agent
    else:
        before, after = shown.split("~")
        assert kept is not None
        assert kept.startswith(before + "~")
        assert kept.endswith(after)
        assert len(kept) == len(shown) + 8


def test_the_oldest_are_forgotten_first() -> None:
    """The memory is bounded; a value that is used again stays."""
    known = KnownValues(FINGERPRINTER, limit=4)
    words = [f"secret-number-{n:02}" for n in range(8)]
    for word in words:
        known.add(words[0], forms(words[0]))
        known.add(word, forms(word))
    assert len(known) == 4
    assert [word for word in words if known.within(f"a {word} b")] == [words[0], *words[5:]]


@given(st.text("abcXY019-_/ ", min_size=6, max_size=40), st.text("abXY01-_/ ", max_size=20))
def test_a_known_value_is_found_wherever_it_stands(secret: str, around: str) -> None:
    """At any place, in any case, in base64 at any offset."""
    known = KnownValues(FINGERPRINTER)
    known.add(secret, forms(secret))
    raw = f"{around}{secret}{around}"
    for text in (raw, raw.upper(), base64.b64encode(raw.encode()).decode()):
        hidden = known.hide(text)
        assert known.near(text)
        assert secret not in hidden
        assert hidden != text
