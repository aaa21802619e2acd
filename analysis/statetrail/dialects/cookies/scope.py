"""Hosts and paths of cookies, RFC 6265bis sections 5.1.2 to 5.1.4, and sites, section 5.2.

Enters: hosts and paths as they stand in requests and attributes. Leaves: their canonical forms and
whether they match. Public suffixes come from a copy of the Public Suffix List that is installed
with the package `publicsuffixlist`; nothing is downloaded.
"""

import ipaddress
from functools import cache, lru_cache
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

_SECURE_FORMS: Final = {"wss": "https", "ws": "http"}


@lru_cache(4096)
def canonical_host(host: str) -> str:
    """The host in lower case, its labels in ASCII, without a port (section 5.1.2).

    An IPv6 address keeps its brackets, a host its trailing dot: user agents keep them apart. A
    host that is no name of the Internet stays as it is, in lower case.

    >>> canonical_host("Shop.Example:8443"), canonical_host("[0::1]:80")
    ('shop.example', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    if colon and not port.strip("0123456789") and (":" not in name or name.endswith("]")):
        host = name
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host.strip('[]')).compressed}]"
        except ValueError:
            return host.lower()
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        return host.lower()


@lru_cache(4096)
def is_address(host: str) -> bool:
    """Whether a canonical host is an IP address, which has no parent domains."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(4096)
def is_loopback(host: str) -> bool:
    """Whether user agents may trust a canonical host as if it were reached over TLS (5.8.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback


def domain_match(host: str, domain: str) -> bool:
    """Whether a canonical host domain-matches a domain (section 5.1.3).

    >>> domain_match("www.shop.example", "shop.example"), domain_match("ashop.com", "shop.com")
    (True, False)
    """
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def default_path(path: str) -> str:
    """The path of a cookie that names none, for a request for this path (section 5.1.4).

    >>> default_path("/shop/cart"), default_path("/cart"), default_path("")
    ('/shop', '/', '/')
    """
    path = path.partition("?")[0]
    return path[: path.rindex("/")] or "/" if path.startswith("/") else "/"


def path_match(path: str, of_cookie: str) -> bool:
    """Whether a request's path path-matches a cookie's (section 5.1.4); its query does not count.

    >>> path_match("/shop/cart", "/shop"), path_match("/shopping", "/shop")
    (True, False)
    """
    path = path.partition("?")[0] or "/"
    if not path.startswith(of_cookie):
        return False
    return len(path) == len(of_cookie) or of_cookie.endswith("/") or path[len(of_cookie)] == "/"


@lru_cache(4096)
def is_public_suffix(domain: str) -> bool:
    """Whether anybody can register names below a domain (5.7, step 9); an unknown TLD is one.

    >>> is_public_suffix("co.uk"), is_public_suffix("shop.co.uk"), is_public_suffix("10.0.0.1")
    (True, False, False)
    """
    return not is_address(domain) and _suffixes().is_public(domain)


@lru_cache(4096)
def site(host: str) -> str:
    """The registrable domain of a canonical host; the host itself where there is none (5.2).

    >>> site("www.shop.co.uk"), site("10.0.0.1"), site("localhost")
    ('shop.co.uk', '10.0.0.1', 'localhost')
    """
    if is_address(host):
        return host
    return _suffixes().privatesuffix(host) or host


def schemeful_site(scheme: str, host: str) -> str:
    """The site that "same-site" compares: scheme and registrable domain (section 5.2).

    >>> schemeful_site("wss", "www.shop.example")
    'https://shop.example'
    """
    return f"{_SECURE_FORMS.get(scheme, scheme)}://{site(host)}"


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
