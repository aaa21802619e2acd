"""The places are found by walking their package, and nobody else names one."""

from pathlib import Path

import pytest

import statetrail
from statetrail.dialects.places import ISSUE_PARTS, ISSUE_PLACES, PRESENT_PLACES

PACKAGE = Path(statetrail.__file__).parent


def test_the_places_are_found() -> None:
    """Each module of the package has a place, known by its key and its channel."""
    assert sorted(ISSUE_PLACES) == [
        *("cookie", "header", "html", "json", "location", "script", "xml"),
    ]
    assert sorted(PRESENT_PLACES) == ["cookie", "form", "header", "json", "path", "query"]
    assert ISSUE_PARTS == {
        "header": "header", "cookie": "head", "location": "head",
        "body": "body", "html": "body", "json": "body", "script": "body",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["cookie", "uriquery", "html", "json", "xml_root"])
def test_nobody_else_names_a_place(place: str) -> None:
    """What reads exchanges goes through the places' interface: it imports none of them."""
    for path in (PACKAGE / "extract").glob("*.py"):
        for line in path.read_text().splitlines():
            assert not (line.startswith(("from", "import")) and f"places.{place}" in line), path
            assert f'"{place}"' not in line, path
