"""Clients of the 52eSELLER service: obedient ones pass, each other one fails with its reason."""

import shutil
import ssl
import subprocess
import tempfile
from urllib.parse import urlencode

import httpx
import pytest
from clients import EsellerClient

CHROMIUM = shutil.which("chromium")


def test_obedient_httpx_with_a_recorder_of_its_own(record_state, eseller):
    shop = record_state(eseller, tls=True, fresh=True)
    with httpx.Client(verify=ssl.create_default_context(cafile=shop.ca), trust_env=False) as http:
        EsellerClient(shop.url, http).shop()
    shop.assert_obeys()
    shop.assert_presents("LangId")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_obedient_browser(record_state, eseller):
    api = record_state(eseller)
    query = urlencode({"api": api.url, "pause": 0, "seconds": 0})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}"),
            *("--dump-dom", f"{eseller}/shop?{query}"),
        ]
        page = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert '"problem":null' in page.stdout
    api.assert_obeys("Chrome")


@pytest.mark.parametrize("way", ["omits", "defies", "misplaces", "sets-implicit"])
def test_obeys(record_state, eseller, way):
    shop = record_state(eseller)
    with httpx.Client(trust_env=False) as http:
        EsellerClient(shop.url, http, way).shop()
    shop.assert_obeys()
