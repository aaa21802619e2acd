"""The colours of values: neighbours differ, and a value has one colour."""

from itertools import combinations, pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from statetrail.report.charts.hues import apart, hues
from statetrail.report.charts.palette import ALIKE, HUES, hue
from support.audits import document


@given(st.lists(st.text("0123456789abcdef", min_size=1, max_size=4).map("~{}".format)))
def test_a_token_never_has_the_colour_of_the_one_that_it_replaces(values: list[str]) -> None:
    """In a lineage of any length, in which values may return."""
    pairs = [(old, new) for old, new in pairwise(values) if old != new]
    chosen = apart(pairs)
    near: dict[str, set[str]] = {}
    for old, new in pairs:
        near.setdefault(old, set()).add(new)
        near.setdefault(new, set()).add(old)
    for old, new in pairs:
        if max(len(near[old]), len(near[new])) <= 2:
            assert chosen[new] not in ALIKE[chosen[old]]
        if max(len(near[old]), len(near[new])) < len(HUES["light"]):
            assert chosen[old] != chosen[new]


def test_both_ends_of_each_rotation_of_a_report_differ() -> None:
    """Where their own colours are the same, in the tables, lanes and charts alike."""
    original = document()
    rotation = next(one for one in original.rotations if one.from_ is not None)
    old = "~00000000"
    new = next(f"~{n:04x}0000" for n in range(1, 999) if hue(f"~{n:04x}0000") == hue(old))
    same = msgspec.structs.replace(rotation, from_=old, to=new)
    hue_of = hues(msgspec.structs.replace(original, rotations=(same,)))
    assert hue_of(old) != hue_of(new)
    assert hue_of("~1234") == hue("~1234")


def test_the_hues_that_look_alike_are_listed() -> None:
    """All others differ by at least 0.08 in OKLab, in both schemes."""
    for one, other in combinations(range(len(HUES["light"])), 2):
        distance = min(
            sum((a - b) ** 2 for a, b in zip(oklab(of[one]), oklab(of[other]), strict=True)) ** 0.5
            for of in HUES.values()
        )
        assert (distance < 0.08) == (other in ALIKE[one]), (one, other, distance)


def oklab(colour: str) -> tuple[float, ...]:
    """A colour as lightness and two axes of hue, by Ottosson (2020)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    rgb = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    lms = [
        sum(weight * c for weight, c in zip(row, rgb, strict=True)) ** (1 / 3)
        for row in (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        )
    ]
    return tuple(
        sum(weight * c for weight, c in zip(row, lms, strict=True))
        for row in (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        )
    )
