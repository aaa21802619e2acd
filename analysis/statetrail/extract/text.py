"""Makes text from the network fit to be kept: bounded, printable, without token-like segments.

Enters: raw paths, user agents and other free text. Leaves: short strings in which token-like path
segments are pseudonyms, whether or not they are known to be secret.
"""

import ipaddress
import re
import urllib.parse
from typing import Final

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.masking import Secrets

MAX_SEGMENTS: Final = 16
MAX_PATH: Final = 512
CACHED: Final = 4096
"""Path segments whose kind is cached."""
MAX_CACHED: Final = 64
"""Characters of such a segment."""
MIN_TOKEN: Final = 10
"""Characters from which on a text may be a token."""
MAX_TOKEN: Final = 4096

_SURELY: Final = r"redacted|sanitized|sanitised|scrubbed"
_REMOVED: Final = rf"{_SURELY}|removed|hidden|masked|filtered|obfuscated|anonymized|anonymised"
_PLACEHOLDER: Final = re.compile(
    rf"[*_%-]{{0,3}}(?:[\w-]{{1,40}}[ _:.-]{{1,2}})?(?:{_SURELY})[*_%-]{{0,3}}"
    rf"|.*[\[<({{](?:[\w/+.-]{{1,40}} )?(?:{_REMOVED})[\])>}}].*"
    rf"|.*\.(?:{_SURELY})|[*_]{{2,3}}(?:{_REMOVED})[*_]{{2,3}}"
    r"|.*(?:\*{3}|\u2022{3}|\u25cf{3}).*"
    r"|[xX]{4,}|#{3,}",
    re.IGNORECASE | re.DOTALL,
)
"""What sanitisers write in place of a value, or of a part of it."""
_MAX_PLACEHOLDER: Final = 2048
_MASK: Final = re.compile(rf"x+|{_SURELY}", re.IGNORECASE)

CREDENTIAL: Final = re.compile(
    r"auth|cookie|key|password|secret|session|ticket|token", re.IGNORECASE
)
"""Matches the names of fields that may carry a credential."""

_VERSION: Final = re.compile(r"[vV][0-9]{1,3}(?:\.[0-9]{1,3}){0,2}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_DIGITS: Final = re.compile(r"[0-9]+")
# Names that servers give to session cookies: JSESSIONID, ASP.NET_SessionId.
_SESSION_ID: Final = re.compile(r"[a-z.]{0,8}[_.-]?sess(?:ion)?[_-]?id", re.IGNORECASE)
_PREFIX: Final = re.compile(r"(?:__Host-|__Secure-)?[_.]?")
# Words as a person writes them: lower, UPPER, Capitalised or camelCase, joined by - _ . , with an
# optional short number. BrowseCategory and price-list.v2 are words, yjipILZBeUWxrFq is none. Each
# repetition begins with a character that the one before cannot take, so matching is linear.
_WORD: Final = r"(?:[A-Z]?[a-z]{2,24}|[A-Z]{1,8}|[a-z])"
_WORDS: Final = re.compile(
    rf"[A-Z]?[a-z]{{2,24}}(?:[A-Z][a-z]{{2,24}}){{0,5}}"
    rf"|{_WORD}(?:[-_.]{_WORD}){{0,7}}(?:[-_.]?[0-9]{{1,3}})?"
)
_PART: Final = re.compile(rf"[^\s;,()\[\]{{}}<>\"']{{{MIN_TOKEN},}}")
_JOINTS: Final = re.compile(r"[/:@=+]")
_NUMBERS: Final = re.compile(r"[0-9]{1,5}(?:[._][0-9]{1,5}){0,4}")
# What an agent says of itself: Chrome/120.0.6099.109, Mobile/15E148, Apache-HttpClient/4.5.13.
_PRODUCT: Final = re.compile(
    r"(?:[A-Z]{1,8}|[A-Z]?[a-z]{1,24}(?:[A-Z][a-z]{1,24}){0,3})"
    r"(?:[-_.](?:[A-Z]{1,8}|[A-Z]?[a-z]{1,24}(?:[A-Z][a-z]{1,24}){0,3})){0,4}[0-9]{0,2}"
    r"/[vV]?(?:[0-9]{1,5}|[0-9A-Z]{1,6}(?=[.]))(?:[._+-][0-9A-Za-z]{1,6}){0,5}[A-Z0-9]{0,4}"
)
_SHORT_ID: Final = re.compile(
    r"[^\s@]+@[^\s@]+"  # an address
    r"|[A-Za-z._-]{1,20}[=:#](?=[^\s]*[0-9])(?![0-9]{1,3}(?:[.][0-9]{1,5})+$)[0-9A-Za-z._-]{3,}"
    r"|[0-9]{4,}"  # a number that is no version
    r"|(?=[a-f0-9]*[a-f])(?=(?:[a-f]*[0-9]){2})[a-f0-9]{6,}"  # hexadecimal
)
_ANY_PART: Final = re.compile(r"[^\s;,()\[\]{}<>\"']{4,}")
_PERSONS: Final = frozenset(
    f"{word}{ending}"
    for word in (
        *("account", "contact", "customer", "login", "member", "person", "profile"),
        *("salesperson", "session", "token", "user", "visitor"),
    )
    for ending in ("", "s")
)
_KINDS: Final[BoundedCache[str, str]] = BoundedCache(CACHED)
_CONTROL: Final = re.compile(
    r"[^\x20-\x7e\xa0-\ufffd]"
    r"|[\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def segment_kind(segment: str, before: str = "") -> str:
    """What a path segment is: ``word``, ``number``, ``person`` or ``opaque``."""
    if before and before.lower() in _PERSONS and segment.lower() != "me":
        return "person" if segment and not _VERSION.fullmatch(segment) else "word"
    if (kind := _KINDS.get(segment)) is None:
        kind = _kind(segment)
        if len(segment) <= MAX_CACHED:
            _KINDS.keep(segment, kind)
    return kind


def _kind(segment: str) -> str:
    if not segment or _VERSION.fullmatch(segment):
        return "word"
    if _DIGITS.fullmatch(segment):
        return "number" if len(segment) <= 6 else "opaque"
    if _PLAIN.fullmatch(segment) and _WORDS.fullmatch(segment):
        return "word"
    return "opaque"


def is_opaque_name(name: str) -> bool:
    """Whether the name of a cookie or a parameter looks like a token, and may be one.

    >>> is_opaque_name("JSESSIONID"), is_opaque_name("__Host-session"), is_opaque_name("yjipILZBeU")
    (False, False, True)
    """
    if not is_token(name) or _SESSION_ID.fullmatch(name):
        return False
    return is_token(_PREFIX.sub("", name, count=1))


def is_token(value: str) -> bool:
    """Whether a text looks like a token."""
    return MIN_TOKEN <= len(value) <= MAX_TOKEN and segment_kind(value) == "opaque"


def unquoted(value: str) -> str:
    """A text, percent-decoded."""
    return urllib.parse.unquote(value, errors="surrogateescape") if "%" in value else value


def target_segments(target: bytes) -> list[str]:
    """The segments of a request target's path, still percent-encoded; of a long one the first."""
    text = target.split(b"?", 1)[0].split(b"#", 1)[0][: 4 * MAX_PATH].decode("utf-8", "replace")
    if "://" in text[:12]:
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    return text.split("/")


def decoded_path(target: bytes) -> str:
    """The path with its segments percent-decoded, as dialects compare it. Holds secrets.

    >>> decoded_path(b"/shop/%41PI/V3/a%2Fb?x=1")
    '/shop/API/V3/a%2Fb'
    """
    segments = target_segments(target)
    return "/".join(
        urllib.parse.unquote(segment).replace("/", "%2F") if "%" in segment else segment
        for segment in segments
    )


def mask_path(
    target: bytes,
    fingerprinter: Fingerprinter,
    secrets: Secrets | None = None,
    *,
    numbers: bool = False,
) -> tuple[str, str]:
    """The storable path and the endpoint template of a request target.

    With `numbers`, short ones are shown.

    >>> mask_path(b"/services/v3/baskets/4711/state?CurrId=2", Fingerprinter(bytes(16)))
    ('/services/v3/baskets/~80ebdb9f/state', '/services/v3/baskets/{id}/state')
    """
    segments = target_segments(target)
    if segments == ["*"]:
        return "*", "*"
    secrets = secrets or Secrets(fingerprinter)
    suspect = secrets.hold("/".join(segments))
    path, endpoint, before = [], [], ""
    kept = ("word", "number") if numbers else ("word",)
    for segment in segments[:MAX_SEGMENTS]:
        # Matrix parameters (;jsessionid=...) carry tokens as a rule.
        name, semicolon, _ = segment.partition(";")
        name = urllib.parse.unquote(name)
        kind = segment_kind(name, before)
        if name and (secrets.equal(name) or (suspect and secrets.hold(name))):
            kind = "opaque"
        shown = name if kind in kept else fingerprinter.pseudonym(name)
        path.append(shown + (";…" if semicolon else ""))
        endpoint.append(name if kind == "word" else "{id}")
        before = name if kind == "word" else ""
    if len(segments) > MAX_SEGMENTS or len(target.partition(b"?")[0]) > 4 * MAX_PATH:
        path.append("…")
        endpoint.append("…")
    whole = "/".join(path)[:MAX_PATH] or "/"
    if suspect and secrets.hold(whole):
        # A secret that has slashes, made of words: seen only as a whole.
        return "/" + fingerprinter.pseudonym(whole), "/{id}"
    return whole, "/".join(endpoint)[:MAX_PATH] or "/"


def mask_free_text(text: str, fingerprinter: Fingerprinter) -> str:
    """A text with each part that may be a token replaced by its pseudonym.

    Words, versions and short parts stay.

    >>> mask_free_text("Shop/2.11.3 (rv:115.0) yjipILZBeUWxrFq", Fingerprinter(bytes(16)))
    'Shop/2.11.3 (rv:115.0) ~f4ebb72c'
    """
    return _PART.sub(
        lambda match: fingerprinter.pseudonym(match[0]) if has_token(match[0]) else match[0], text
    )


def mask_agent(text: str, fingerprinter: Fingerprinter) -> str:
    """A ``User-Agent`` with what may be a token or somebody's id replaced by its pseudonym.

    Products with their versions, words and names of devices stay.

    >>> mask_agent("Shop/2.11.3 (SM-G991B; rv:115.0; uid=4711)", Fingerprinter(bytes(16)))
    'Shop/2.11.3 (SM-G991B; rv:115.0; ~04aeb2ad)'
    """

    def shown(match: re.Match[str]) -> str:
        part = match[0]
        if _PRODUCT.fullmatch(part):
            return part
        hidden = has_token(part) or _SHORT_ID.fullmatch(part) is not None
        return fingerprinter.pseudonym(part) if hidden else part

    return _ANY_PART.sub(shown, text)


def mask_host(host: str, fingerprinter: Fingerprinter) -> str:
    """A host with each label that may be a token replaced by its pseudonym; addresses stay.

    >>> mask_host("yjip7lzbeuwx.shop.example", Fingerprinter(bytes(16)))
    '~970b2754.shop.example'
    """
    if ":" in host and is_address(host.strip("[]")):
        return host
    labels = host.split(".")
    if not any(map(is_token, labels)):
        return host
    return ".".join([fingerprinter.pseudonym(x) if is_token(x) else x for x in labels])


def mask_word(text: str, fingerprinter: Fingerprinter) -> str:
    """A text that is to be one word: a method, a field's name. Another one is a pseudonym."""
    return fingerprinter.pseudonym(text) if is_token(text) else text


def is_address(host: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def has_token(part: str) -> bool:
    """Whether a part of free text is as long as a token, and not of words and versions alone."""
    return len(part) >= MIN_TOKEN and not all(
        _NUMBERS.fullmatch(each) or segment_kind(each) == "word" for each in _JOINTS.split(part)
    )


def clean(text: str, limit: int) -> str:
    """The text without control and direction characters, cut to `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def is_placeholder(value: str) -> bool:
    """Whether a value is what a sanitiser put in place of one, or of a part of one.

    >>> [is_placeholder(text) for text in ("[redacted]", "%5BREDACTED%5D", "tok-***", "__hidden__")]
    [True, True, True, True]
    >>> is_placeholder("tok-1a2b3c")
    False
    """
    if not value or len(value) > _MAX_PLACEHOLDER:
        return False
    if value.isalnum() and _MASK.fullmatch(value) is None:
        return False
    bare = urllib.parse.unquote(value).strip("\"' \t") if "%" in value else value.strip("\"' \t")
    return _PLACEHOLDER.fullmatch(bare) is not None
