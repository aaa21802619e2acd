"""The redact matrix in small: every place once, as it is written plainly."""

import random

import pytest

from studies.attack.parts.redact import FORMATS, KINDS, Cell, attack, cells


@pytest.mark.parametrize("bodies", [False, True], ids=["without bodies", "with bodies"])
@pytest.mark.parametrize("name", FORMATS)
def test_no_marker_is_left(name, bodies, tmp_path):
    """Of three kinds of secrets, in over 70 places of either format."""
    places, name_places, write = FORMATS[name]
    draw = random.Random(20)
    planted: list[Cell] = []
    for some, names in ((places, False), (name_places, True)):
        for placement, make in some.items():
            made = cells(placement, make, draw, names=names)
            planted += [next(made) for _ in KINDS]
    assert len(planted) > 200
    wrong = [
        (cell.placement, cell.kind, why)
        for cell, why in attack(planted, write(planted), tmp_path, bodies=bodies)
    ]
    assert wrong == []
