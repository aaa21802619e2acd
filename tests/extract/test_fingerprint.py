"""Fingerprints: keyed, stable, bounded, and equal where only the writing differs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.fingerprint import Fingerprinter, alphabet, normal_form
from support.histories import FINGERPRINTER

ANY_TEXT = st.text(st.characters(), max_size=40)


@given(ANY_TEXT, ANY_TEXT)
def test_a_fingerprint_tells_values_apart_under_its_key_alone(one: str, other: str) -> None:
    """Equal values, equal fingerprints, within 64 bits; another key, others."""
    first = FINGERPRINTER.fingerprint(one)
    assert -(2**63) <= first < 2**63
    assert (first == FINGERPRINTER.fingerprint(other)) == (one == other)
    assert first != Fingerprinter(bytes(16)).fingerprint(one)


def test_a_known_value_keeps_its_fingerprint() -> None:
    """What is in the stores of users has to stay comparable: this never changes."""
    assert Fingerprinter(bytes(32)).fingerprint("yjipILZBeUWxrFq") == KNOWN
    assert Fingerprinter(bytes(32)).pseudonym("yjipILZBeUWxrFq") == f"~{KNOWN % 2**64 >> 32:08x}"


KNOWN = -204575761545655367


@given(ANY_TEXT, st.booleans())
def test_what_is_seen_of_a_value(value: str, clear: bool) -> None:
    """The text only where it is clear; the beginning's fingerprint only of a longer value."""
    seen = FINGERPRINTER.storable(value, clear=clear)
    assert seen.value == (value if clear else None)
    assert seen.normal_fingerprint == FINGERPRINTER.fingerprint(normal_form(value))
    prefix = FINGERPRINTER.fingerprint(value[:12])
    assert seen.prefix_fingerprint in ([prefix] if len(value) > 24 else [prefix, None])
    assert len(value) > 12 or seen.prefix_fingerprint is None


@pytest.mark.parametrize(
    "written", ["aB/c d", "ab%2fc%20d", "AB/C+D", '"aB/c d"', " 'aB%2Fc+d' ", "%61B/c d"]
)
def test_writings_of_one_value_have_one_normal_form(written: str) -> None:
    """Percent-encoding, plus, quotes, blanks around it, case."""
    assert normal_form(written) == "ab/c d"


@pytest.mark.parametrize(
    ("value", "classes"),
    [
        ("", ""),
        ("42", "digit"),
        ("abc", "hex"),
        ("00ff", "hex"),
        ("xyz", "lower"),
        ("yjipILZBeUWxrFq", "lower+upper"),
        ("aB1/", "lower+upper+digit+other"),
        ("é\udcff", "other"),
    ],
)
def test_alphabets(value: str, classes: str) -> None:
    """Character classes of ASCII, and whatever is beyond."""
    assert alphabet(value) == classes


def test_a_megabyte_costs_little() -> None:
    """Only the beginning of a very long value is looked at."""
    value = "%41" * 350_000
    began = time.thread_time()
    FINGERPRINTER.storable(value, clear=False)
    alphabet(value)
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_key_has_a_length(length: int) -> None:
    """A key that BLAKE2b would not take, or a guessable one, is refused."""
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Fingerprinter(bytes(length))


def test_a_fingerprinter_does_not_show_its_key() -> None:
    """Neither as text nor in a traceback."""
    assert repr(Fingerprinter(b"k" * 32)) == "Fingerprinter(…)"


@pytest.mark.parametrize(
    ("value", "has_prefix"),
    [
        ("4111111111111111", False),
        ("1" * 24, False),
        ("1" * 25, True),
        ("deadbeefdeadbeef", False),
        ("deadbeef" * 3, True),
        ("abcdefghijklm", False),
        ("yjipILZBeUWxrFq", True),
    ],
)
def test_what_can_be_guessed_by_halves_has_one_fingerprint(value: str, has_prefix: bool) -> None:
    """A card number is not told by its first twelve digits and then the other four."""
    storable = FINGERPRINTER.storable(value, clear=False)
    assert (storable.prefix_fingerprint is not None) == has_prefix
