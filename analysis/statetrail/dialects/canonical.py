"""Families: what stays the same in values that are written anew each time (`Param.same`).

Enters: a value. Leaves: its canonical form, which needs no key, or the value itself where it does
not have the form. Two values of one canonical form are one token to the server that issued them.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

type Same = Literal["django-mask", "xor-halves", "tornado-xsrf", "before-dot", "jwt-claims"]

MAX_VALUE: Final = 8192
"""Characters of a value that has a canonical form."""

_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]{64}")
_CHARS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PLACES: Final = {char: place for place, char in enumerate(_CHARS)}
_TORNADO: Final = re.compile(r"2\|([0-9a-f]{8})\|([0-9a-f]{8,256})\|[0-9]{1,12}")
_FRESH: Final = frozenset(("iat", "exp", "nbf", "jti"))


def canonical(value: str, same: Same) -> str:
    """The canonical form of a value; the value itself where it has none.

    >>> canonical("eyJ1IjoxfQ.Zx9.sig1", "before-dot")
    'before-dot:eyJ1IjoxfQ'
    """
    if len(value) > MAX_VALUE:
        return value
    form = _FORMS[same](value)
    return value if form is None else f"{same}:{form}"


def _django_mask(value: str) -> str | None:
    """32 characters of mask, then 32 of the secret added to it (django/middleware/csrf.py)."""
    if not _ALPHANUMERIC.fullmatch(value):
        # 32 characters are the secret itself, as the cookie of Django from 4.1 on has it.
        return value if re.fullmatch(r"[A-Za-z0-9]{32}", value) else None
    mask, cipher = value[:32], value[32:]
    size = len(_CHARS)
    return "".join(
        _CHARS[(_PLACES[c] - _PLACES[m]) % size] for m, c in zip(mask, cipher, strict=True)
    )


def _xor_halves(value: str) -> str | None:
    """A one-time pad, then the token XOR the pad, in base64 (Rails, Spring Security)."""
    raw = _base64(value)
    if raw is None or len(raw) < 16 or len(raw) % 2:
        return None
    pad, masked = raw[: len(raw) // 2], raw[len(raw) // 2 :]
    return bytes(a ^ b for a, b in zip(pad, masked, strict=True)).hex()


def _tornado_xsrf(value: str) -> str | None:
    """``2|mask|masked token|time`` (tornado/web.py)."""
    match = _TORNADO.fullmatch(value.strip('"'))
    if match is None or len(match[2]) % 2:
        return None
    mask, masked = bytes.fromhex(match[1]), bytes.fromhex(match[2])
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked)).hex()


def _before_dot(value: str) -> str | None:
    """What is signed: signature and time follow the first dot (itsdangerous)."""
    before, dot, _ = value.partition(".")
    return before if dot and before else None


def _jwt_claims(value: str) -> str | None:
    """The claims of a JSON Web Token (RFC 7519) without the times and the id of its issue."""
    parts = value.split(".")
    if len(parts) != 3 or (raw := _base64(parts[1])) is None:
        return None
    try:
        payload: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
        kept = {name: payload[name] for name in sorted(payload) if name not in _FRESH}
        text = msgspec.json.encode(kept, order="deterministic")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return hashlib.blake2b(text, digest_size=16).hexdigest() if kept else None


def _base64(text: str) -> bytes | None:
    padded = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


_FORMS: Final[dict[str, Callable[[str], str | None]]] = {
    "django-mask": _django_mask,
    "xor-halves": _xor_halves,
    "tornado-xsrf": _tornado_xsrf,
    "before-dot": _before_dot,
    "jwt-claims": _jwt_claims,
}
