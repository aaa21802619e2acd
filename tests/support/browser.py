"""Debian's chromium, headless, for pages that must be seen by a real browser."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
