"""The HTML report: what it says, and that nothing in it runs."""

import base64
import re
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from lxml import html

from statetrail.report.render.html import (
    MAX_CLIENTS,
    MAX_ROTATIONS,
    MAX_ROWS,
    render_compact,
    render_html,
)
from statetrail.report.wording import visible
from support.audits import document, planted, without_charts
from support.golden import assert_golden
from support.hostile import PAYLOADS, assert_inert, assert_picture

GOLDEN = Path(__file__).parents[1] / "golden"
_PICTURE = re.compile(r"<svg xmlns=.*?</svg>")


@pytest.fixture(scope="module")
def page() -> str:
    """The sample's page."""
    return render_html(document())


def test_the_page_is_as_it_was_looked_at(page: str) -> None:
    """The sample's page is the golden one; pictures are compared by their own tests."""
    assert_golden(GOLDEN / "audit.html", _PICTURE.sub("<svg/>", page))


def test_the_first_screen_answers_the_three_questions_with_figures(page: str) -> None:
    """Each answer has its figure, what it is out of, and its confidence."""
    tree = html.document_fromstring(page)
    answers = tree.find_class("answer")
    assert [answer.findtext("h2") for answer in answers] == [
        "How long do sessions live here?",
        "How do tokens rotate?",
        "Who ignores state?",
    ]
    for answer in answers:
        assert answer.find_class("figure")[0].text_content()
        assert "confidence" in answer.find_class("of")[0].text_content()


def test_the_policy_allows_its_own_style_and_script_and_nothing_else(page: str) -> None:
    """The hashes in the content security policy are those of the two elements."""
    tree = assert_inert(page)
    style, script = (
        base64.b64encode(sha256((element.text or "").encode()).digest()).decode()
        for name in ("style", "script")
        for element in tree.iter(name)
    )
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_page_names_no_address_to_fetch_from(page: str) -> None:
    """No picture, style or link of the page leads out of it."""
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"(?:src|href|srcset)=\"(?!#|\")", page)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_in_every_field_comes_out_as_text(payload: str) -> None:
    """Whatever a field holds, the page shows it and runs nothing."""
    tree = assert_inert(render_html(planted(without_charts(document()), lambda text: payload)))
    shown = re.sub(r"\s+", " ", tree.text_content())
    # Prose shows what stands between backticks as code: the text without them.
    assert re.sub(r"\s+", " ", visible(payload)).strip() in shown
    assert str(123456 * 7) not in shown


def test_hostile_text_in_the_charts_is_text_in_a_picture() -> None:
    """All payloads at once as names and values: the pictures hold no script, link or handler."""
    everything = " ".join(PAYLOADS.values())
    page = render_html(planted(document(), lambda text: everything))
    assert_inert(page)
    pictures = _PICTURE.findall(page)
    assert len(pictures) == 8  # four charts, wide and narrow
    for picture in pictures:
        assert_picture(picture)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_inert_in_a_notebook_cell(payload: str) -> None:
    """The notebook display runs nothing either, and sets no formulas."""
    cell = render_compact(planted(document(), lambda text: payload))
    assert_inert(cell)
    assert "$" not in cell
    assert "\\" not in cell


def test_long_lists_are_cut_and_say_which_command_lists_all() -> None:
    """What is not shown is counted, and the command to see it stands beside."""
    small = without_charts(document())
    change = document().rotations[1]
    many = msgspec.structs.replace(
        small,
        clients=small.clients[:1] * 1000,
        findings=tuple(msgspec.structs.replace(small.findings[1], id=f"f{n}") for n in range(500)),
        root_causes=document().root_causes * 300,
        root_causes_total=5000,
        sessions_lost=document().sessions_lost * 300,
        sessions_lost_total=700,
        rotations=(msgspec.structs.replace(change, from_="~0"),) * 900,
        parameters=(msgspec.structs.replace(small.parameters[0], changes=123_456),),
        settings=msgspec.structs.replace(small.settings, stores=("my store.sqlite",)),
    )
    text = html.document_fromstring(render_html(many)).text_content()
    assert f"{MAX_CLIENTS} of 1,000 clients are shown" in text
    assert f"{MAX_ROWS} of 500 findings are shown" in text
    assert f"{MAX_ROTATIONS} of 123,456 changes are shown" in text
    assert f"{MAX_ROWS} of 5,000 causes are shown" in text
    assert f"{MAX_ROWS} of 700 sessions are shown" in text
    assert "statetrail show 'my store.sqlite' rotations" in text


def test_an_audit_of_nothing_is_a_page_all_the_same() -> None:
    """Empty sections say so in a sentence."""
    small = document()
    empty = msgspec.structs.replace(
        small,
        clients=(), parameters=(), tokens_summary=(), expiry=(), gaps=(), rotations=(),
        rotations_total=0, rotations_by_cause={}, first_values=0, lifespans=(), findings=(),
        rules=(),
        exchanges=(),
        capture=msgspec.structs.replace(
            small.capture, started=None, ended=None, sources=(), errors={}, notes={}, by_origin={}
        ),
    )  # fmt: skip
    text = assert_inert(render_html(empty)).text_content()
    for sentence in ("No rule found anything", "No client made a request", "No value was issued"):
        assert sentence in text


def test_every_table_has_headings_and_every_picture_words(page: str) -> None:
    """What a screen reader needs is there."""
    tree = html.document_fromstring(page)
    pictures = [one for one in tree.iter("svg") if one.get("aria-hidden") != "true"]
    assert len(pictures) > 8
    assert all(one.get("role") == "img" and one.get("aria-label") for one in pictures)
    assert tree.get("lang") == "en"
    levels = [int(heading.tag[1]) for heading in tree.iter("h1", "h2", "h3")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    identifiers = tree.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))
    assert {link[1:] for link in tree.xpath("//a/@href")} <= set(identifiers)
