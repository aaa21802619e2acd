"""Debian's chromium, headless, for pages that must be seen by a real browser."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)
OPTIONS = (*QUIET, "--virtual-time-budget=3000")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def dump_dom(page: Path) -> str:
    """The page's document after it was loaded and its scripts, if any could run, have run."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as profile:
        command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        ran = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return ran.stdout.decode()
