"""Secrets are found in any writing, and ordinary text is none."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some

from statetrail.ingest.redact.matcher import Matcher

SECRET = "yjipILZBeUW/xrFq+tokenTT"
WRITINGS = {
    "plain": SECRET,
    "lower": SECRET.lower(),
    "upper": SECRET.upper(),
    "percent": quote(SECRET, safe=""),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "every byte": "".join(f"%{ord(c):02x}" for c in SECRET),
    "html": html.escape(SECRET),
    "entities": "".join(f"&#x{ord(c):x};" for c in SECRET),
    "json": json.dumps(SECRET).replace("/", "\\/"),
    "escapes": "".join(f"\\u{ord(c):04x}" for c in SECRET),
    "hex": SECRET.encode().hex(),
    "HEX": SECRET.encode().hex().upper(),
    "utf-16": SECRET.encode("utf-16-le").decode(),
}


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_a_secret_is_found_however_it_is_written(text):
    """Within other text."""
    assert Matcher.of([SECRET]).holds(f"before {text} behind")


@given(some.binary(max_size=9), some.binary(max_size=9), some.booleans())
def test_a_secret_is_found_in_base64(before, behind, url_safe):
    """Whatever is encoded with it."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    assert Matcher.of([SECRET]).holds(f"x {encode(before + SECRET.encode() + behind).decode()} y")


def test_a_secret_with_blanks_is_found_in_a_form():
    """A plus stands for a blank there."""
    assert Matcher.of(["correct horse staple"]).holds(quote_plus("pass=correct horse staple&x"))


@pytest.mark.parametrize("text", ["unexpired", "expireds", "EXPIREDx", "4711", "x12345678901"])
def test_ordinary_text_is_no_secret(text):
    """A word counts where it stands alone; a short number never does."""
    assert not Matcher.of(["expired", "4711", "1234567890"]).holds(f"a {text} b")


def test_words_of_every_text_are_left_out():
    """As long as nothing else is known of them."""
    words = Matcher.of(["expired", "private"], vocabulary="cache-control: private")
    assert words.holds("it is expired")
    assert not words.holds("it is private")
    assert not Matcher.of(["expired"], words=False).holds("it is expired")


def test_only_the_beginning_of_a_long_secret_is_needed():
    """A text may have been cut within it."""
    secret = "".join(chr(97 + at * 7 % 26) + str(at % 10) for at in range(100))
    assert Matcher.of([secret]).holds(f"cut: {secret[:40]}…")
    assert not Matcher.of([secret]).holds(f"cut: {secret[:20]}")
