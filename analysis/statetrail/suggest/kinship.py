"""What the names of places say: which are kindred, which name state, which may hold a secret."""

import re
from functools import lru_cache
from typing import Final

from statetrail.extract.text import segment_kind

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PARTS: Final = re.compile(r"[^A-Za-z0-9]+")
_FILLERS: Final = frozenset(
    ("current", "header", "http", "https", "my", "new", "param", "set", "the", "x")
)
_GENERIC: Final = frozenset(
    "code content data hash href id ids item key name number object ref result slug src type uid "  # noqa: SIM905
    "url uri uuid val value".split()
)
_FORGERY: Final = re.compile(r"[cx]srf")
_SECRET: Final = re.compile(
    r"auth|basket|bearer|cart|credential|csrf|jwt|nonce|scroll|sess|sid\b|ticket|token|verif"
    r"|viewstate|xsrf",
    re.IGNORECASE,
)
_NOISE: Final = {
    "correlation id": re.compile(
        r"baggage|correlat|datadog|event-?id|impression|log-?id|message-?id|new-?relic|page-?view"
        r"|request-?id|sentry|span-?id|trace|transaction-?id|\bb3\b|\brid\b",
        re.IGNORECASE,
    ),
    "cursor": re.compile(
        r"\b(?:after|before|continu\w*|cursor|from|marker|next|offset|page|prev\w*|since|start)\b"
        r"|(?:cursor|page|marker|next)[-_]?(?:id|key|token)?$|pageToken|continuation",
        re.IGNORECASE,
    ),
    "name of a version or an application": re.compile(
        r"api-?key|app(?:lication)?-?(?:id|key)|build|bundle|client-?(?:id|secret)|commit|etag"
        r"|measurement|property-?id|public-?key|publishable|redirect|release|revision|site-?(?:id|key)"
        r"|tenant|tracking|version|\bver?\b",
        re.IGNORECASE,
    ),
}
MIN_HIDDEN: Final = 8
"""Characters from which on a part of a name may be a secret."""


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without what only says that it is a name.

    >>> words("X-Set-LangId"), words("csrf_token")
    (('lang', 'id'), ('csrf', 'token'))
    """
    found = [word.lower() for word in _WORD.findall(name)]
    return tuple([word for word in found if word not in _FILLERS])


def is_generic(name: str) -> bool:
    """Whether a name says nothing of what it names: ``id``, ``value``."""
    return all(word in _GENERIC for word in words(name))


@lru_cache(4096)
def kindred(one: str, other: str) -> bool:
    """Whether two names are of one thing.

    >>> kindred("x-set-langid", "LangId"), kindred("XSRF-TOKEN", "x-xsrf-token")
    (True, True)
    >>> kindred("csrfmiddlewaretoken", "csrftoken"), kindred("id", "id")
    (True, False)
    """
    if is_generic(one) or is_generic(other):
        return False
    first, second = "".join(words(one)), "".join(words(other))
    if first == second:
        return True
    if _FORGERY.search(first):
        return _FORGERY.search(second) is not None
    short, long = sorted((first, second), key=len)
    return len(short) >= 4 and short in long


def names_state(name: str) -> bool:
    """Whether a name is one that state has as a rule: of a session, a token, a cart."""
    return _SECRET.search(name) is not None


@lru_cache(4096)
def noise_of(name: str) -> str | None:
    """What a name says that is never state, if it does."""
    spaced = "-".join(words(name))
    return next((kind for kind, p in _NOISE.items() if p.search(name) or p.search(spaced)), None)


@lru_cache(4096)
def may_be_secret(name: str) -> bool:
    """Whether a part of a name may be a secret or somebody's id: such a name is never shown.

    >>> may_be_secret("__RequestVerificationToken"), may_be_secret("cart_9f86d081884c7d65")
    (False, True)
    """
    return any(_hidden(part) for part in _PARTS.split(name))


def _hidden(part: str) -> bool:
    if part.isdigit():
        return len(part) >= 4
    return len(part) >= (16 if part.isalpha() else MIN_HIDDEN) and segment_kind(part) == "opaque"
