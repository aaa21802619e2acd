"""The law of secrets: wherever else a client or an origin writes a token, it is not kept."""

import base64
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statetrail.dialects import Dialect, Family, Param
from statetrail.dialects.places.header import HeaderPresent
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.extract.masking import Secrets
from statetrail.extract.records import PERSONAL
from support.histories import FINGERPRINTER
from support.traffic import CONFIG, exchange, facts_of, fields, texts

WITH_HEADER = replace(CONFIG, client_header="x-device")
TOKEN = "yjipILZBeUWxrFq"


type Plant = Callable[[str], dict[str, Any]]


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def coded(text: bytes | str, before: bytes = b"") -> str:
    return base64.b64encode(before + (raw(text) if isinstance(text, str) else text)).decode()


def test_a_text_that_held_no_secret_is_looked_at_anew_with_each_secret() -> None:
    """What is remembered of texts without a secret ends when one is added, and stays bounded."""
    secrets = Secrets(FINGERPRINTER)
    secrets.add("another-one")
    for number in range(1000):
        assert not secrets.near(f"/x/{TOKEN.lower()}/{number}")
    assert len(secrets._without) <= 32
    secrets.add(TOKEN)
    assert secrets.near(f"/x/{TOKEN.lower()}/999")
    secrets.add("0123456789ab")
    assert secrets.near_id("har-0123456789abcdef")


# Where the exchange says that this value is a state parameter's.
DISCLOSED: dict[str, Callable[[str], dict[str, Any]]] = {
    "ticket header": lambda s: {"asked": [(b"X-Ticket", raw(s))]},
    "ticket in the query": lambda s: {"target": f"/v3/x?Ticket={urllib.parse.quote(raw(s))}"},
    "token in the query": lambda s: {
        "target": f"/API/V3/x?_session_token={urllib.parse.quote_plus(raw(s))}"
    },
    "ticket issued": lambda s: {"answered": [(b"x-set-ticket", raw(s) + b";header/forced")]},
    "ticket malformed": lambda s: {"answered": [(b"x-set-ticket", b"header/forced;" + raw(s))]},
    "two in one line": lambda s: {
        "answered": [(b"x-set-ticket", raw(s) + b";header/forced, other;header/forced")]
    },
    "customer": lambda s: {"answered": [(b"X-Set-CustomerId", raw(s) + b";implicit/forced")]},
    "unknown parameter": lambda s: {"answered": [(b"X-Set-Unheard", raw(s) + b";header/forced")]},
    "root": lambda s: {
        "target": "/API/V3/x",
        "body": f"<rsp session={quoteattr(s)}/>".encode("utf-8", "xmlcharrefreplace"),
    },
}
WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "upper": str.upper,
    "lower": str.lower,
    "percent": lambda s: urllib.parse.quote(raw(s), safe=""),
    "every byte": lambda s: "".join(f"%{byte:02x}" for byte in raw(s)),
    "twice": lambda s: urllib.parse.quote(urllib.parse.quote(raw(s), safe=""), safe=""),
    "form": lambda s: urllib.parse.quote_plus(raw(s)),
    "base64": coded,
    "base64 url": lambda s: base64.urlsafe_b64encode(raw(s)).decode().rstrip("="),
    "base64 after a name": lambda s: coded(s, b"user:"),
    "base64 after another": lambda s: coded(s, b"admin:"),
}
WRAPPINGS = ("{}", "App/1.0 ({}) x", "abc{}xyz", "a/{}", "token={}", "{}{}")


def planted(text: str) -> dict[str, Any]:
    """An exchange that has the text in every field where text can stand."""
    line = raw(text)
    name = b"X-Set-" + line
    return {
        "target": b"/API/V3/%s/a%sb;%s/x?%s=1&y=%s#%s" % ((line,) * 6),
        "method": text,
        "scheme": text,
        "host": f"{text}.example",
        "http_version": text,
        "peer": text,
        "proxy_user": text,
        "asked": [
            (b"User-Agent", b"App/1.0 " + line),
            (b"Referer", b"https://shop.example/" + line),
            (b"Origin", b"https://%s.example" % line.lower()),
            (b"X-Device", line),
            (b"X-" + line, b"1"),
        ],
        "answered": [
            (name, b"1;header/forced"),
            (b"Cache-Control", b"no-store, max-age=%s, private=%s" % (line, line)),
            (b"Age", line),
            (b"Access-Control-Expose-Headers", b"X-%s, %s" % (line, line)),
        ],
    }


def under_other_names(text: str) -> dict[str, Any]:
    """An exchange that has the text as the value of parameters that may be clear."""
    line = raw(text)
    return {
        "asked": [(b"X-LangId", line), (b"X-LocId", line[-10:]), (b"X-InventoryCheck", line)],
        "answered": [
            (b"X-Set-CurrId", line + b";header/forced"),
            (b"X-Set-PriceCalculationDate", line),
        ],
    }


def both(secret: str, where: str, text: str, plant: Plant) -> ExchangeFacts:
    """What is sighted where the secret is disclosed in one place and the text is in others."""
    about: dict[str, Any] = {"target": b"/API/V3/x?", "asked": [], "answered": []} | plant(text)
    for name, part in DISCLOSED[where](secret).items():
        if name == "target":
            path, _, query = str(part).partition("?")
            inside = raw(path.rpartition("/")[0]) + about["target"].replace(b"/API/V3", b"")
            about["target"] = inside.replace(b"?", b"?" + raw(query) + b"&", 1)
        elif isinstance(part, list):
            about[name] = [*part, *about[name]]
        else:
            about[name] = part
    return facts_of(config=WITH_HEADER, **about)


def given_away(secret: str, kept: ExchangeFacts) -> list[str]:
    """The texts that hold the secret in some writing."""
    core = [coded(secret, b"x" * at)[at and at + 1 :].rstrip("=")[:-1] for at in range(3)]
    found = []
    for text in texts(kept):
        views = [text]
        for _ in range(3):
            views += [urllib.parse.unquote(views[-1]), urllib.parse.unquote_plus(views[-1])]
        for view in views:
            plain = secret.casefold() in view.casefold()
            if plain or any(form in view.replace("-", "+").replace("_", "/") for form in core):
                found.append(text)
    if str(kept.exchange.age_s) == secret:
        found.append("age")
    return found


SECRETS = st.one_of(
    st.text("bcdfghjklmnpqrstvwxz", min_size=6, max_size=24),
    st.text("0123456789", min_size=6, max_size=12),
    st.text("abcXYZ0123456789/+=", min_size=8, max_size=64),
    st.text("abXY01/+=;%&# _-.~é\udcff<'\"", min_size=8, max_size=40),
    st.sampled_from([TOKEN, "abcdef/ghijkl", "4201965", "2021-03-01", "mixed/Words.and-more"]),
).map(lambda secret: " ".join(secret.split()))


@settings(max_examples=300)
@given(
    SECRETS.filter(lambda secret: len(secret) >= 6),
    st.sampled_from(sorted(DISCLOSED)),
    st.sampled_from(sorted(WRITINGS)),
    st.sampled_from(WRAPPINGS),
    st.sampled_from([planted, under_other_names]),
)
@example("abcdef/ghijkl", "ticket header", "plain", "{}", planted)
@example("max-age", "ticket header", "plain", "{}", planted)
@example(TOKEN * 300, "ticket header", "plain", "abc{}xyz", planted)
def test_no_secret_is_kept_wherever_it_is_written(
    secret: str, where: str, writing: str, wrapping: str, plant: Plant
) -> None:
    """Disclosed in one place, written in any way in every other: in no text of what is kept."""
    if where == "root":
        secret = secret.replace("\udcff", "e")
    if where in ("ticket malformed", "two in one line"):
        # Of a field that does not parse each part between separators may be the secret.
        secret = "".join(c for c in secret if c not in ";, ").ljust(6, "x")
    text = wrapping.replace("{}", WRITINGS[writing](secret))
    kept = both(secret, where, text, plant)
    assert kept.issued or kept.presented
    assert given_away(secret, kept) == []


@pytest.mark.parametrize(
    ("about", "kept"),
    [
        ({"asked": {"User-Agent": f"App/1.0 ({TOKEN}; x)"}}, "App/1.0 (~{}; x)"),
        ({"asked": {"User-Agent": f"App/1.0 {TOKEN.upper()}"}}, "App/1.0 ~{}"),
    ],
)
def test_a_secret_within_text_becomes_its_pseudonym(
    about: dict[str, dict[str, str]], kept: str
) -> None:
    """What stands around it stays readable, so that clients can still be told apart."""
    about["asked"]["X-Ticket"] = TOKEN
    name = FINGERPRINTER.pseudonym(TOKEN).removeprefix("~")
    assert facts_of("/v3/x", **about).exchange.user_agent == kept.format(name)


def test_the_beginning_of_a_long_secret_is_not_kept_either() -> None:
    """Text that was cut inside a secret holds its beginning, and that is hidden as well."""
    long = TOKEN * 400
    seen = facts_of("/v3", asked={"X-Ticket": long, "User-Agent": f"App {long}"})
    assert TOKEN not in str(seen.exchange.user_agent)


def test_short_and_common_values_hide_nothing_else() -> None:
    """A customer number that is also a version's part does not change who the client is."""
    asked = {"User-Agent": "Chrome/120.0.6099.109", "X-CustomerId": "6099", "X-Ticket": "v3"}
    config = replace(CONFIG, clear=frozenset(["ids"]))
    seen = facts_of("/services/v3/baskets/60990", asked=asked, config=config).exchange
    assert seen.user_agent == "Chrome/120.0.6099.109"
    assert seen.path == "/services/v3/baskets/60990"


def test_the_protocol_s_own_words_stay() -> None:
    """A hostile value cannot take a request out of its scope."""
    answered = {"X-Set-Ticket": "baskets;header/forced", "X-Set-Unheard": "orders"}
    seen = facts_of("/services/v3/baskets/1/orders", answered=answered).exchange
    assert seen.endpoint == "/services/v3/baskets/{id}/orders"


def test_what_is_personal_is_a_pseudonym_unless_it_is_asked_for() -> None:
    """The header that tells clients apart, the proxy's user, short ids; a credential always is."""
    asked = {"X-Device": "anna@x.example", "Authorization": "Bearer abc", "User-Agent": "S uid=42a"}
    name = FINGERPRINTER.pseudonym
    for header, clear, device, user, path, agent in (
        ("x-device", [], name("anna@x.example"), name("anna"), name("42"), f"S {name('uid=42a')}"),
        ("x-device", PERSONAL, "anna@x.example", "anna", "42", "S uid=42a"),
        ("authorization", PERSONAL, name("Bearer abc"), "anna", "42", "S uid=42a"),
        ("x-absent", ["ids"], None, name("anna"), "42", "S uid=42a"),
    ):
        config = replace(CONFIG, client_header=header, clear=frozenset(clear))
        seen = facts_of("/x/42", asked=asked, config=config, proxy_user="anna").exchange
        assert seen.client_header == device
        assert (seen.proxy_user, seen.path, seen.user_agent) == (user, f"/x/{path}", agent)


def test_where_not_all_is_known_nothing_is_shown() -> None:
    """An exchange with too many values may hide a secret among them: its texts are pseudonyms."""
    asked = [(b"X-Ticket", b"ticket-%d" % n) for n in range(1000)]
    asked += [(b"User-Agent", b"App ticket-999"), (b"Origin", b"https://ticket-998.example")]
    seen = extract(exchange("/v3/ticket-997", asked=tuple(asked)), CONFIG)
    assert seen.exchange.notes == "presented-capped:1000"
    assert not [text for text in texts(seen) if "ticket-99" in text]
    assert seen.exchange.method == "GET"
    assert seen.exchange.scheme == "https"


def test_a_user_s_dialect_keeps_its_secrets_too() -> None:
    """The law does not know the two protocols."""
    own = Dialect(
        name="own",
        title="Own",
        family=Family(present=(HeaderPresent(header="{param}"),)),
        params=(Param(name="Authorization"),),
    )
    config = ExtractorConfig((own,), FINGERPRINTER)
    seen = extract(exchange("/bearertoken", asked=fields({"Authorization": "bearertoken"})), config)
    assert seen.exchange.dialects == "own"
    assert "bearertoken" not in str(seen)


def test_secrets_are_hidden_in_one_order() -> None:
    """Overlapping secrets, in whatever order they were met: the longest goes first."""
    one, other = Secrets(FINGERPRINTER), Secrets(FINGERPRINTER)
    for secrets, values in ((one, ("abcdef", "abcdefgh")), (other, ("abcdefgh", "abcdef"))):
        for value in values:
            secrets.add(value)
    assert one.hide("x abcdefgh abcdef") == other.hide("x abcdefgh abcdef")
    assert one.hide("x abcdefgh") == f"x {FINGERPRINTER.pseudonym('abcdefgh')}"
