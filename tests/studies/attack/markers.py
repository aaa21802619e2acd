"""Markers that are planted as secrets, and the ways in which they are written.

A marker is found again by its text or by its first part alone, in any of `support.leaks.forms`: by
code that is not the product's.
"""

import base64
import html
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from support.leaks import forms

type Write = Callable[[str], str]

WRITINGS: Final[dict[str, Write]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every byte": lambda text: "".join(f"%{ord(c):02x}" for c in text),
    "html": html.escape,
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "json": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
}
NAMES: Final = ("plain", "upper", "lower", "hex", "HEX")
"""The writings that fit into a name of few characters: a host's, a method's, a header field's."""

_MIXED: Final = string.ascii_letters + string.digits


def token(draw: random.Random) -> str:
    """A token with characters that are written in many ways."""
    # With a digit in the middle, so that it is no word in lower case either.
    parts = ["".join(draw.choices(_MIXED, k=6)) for _ in range(4)]
    return f"{parts[0]}7{parts[1]}/{parts[2]}4{parts[3]}+9"


def name_token(draw: random.Random) -> str:
    """A token of letters and digits."""
    return (
        "".join(draw.choices(string.ascii_lowercase + string.digits, k=7))
        + "7"
        + "".join(draw.choices(string.ascii_lowercase, k=7))
    )


def word(draw: random.Random) -> str:
    """A secret that looks like a word."""
    return "".join(draw.choices(string.ascii_lowercase, k=12))


def left(marker: str, content: bytes) -> bool:
    """Whether a marker is in the content, or its first part is, in any case of letters."""
    folded = content.lower()
    wanted = forms(marker) | forms(marker.partition("/")[0])
    return any(form.lower() in folded for form in wanted)


def writings(names_only: bool) -> Iterator[tuple[str, Write]]:
    """The writings for a placement."""
    for name, write in WRITINGS.items():
        if not names_only or name in NAMES:
            yield name, write
