"""The report in a real browser: hostile text does nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html

from statetrail.report.html import render_html
from support.audits import document, planted
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
