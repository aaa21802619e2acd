"""The pytest plugin: a suite of clients, run by pytest with two workers of xdist.

The suite is in the folder ``suite``; the example of the documentation is run with it. Its clients
are right or wrong, and each test of a wrong one has to fail with its reason.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from studies.documentation import FOLDER
from support.browser import needs_chromium
from support.leaks import leaks

SUITE = Path(__file__).with_name("suite")
PAGE = (FOLDER / "pytest.md").read_text("utf-8")
SETTINGS = "[pytest]\nstatetrail_grace_ms = 0\nmarkers = browser\n"

PASS = [
    "test_docs::test_the_client_keeps_its_session",
    "test_eseller::test_obedient_httpx_with_a_recorder_of_its_own",
    "test_zest::test_obedient_httpx",
    "test_zest::test_obedient_requests_over_tls",
]
TOKEN = "_session_token"
FAIL = {
    "test_zest::test_obeys[keeps-stale]": ("2 of 3 verdicts are faults", f"2 stale {TOKEN}"),
    "test_zest::test_obeys[restarts]": ("3 of 3 verdicts are faults", f"3 restarted {TOKEN}"),
    "test_zest::test_obeys[drops]": ("3 of 3 verdicts are faults", f"3 omitted {TOKEN}"),
    "test_zest::test_presents": (f"{TOKEN} is not presented as issued in 3 of 3 requests",),
    "test_zest::test_no_findings": ("1 finding of severity medium or", "session-restarted"),
    "test_zest::test_nothing_is_tested_within_the_grace_period": (
        *("nothing was tested", "within 1 min of an issue", "settle()"),
    ),
    "test_zest::test_nothing_is_tested_without_a_request": ("no request came through",),
    "test_zest::test_no_such_parameter": (f"was never issued: did you mean {TOKEN}?",),
    "test_zest::test_no_such_client": ("no client's name contains 'shop-app'", "python-httpx"),
    "test_zest::test_no_such_rule": ("unknown rule", "did you mean token-in-url?"),
    "test_eseller::test_obeys[omits]": ("3 omitted LangId", "LangId not presented"),
    "test_eseller::test_obeys[defies]": ("3 defied PriceListId", "PriceListId 99"),
    "test_eseller::test_obeys[misplaces]": ("3 misplaced LangId",),
    "test_eseller::test_obeys[sets-implicit]": ("3 implicit-set CustomerId", "CustomerId ~"),
}
LANE = re.compile(
    r"127\.0\.0\.1 \| python-httpx/\S+ at http://127\.0\.0\.1:\d+, session ~(\w{8})\n"
    r".*-->  GET /API/V3/BrowseCategory/\S+ +_session_token 1 \(establish\)\n"
    r".*<--  200 +_session_token ~\1 .*\n"
    r".*-->  GET /API/V3/Product/\S+ +_session_token ~\1 +honoured\n"
    r".*<--  200 +_session_token ~(\w{8}) .*\n"
    r".*-->  GET /API/V3/Cart +_session_token ~\1 +FAULT stale\n"
)
"""The session of the client that keeps a stale token."""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> dict[str, str | None]:
    """What each test of the suite failed with; `None` if it passed, its reason if skipped."""
    folder = tmp_path_factory.mktemp("suite")
    for file in SUITE.glob("*.py"):
        kind, tests, _ = file.stem.partition("_tests")
        shutil.copy(file, folder / (f"test_{kind}.py" if tests else file.name))
    (folder / "pytest.ini").write_text(SETTINGS, "utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (folder / "test_docs.py").write_text(examples[0], "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--junitxml", "junit.xml"],
        cwd=folder,
        env=os.environ | {"SUITE_SECRETS": str(folder / "secrets"), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
    )
    (folder / "out.txt").write_bytes(done.stdout + done.stderr)
    assert done.returncode == 1, done.stdout.decode()
    secrets = {
        line for file in folder.glob("secrets-*") for line in file.read_text("utf-8").splitlines()
    }
    assert len(secrets) > 20
    assert list(leaks(secrets, [folder / "out.txt", folder / "junit.xml"])) == []
    assert list(folder.glob("statetrail-pytest-*")) == [], "the recorders' folders are removed"
    cases = ET.parse(folder / "junit.xml").iter("testcase")
    return {f"{one.get('classname')}::{one.get('name')}": _why(one) for one in cases}


def _why(case: ET.Element) -> str | None:
    return None if len(case) == 0 else "".join(case[0].itertext())


@pytest.mark.e2e
@pytest.mark.parametrize("name", PASS)
def test_an_obedient_client_passes(outcome, name):
    """Over http and TLS, with httpx and requests; so does the example of the documentation."""
    assert outcome[name] is None


@pytest.mark.browser
@needs_chromium
def test_an_obedient_browser_passes(outcome):
    """A page that presents the state that it was sent."""
    assert outcome["test_eseller::test_obedient_browser"] is None


@pytest.mark.e2e
@pytest.mark.parametrize("name", FAIL)
def test_a_client_that_is_wrong_fails_with_its_reason(outcome, name):
    """And so does a test that tests nothing."""
    assert outcome[name] is not None
    assert [text for text in FAIL[name] if text not in outcome[name]] == []


@pytest.mark.e2e
def test_a_failure_shows_the_session(outcome):
    """In the order of events, with pseudonyms that can be followed."""
    found = LANE.search(outcome["test_zest::test_obeys[keeps-stale]"])
    assert found is not None
    assert found[1] != found[2]


def test_a_run_that_does_not_use_the_plugin_pays_nothing_for_it():
    """pytest imports it always; it imports nothing but pytest."""
    code = (
        "import sys, pytest; before = set(sys.modules); import statetrail.testing.plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    assert names <= {"statetrail", *sys.stdlib_module_names}


def test_the_page_has_each_assertion_and_setting():
    """What the plugin offers is documented, and nothing else."""
    from statetrail.testing import Recorder

    offered = {name for name in dir(Recorder) if name.startswith("assert_")}
    assert set(re.findall(r"\bassert_\w+", PAGE)) == offered
    plugin = (FOLDER.parent / "testing" / "plugin.py").read_text("utf-8")
    settings = set(re.findall(r'"(statetrail_\w+)"', plugin))
    assert settings == set(re.findall(r"`(statetrail_\w+)`", PAGE))
