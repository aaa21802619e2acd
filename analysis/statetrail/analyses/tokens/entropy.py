"""Strength: how many bits the values of a parameter can hold at most.

Enters: alphabets as the capture has noted them (`statetrail.extract.fingerprint.alphabet`).
Leaves: the alphabet that all values can have been drawn from, and its size. Length times the
logarithm of that size bounds the bits from above: a value may hold less, never more.
"""

import math
from collections.abc import Iterable
from typing import Final

_SIZES: Final = {"lower": 26, "upper": 26, "digit": 10, "other": 33}
"""Characters of printable ASCII in each class."""


def united(alphabets: Iterable[str]) -> str | None:
    """The alphabet that all the values can have been drawn from.

    >>> united(["lower+digit", "upper"]), united(["hex", "digit"]), united(["hex", "upper"])
    ('lower+upper+digit', 'hex', 'lower+upper+digit')
    """
    classes = {name for alphabet in alphabets for name in alphabet.split("+") if name}
    if not classes:
        return None
    if "hex" in classes:
        if classes <= {"hex", "digit"}:
            return "hex"
        classes = (classes - {"hex"}) | {"lower", "digit"}
    return "+".join(name for name in _SIZES if name in classes)


def alphabet_size(alphabet: str) -> int:
    """How many characters an alphabet has.

    >>> alphabet_size("lower+upper"), alphabet_size("hex")
    (52, 16)
    """
    if alphabet == "hex":
        return 16
    return sum(_SIZES[name] for name in alphabet.split("+"))


def bits(length: int, alphabet: str) -> float:
    """The upper bound in bits of values of that length.

    >>> round(bits(15, "lower+upper+digit"), 1)
    89.3
    """
    return length * math.log2(alphabet_size(alphabet))
