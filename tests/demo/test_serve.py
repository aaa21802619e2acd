"""An origin as a process of its own."""

import json
import subprocess
import sys

import httpx
import pytest


def serve(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "statetrail.demo.serve", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", ["eof", "terminate"])
def test_an_origin_announces_its_port_serves_and_ends_cleanly(how, tmp_path):
    """When its parent is gone, or when it is told to."""
    secrets = tmp_path / "secrets.txt"
    with serve(
        "zest", "--until-eof", "--secrets", str(secrets), "--set", "prefix=/shop"
    ) as process:
        port = json.loads(process.stdout.readline())["port"]
        url = f"http://127.0.0.1:{port}/shop/API/V3/Cart?_session_token=1"
        answer = httpx.get(url, trust_env=False)
        if how == "eof":
            process.stdin.close()
        else:
            process.terminate()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    [token] = secrets.read_text().splitlines()
    assert f'session="{token}"' in answer.text
    assert secrets.stat().st_mode & 0o077 == 0


def test_a_setting_that_makes_no_sense_is_refused():
    """With the name of what was wrong, and exit code 2."""
    with serve("zest", "--set", "idle_s=soon") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "idle_s" in errors
