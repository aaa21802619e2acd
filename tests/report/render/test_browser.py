"""The report in a real browser: hostile text does nothing, tables work, and axe finds no fault."""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from statetrail.report.charts.palette import COLOURS
from statetrail.report.render.html import render_html
from statetrail.rules import SEVERITIES
from support.audits import document, planted
from support.browser import needs_chromium
from support.devtools import Page, axe, chromium_page
from support.hostile import OWN_SCRIPT, PAYLOADS, assert_nothing_ran

pytestmark = [pytest.mark.browser, needs_chromium]

LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """One browser for all of these tests."""
    with chromium_page() as opened:
        yield opened


@pytest.fixture
def sample(tmp_path: Path) -> str:
    """The address of the sample's report."""
    return written(tmp_path, render_html(document()))


def written(folder: Path, text: str) -> str:
    """A page's address, once it is in a file."""
    path = folder / "audit.html"
    path.write_text(text, "utf-8")
    return path.as_uri()


@pytest.mark.parametrize("bypass", [False, True], ids=["with-the-policy", "without-the-policy"])
def test_hostile_text_runs_nothing(page: Page, tmp_path: Path, bypass: bool) -> None:
    """All payloads in every field at once: the one script that runs is the report's own.

    The escaping alone holds, too, with the page's policy switched off.
    """
    everything = "".join(PAYLOADS.values())
    hostile = written(tmp_path, render_html(planted(document(), lambda text: everything)))
    page.send("Page.setBypassCSP", enabled=bypass)
    try:
        page.open(hostile)
        assert_nothing_ran(page)
    finally:
        page.send("Page.setBypassCSP", enabled=False)
    assert page.fetched() == [hostile]
    assert page.run("document.querySelectorAll('.finding').length") > 0


def test_a_script_that_is_no_part_of_the_report_would_be_seen(page: Page, tmp_path: Path) -> None:
    """The counter counts: a payload that does run is told, and so is its dialog."""
    alien = "<body><script>alert(1)</script><img src=x onerror='document.title=2'>"
    page.open(written(tmp_path, alien))
    page.run("new Promise((done) => setTimeout(done, 100))")
    assert page.ran() == ["alert(1)", "document.title=2"]
    assert page.dialogs() == ["alert"]
    assert len(page.fetched()) == 2


@pytest.mark.parametrize(("width", "scheme"), LOOKS, ids=[f"{w}-{s}" for w, s in LOOKS])
def test_axe_finds_nothing_wrong(page: Page, sample: str, width: int, scheme: str) -> None:
    """No violation of any gravity, in a window of that width and colour scheme."""
    page.look(width=width, scheme=scheme)
    page.open(sample)
    assert axe(page) == []
    assert page.run("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"


@pytest.mark.parametrize("width", [800, 1000])
def test_no_table_is_wider_than_its_room(page: Page, sample: str, width: int) -> None:
    """Unless it scrolls there: else its last columns are cut off."""
    page.look(width=width, scheme="dark")
    page.open(sample)
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    wide = """[...document.querySelectorAll('table')].filter((one) =>
        one.scrollWidth > one.parentElement.clientWidth
        && getComputedStyle(one.parentElement).overflowX !== 'auto').map((one) => one.outerHTML)"""
    assert page.run(wide) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_all_text_of_a_chart_is_in_its_picture(page: Page, tmp_path: Path, width: int) -> None:
    """Also that of long names, in the fonts that there are; each chart is shown once."""
    page.look(width=width, scheme="light")
    page.open(written(tmp_path, render_html(planted(document(), lambda text: f"{text} " * 40))))
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    shown, outside = page.run(
        "(() => { const shown = [...document.querySelectorAll('figure svg')]"
        ".filter((one) => one.getClientRects().length);"
        " const outside = shown.flatMap((one) => [...one.querySelectorAll('text')].filter((text) =>"
        " { const [a, b] = [text, one].map((each) => each.getBoundingClientRect());"
        " return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom }));"
        " return [shown.length, outside.map((text) => text.textContent)] })()"
    )
    assert shown == 4
    assert outside == []


def test_what_is_printed_from_the_dark_is_light(page: Page, sample: str) -> None:
    """The page and its charts: on paper they have the same colours from either scheme."""
    printed = {}
    for scheme in ("light", "dark"):
        page.look(width=1000, scheme=scheme)
        page.open(sample)
        printed[scheme] = colours(base64.b64decode(page.send("Page.printToPDF")["data"]))
    assert printed["dark"] == printed["light"]
    assert len(printed["light"]) > len(COLOURS["light"])


def colours(pdf: bytes) -> set[bytes]:
    """The colours that a PDF fills areas and letters with."""
    streams = re.findall(rb"FlateDecode.*?>>\s*stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    drawn = b"\n".join(zlib.decompressobj().decompress(one) for one in streams)
    return set(re.findall(rb"([\d.]+ [\d.]+ [\d.]+) rg", drawn))


def test_grades_have_colours_of_their_own(page: Page, tmp_path: Path) -> None:
    """No two severities have one colour, low and info neither."""
    first, *rest = document().findings
    four = [
        msgspec.structs.replace(first, id=f"f-{one}", rule=f"r-{one}", severity=one)
        for one in SEVERITIES
    ]
    page.open(
        written(tmp_path, render_html(msgspec.structs.replace(document(), findings=(*four, *rest))))
    )
    for kind, side in ((".badge", "backgroundColor"), (".finding", "borderLeftColor")):
        colours = {
            page.run(f"getComputedStyle(document.querySelector('{kind}.{one}')).{side}")
            for one in SEVERITIES
        }
        assert len(colours) == len(SEVERITIES)


def test_axe_would_find_something(page: Page, tmp_path: Path) -> None:
    """The checker checks: a page with grey text on white and a nameless field has violations."""
    bad = "<!doctype html><html lang=en><title>t</title><p style='color:#bbb'>pale</p><input>"
    page.open(written(tmp_path, bad))
    found = [one.split(":")[0] for one in axe(page)]
    assert {"serious color-contrast", "critical label"} <= set(found)


def test_tables_sort_and_filter(page: Page, sample: str) -> None:
    """A click on a heading sorts by numbers, another one the other way; words filter rows."""
    page.open(sample)
    table = "document.getElementById('clients-table')"
    names = (
        f"[...{table}.tBodies[0].rows].filter((row) => !row.hidden)"
        ".map((row) => row.cells[0].firstChild.textContent.trim())"
    )
    button = f"{table}.querySelectorAll('thead button')[2]"
    good, bad, quiet = "10.0.0.7 | obedient/1.2", "10.0.0.8 | stale-app/0.9", "10.0.0.9 | quiet/3"
    assert page.run(names) == [bad, good, quiet]
    page.run(f"{button}.click()")
    assert page.run(names) == [good, quiet, bad]
    assert page.run(f"{button}.parentNode.getAttribute('aria-sort')") == "ascending"
    page.run(f"{button}.click()")
    assert page.run(names) == [bad, good, quiet]
    page.run(
        "const field = document.querySelector('input[data-table=clients-table]');"
        "field.value = 'Quiet 10.0'; field.dispatchEvent(new Event('input'))"
    )
    assert page.run(names) == [quiet]
    assert page.run("field.closest('.filter').querySelector('output').textContent") == "1 of 3"


def test_findings_are_chosen_by_severity_and_audience(page: Page, sample: str) -> None:
    """Those of a severity and for an audience are left, also what was folded; a link shows any."""
    page.open(sample)
    shown = (
        "[...document.querySelectorAll('.finding')].filter((one) => one.checkVisibility()).length"
    )
    every = len({one.rule for one in document().findings})

    def choose(by: str, value: str) -> str:
        return (
            f"{{ const field = document.querySelector('select[data-by={by}]');"
            f"field.value = '{value}'; field.dispatchEvent(new Event('change')) }};"
        )

    first = document().findings[0]
    page.run(choose("severity", first.severity))
    assert 0 < page.run(shown) < every
    page.run(choose("audience", "capture") + "0")
    assert page.run(shown) == 0
    assert page.run("document.querySelector('.choose output').textContent") == f"0 of {every} rules"
    page.run(f"location.hash = 'rule-{first.rule}'; new Promise((done) => setTimeout(done, 100))")
    assert page.run(shown) == 1
    page.run(choose("severity", "") + choose("audience", "") + "0")
    assert page.run(shown) == every


def test_a_link_to_a_rule_opens_its_page_within_its_section(page: Page, sample: str) -> None:
    """Both are folded; the page is then in the window."""
    page.open(sample)
    rule = next(one.rule for one in document().rules if one.found)
    top = page.run(
        f"location.hash = 'about-{rule}'; new Promise((done) => setTimeout(() => done("
        f"document.getElementById('about-{rule}').getBoundingClientRect().top), 300))"
    )
    assert -1 < top < 900
    assert page.run(f"document.querySelector('#about-{rule} .traffic').checkVisibility()")


def test_nothing_moves_once_it_is_shown(page: Page, tmp_path: Path) -> None:
    """A page of 1,000 clients has no layout shift, on a wide screen and on a phone.

    Nor while it is scrolled through, where sections are laid out as they come into sight; and a
    link opens its section and leads to its first line, or to the end of the page.
    """
    original = document()
    many = tuple(
        msgspec.structs.replace(original.clients[0], client=f"10.0.0.1 | app/{n}")
        for n in range(1_000)
    )
    large = written(tmp_path, render_html(msgspec.structs.replace(original, clients=many)))
    for width in (1440, 390):
        page.look(width=width, scheme="light")
        page.open(large)
        shifts = page.run(
            "new Promise((done) => { let sum = 0;"
            "new PerformanceObserver((list) => {"
            "for (const one of list.getEntries()) sum += one.value;"
            "}).observe({type: 'layout-shift', buffered: true});"
            "let at = 0; const step = () => { scrollTo(0, at); at += 600;"
            "if (at < document.documentElement.scrollHeight) requestAnimationFrame(step);"
            "else setTimeout(() => done(sum), 300) }; step() })"
        )
        assert shifts == 0
    for name in ("clients", "rotations", "parameters"):
        page.open(large)
        landed = page.run(
            f"document.querySelector('nav a[href=\"#{name}\"]').click();"
            "new Promise((done) => setTimeout(() => done("
            f"document.getElementById('{name}').getBoundingClientRect().top), 300))"
        )
        below = page.run("document.documentElement.scrollHeight - innerHeight - scrollY")
        assert abs(landed) < 2 or (landed > 0 and below < 2)
        assert page.run(f"!document.querySelector('#{name} > .fold:not([open])')")


def test_the_script_is_the_one_in_the_package(page: Page, sample: str) -> None:
    """What the browser runs is what the package ships, byte for byte."""
    page.open(sample)
    assert page.ran() == [OWN_SCRIPT]
