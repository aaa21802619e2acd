"""Hosts, paths and sites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.dialects.cookies.scope import (
    canonical_host,
    default_path,
    domain_match,
    is_loopback,
    is_public_suffix,
    path_match,
    schemeful_site,
    site,
)

LABEL = st.from_regex("[a-z][a-z0-9]{0,4}", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join) | st.sampled_from(
    ["co.uk", "a.b.co.uk", "github.io", "x.github.io", "localhost"]
)
HOST = NAME | st.sampled_from(["127.0.0.1", "[::1]"])
PATH = st.text("/ab?%", max_size=12).map(lambda rest: f"/{rest}")


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("Shop.Example", "shop.example"),
        ("shop.example:80", "shop.example"),
        ("shop.example.", "shop.example."),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("XN--Bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.example:443", "xn--strae-oqa.example"),
        ("[2001:DB8::0:1]:8443", "[2001:db8::1]"),
        ("127.0.0.1:9", "127.0.0.1"),
        ("my_host", "my_host"),
        ("[nonsense", "[nonsense"),
        ("a..é", "a..é"),
        ("", ""),
    ],
)
def test_a_host_is_made_canonical(host: str, canonical: str) -> None:
    """Of any form."""
    assert canonical_host(host) == canonical


@given(st.text(max_size=20) | HOST)
def test_a_canonical_host_stays(host: str) -> None:
    """However often it is made canonical, and no text breaks it."""
    once = canonical_host(host)
    assert canonical_host(once) == once
    assert domain_match(once, site(once))


@given(NAME, NAME)
def test_hosts_that_share_a_cookie_are_one_site(host: str, domain: str) -> None:
    """A domain that is no public suffix lies within one site."""
    below = f"{host}.{domain}"
    assert domain_match(domain, domain)
    assert not domain_match(domain, below)
    if domain_match(below, domain) and not is_public_suffix(domain):
        assert site(below) == site(domain)


@given(PATH, PATH, PATH)
def test_paths_match_as_folders_do(path: str, above: str, top: str) -> None:
    """Each lies below its default path, and what lies below lies below all that is above."""
    assert path_match(path, default_path(path))
    if path_match(path, above) and path_match(above, top) and "?" not in above:
        assert path_match(path, top)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("shop.example", "shop.example"),
        ("a.b.shop.example", "shop.example"),
        ("a.shop.co.uk", "shop.co.uk"),
        ("co.uk", "co.uk"),
        ("a.b.github.io", "b.github.io"),
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
        ("a.city.kawasaki.jp", "city.kawasaki.jp"),
        ("shop", "shop"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_a_site_is_what_somebody_registered(host: str, name: str) -> None:
    """Below a public suffix, private ones as well."""
    assert site(host) == name


def test_a_site_has_a_scheme() -> None:
    """The one that is spoken: http and https are two sites."""
    assert schemeful_site("ws", "a.shop.example") == schemeful_site("http", "shop.example")
    assert schemeful_site("https", "shop.example") != schemeful_site("http", "shop.example")


def test_an_address_has_no_domain_above() -> None:
    """Nor below."""
    assert not domain_match("127.0.0.1", "0.0.1")
    assert not is_public_suffix("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("shop.localhost", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_this_machine_is_known(host: str, *, loopback: bool) -> None:
    """By name and by address."""
    assert is_loopback(host) is loopback
