"""Pseudonyms keep what analyses compare."""

import string
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from statetrail.extract.fingerprint import PREFIX, alphabet, normal_form
from statetrail.extract.jwt import declared_s
from statetrail.ingest.redact.pseudonyms import Pseudonyms

RESERVED = frozenset(["1"])
PSEUDONYMS = Pseudonyms(bytes(range(32)), RESERVED)
TEXTS = some.text(some.characters(codec="utf-8"), max_size=40)
TOKENS = some.text("abcdefXYZ0189/+=-._ \"'", max_size=40)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2lnbmF0dXJlIHNpZw"


@given(TEXTS | TOKENS)
def test_length_and_classes_stay(value):
    """Where there is no escape, character by character."""
    assume("%" not in value and declared_s(value) is None)
    shown = PSEUDONYMS.of(value)
    assert len(shown) == len(value)
    if value.isascii():
        assert alphabet(shown).split("+") == alphabet(value).split("+") or "hex" in alphabet(value)
        assert [c for c in shown if not c.isalnum()] == [c for c in value if not c.isalnum()]
        assert [c.isupper() for c in shown] == [c.isupper() for c in value]


@pytest.mark.parametrize("form", ["0", "a", "00", "a0", "A", "000"])
def test_short_values_stay_different(form):
    """Over every value of one form, two never become one, and none becomes a reserved one."""
    classes = {"0": string.digits, "a": string.ascii_lowercase, "A": string.ascii_uppercase}
    values = ["".join(each) for each in product(*(classes[c] for c in form))]
    shown = [PSEUDONYMS.of(value) for value in values]
    assert sorted(shown) == sorted(values)
    assert [v for v, s in zip(values, shown, strict=True) if s in RESERVED] == [
        v for v in values if v in RESERVED
    ]


@given(TOKENS, some.sampled_from([str.upper, str.lower, lambda v: f'"{v}"', lambda v: f" {v}"]))
def test_other_writings_of_a_value_stay_other_writings(value, write):
    """Their normal forms are equal, as those of the values were."""
    assume(normal_form(write(value)) == normal_form(value))
    assume(value not in RESERVED and write(value) not in RESERVED)
    assert normal_form(PSEUDONYMS.of(write(value))) == normal_form(PSEUDONYMS.of(value))


def test_an_encoded_value_stays_one():
    """In either case of the hexadecimal digits, and of a letter that needs no encoding."""
    plain = "SKs5zIHx/P+w=="
    for encoded in ("SKs5zIHx%2FP%2Bw==", "SKs5zIHx%2fP%2bw%3d=", "%53Ks5zIHx/P%2Bw=="):
        shown = PSEUDONYMS.of(encoded)
        assert shown != encoded
        assert normal_form(shown) == normal_form(PSEUDONYMS.of(plain).replace("+", "%2B"))


@given(some.text("abcxyzXYZ019", min_size=PREFIX, max_size=PREFIX), TOKENS, TOKENS)
def test_values_that_begin_alike_have_pseudonyms_that_do(head, first, second):
    """A cut value can be told from any other; the letters g to z keep it from being hexadecimal."""
    assume("x" in head.lower() and head[0] != " ")
    one, other = PSEUDONYMS.of(head + first), PSEUDONYMS.of(head + second)
    assert one[:PREFIX] == other[:PREFIX] == PSEUDONYMS.of(head)


def test_kinds_of_values_stay():
    """Hexadecimal, and a JSON Web Token with its lifetime."""
    assert alphabet(PSEUDONYMS.of("4f2c9aa1b7e0d3")) == "hex"
    shown = PSEUDONYMS.of(TOKEN)
    assert declared_s(shown) == declared_s(TOKEN) == 3600
    assert TOKEN.split(".")[1] not in shown


def test_another_key_gives_other_pseudonyms():
    """Nothing but the key tells the value."""
    value = "yjipILZBeUWxrFq"
    assert Pseudonyms(bytes(32)).of(value) != PSEUDONYMS.of(value) != value
