"""A place is one file: a cookie is added to a copy of the package, and nothing else is touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import statetrail
from statetrail.dialects.places import ISSUE_PARTS, ISSUE_PLACES, PRESENT_PARTS, PRESENT_PLACES

FIXTURES = Path(__file__).with_name("cookie")
PACKAGE = Path(statetrail.__file__).parent

# Run with the copy first on the path; says what one exchange with a cookie leaves.
PROGRAM = """
import json, sys
from statetrail.dialects import select
from statetrail.extract import Exchange, ExtractorConfig, Fingerprinter, Request, Response, extract

import statetrail.extract
assert statetrail.extract.__file__.startswith(sys.argv[1]), statetrail.extract.__file__
config = ExtractorConfig(select(f"all,{sys.argv[2]}"), Fingerprinter(bytes(32)))
request = Request(
    "GET", "https", "shop.example", 443, b"/API/V3/x?_session_token=" + b"t" * 15,
    ((b"Cookie", b"lang=en; sid=old/value=; other=yjipILZBeUWxrFqRT"),), "HTTP/1.1", 1,
)
response = Response(
    200, ((b"Set-Cookie", b"sid=new; Path=/"), (b"Set-Cookie", b"a=b")), 2, 3,
    b"<r session='tttttttttttttttt'/>",
)
facts = extract(Exchange("f", request, response), config)
json.dump(
    {
        "dialects": facts.exchange.dialects,
        "presented": [(p.dialect, p.param, p.channel, p.value) for p in facts.presented],
        "issued": [(i.dialect, i.param, i.channel, i.usage, i.length) for i in facts.issued],
        "candidates": [(c.place, c.fingerprint) for c in facts.token_candidates],
        "old": config.fingerprinter.fingerprint("old/value=") == facts.presented[-1].fingerprint,
        "other": config.fingerprinter.fingerprint("yjipILZBeUWxrFqRT"),
    },
    sys.stdout,
)
"""


def test_the_places_are_found() -> None:
    """Each module of the package has a place, known by its key and its channel."""
    assert sorted(ISSUE_PLACES) == ["header", "xml"]
    assert sorted(PRESENT_PLACES) == ["header", "query"]
    assert ISSUE_PARTS == {"header": "header", "body": "body"}
    assert PRESENT_PARTS == {"header": "header", "uriquery": "query"}


def test_a_cookie_is_one_file_and_lines_in_a_dialect(tmp_path: Path) -> None:
    """The fixture's place issues and presents; ZEST beside it is read as ever."""
    copy = tmp_path / "statetrail"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FIXTURES / "cookie.py", copy / "dialects" / "places")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(FIXTURES / "sid.toml")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["dialects"] == "zest,sid"
    assert facts["presented"] == [
        ["zest", "_session_token", "uriquery", None],
        ["sid", "sid", "cookie", None],
    ]
    assert facts["issued"] == [
        ["zest", "_session_token", "body", "uriquery", 16],
        ["sid", "sid", "cookie", "cookie", 3],
    ]
    assert ["header", facts["other"]] in facts["candidates"]
    assert facts["old"]


@pytest.mark.parametrize("place", ["cookie", "uriquery", "xml_root"])
def test_nobody_else_names_a_place(place: str) -> None:
    """What reads exchanges goes through the places' interface: it imports none of them."""
    for path in (PACKAGE / "extract").glob("*.py"):
        for line in path.read_text().splitlines():
            assert not (line.startswith(("from", "import")) and f".{place}" in line), path
            assert f'"{place}"' not in line, path
