"""The report in a real browser: hostile text does nothing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html

from statetrail.report.html import render_html
from support.audits import document, planted
from support.browser import dump_dom, needs_chromium
from support.hostile import OWN_SCRIPT, PAYLOADS

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_no_payload_runs_in_chromium(tmp_path: Path) -> None:
    """All payloads in every field at once: title and document stay as they were written."""
    page = tmp_path / "audit.html"
    everything = "".join(PAYLOADS.values())
    page.write_text(render_html(planted(document(), lambda text: everything)), "utf-8")
    dumped = subprocess.run(
        [
            str(CHROMIUM),
            *QUIET,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=2000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()
    tree = html.document_fromstring(dumped)
    assert tree.get("data-pwned") is None
    assert (tree.findtext("head/title") or "").startswith("Session state audit")
    assert [script.text for script in tree.iter("script")] == [OWN_SCRIPT]
    assert tree.find_class("finding"), "the page was rendered"


COUNT = """
<script>
window.ran = document.scripts.length;
for (const kind of ["alert", "confirm", "prompt", "open"])
  window[kind] = () => document.documentElement.setAttribute("data-pwned", kind);
</script>
"""
"""Counts the scripts that the page had when it was parsed, and tells of every dialog."""

CLICKS = """
<script>
addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("clients-table");
  const names = () => [...table.tBodies[0].rows].filter((r) => !r.hidden)
    .map((r) => r.cells[0].firstChild.textContent.trim()).join(";");
  const told = [names()];
  const button = table.querySelectorAll("thead button")[2];
  button.click(); told.push(names(), button.parentNode.getAttribute("aria-sort"));
  button.click(); told.push(names());
  const field = document.querySelector("input[data-table=clients-table]");
  field.value = "Quiet 10.0"; field.dispatchEvent(new Event("input"));
  told.push(names(), field.closest(".filter").querySelector("output").textContent);
  document.documentElement.setAttribute("data-told", told.join(" / "));
});
</script>
"""


def without_policy(page: str, *more: str) -> str:
    """The page with scripts of ours in it, which its policy would not let run."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return page.replace("<head>", "<head>" + "".join(more))


@pytest.mark.browser
@needs_chromium
def test_tables_sort_and_filter(tmp_path: Path) -> None:
    """A click on a heading sorts by numbers, another one the other way; words filter rows."""
    page = tmp_path / "audit.html"
    page.write_text(without_policy(render_html(document()), CLICKS), "utf-8")
    told = html.document_fromstring(dump_dom(page)).get("data-told", "").split(" / ")
    good, bad, quiet = "10.0.0.7 | obedient/1.2", "10.0.0.8 | stale-app/0.9", "10.0.0.9 | quiet/3"
    assert told == [
        ";".join((bad, good, quiet)),
        ";".join((good, quiet, bad)),
        "ascending",
        ";".join((bad, good, quiet)),
        quiet,
        "1 of 3",
    ]


@pytest.mark.browser
@needs_chromium
def test_hostile_text_runs_nothing_even_without_the_policy(tmp_path: Path) -> None:
    """The escaping alone holds: no script is added, no dialog opens, nothing is marked."""
    page = tmp_path / "audit.html"
    everything = "".join(PAYLOADS.values())
    made = render_html(planted(document(), lambda text: everything))
    page.write_text(without_policy(made, COUNT), "utf-8")
    tree = html.document_fromstring(dump_dom(page))
    assert tree.get("data-pwned") is None
    assert (tree.findtext("head/title") or "").startswith("Session state audit")
    assert len(list(tree.iter("script"))) == 2  # the one that counts, and the report's own
