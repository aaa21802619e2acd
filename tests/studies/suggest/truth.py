"""What is state in each world, as places of a dialect."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from statetrail.store.reader import read_store
from statetrail.suggest import Suggestion
from studies.suggest import frameworks, shops
from studies.suggest.recorder import World

type Place = tuple[str, str, str]
"""``issue`` or ``present``, the key, and what it says."""


class Case(NamedTuple):
    """A world, and the places of its state."""

    make: Callable[[World, int], None]
    issue: tuple[str, ...] = ()
    present: tuple[str, ...] = ()

    @property
    def places(self) -> set[Place]:
        """The true places."""
        sides = (("issue", self.issue), ("present", self.present))
        return {(side, *_split(text)) for side, texts in sides for text in texts}


def _split(text: str) -> tuple[str, str]:
    kind, _, name = text.partition(" ")
    return kind, name


CASES: dict[str, Case] = {
    "django": Case(
        frameworks.django_shop,
        ("cookie csrftoken", "html input csrfmiddlewaretoken"),
        ("form csrfmiddlewaretoken", "header x-csrftoken"),
    ),
    "flask-wtf": Case(
        frameworks.flask_shop,
        ("html input csrf_token", "html meta csrf-token"),
        ("form csrf_token", "header x-csrftoken"),
    ),
    "tornado": Case(
        frameworks.tornado_shop,
        ("cookie _xsrf", "html input _xsrf"),
        ("form _xsrf", "header x-xsrftoken"),
    ),
    "authlib": Case(
        frameworks.oauth_shop,
        ("json /access_token", "json /refresh_token"),
        ("header authorization", "form refresh_token"),
    ),
    "woocommerce": Case(
        shops.woocommerce,
        ("header nonce", "header cart-token"),
        ("header nonce", "header cart-token"),
    ),
    "sap": Case(shops.sap, ("header x-csrf-token",), ("header x-csrf-token",)),
    "laravel": Case(
        shops.laravel,
        ("cookie XSRF-TOKEN", "html input _token"),
        ("header x-xsrf-token", "form _token"),
    ),
    "magento": Case(
        shops.magento,
        ("json ",),
        ("path guest-carts/{}", "json /cartItem/quote_id", "header authorization"),
    ),
    "servlet": Case(
        shops.servlet,
        (
            "location ;jsessionid",
            "html link ;jsessionid",
            "html input org.apache.struts.taglib.html.TOKEN",
        ),
        ("path ;jsessionid", "form org.apache.struts.taglib.html.TOKEN"),
    ),
    "rails": Case(
        shops.rails,
        ("html input authenticity_token", "html meta csrf-token"),
        ("form authenticity_token", "header x-csrf-token"),
    ),
    "cloud": Case(
        shops.cloud,
        ("xml SessionToken", "json /_scroll_id", "json /data/cartCreate/cart/id"),
        ("header x-amz-security-token", "json /scroll_id", "json /variables/cartId"),
    ),
    "nothing": Case(shops.nothing),
}


FRAMEWORKS = frozenset(
    name for name, case in CASES.items() if case.make.__module__.endswith("frameworks")
)


def recorded_places(store: Path) -> set[Place]:
    """The places in which a recorder saw clients present what was issued somewhere before."""
    facts = read_store(store)
    issued = {(row["param"], row["fingerprint"]) for row in facts.table("issued").to_pylist()}
    found: set[Place] = set()
    for row in facts.table("presented").to_pylist():
        name = row["param"]
        if (name, row["fingerprint"]) not in issued:
            continue
        if row["dialect"] == "zest":
            found |= {("issue", "xml", "@session"), ("present", "query", name)}
        else:
            is_query = row["channel"] == "uriquery"
            shown = ("query", name) if is_query else ("header", f"x-{name.lower()}")
            found |= {("issue", "header", f"x-set-{name.lower()}"), ("present", *shown)}
    return found


def found_places(suggestion: Suggestion) -> set[Place]:
    """The places that are suggested."""
    return {
        (side, place.kind, place.name)
        for proposal in suggestion.proposals
        for side, places in (("issue", proposal.issue), ("present", proposal.present))
        for place in places
    }
