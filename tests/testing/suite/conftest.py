"""The services of the suite: the demo's origins, as programs of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """A reference origin; yields its URL. What it issues is in the file of that variable."""
    command = [sys.executable, "-m", "statetrail.demo.serve", *arguments, "--until-eof"]
    command += ["--secrets", f"{os.environ['SUITE_SECRETS']}-{os.getpid()}-{arguments[0]}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.stdin.close()


@pytest.fixture(scope="session")
def zest() -> Iterator[str]:
    """A ZEST service that issues a new token with each response."""
    with served("zest", "--set", "policy=per-request") as url:
        yield url


@pytest.fixture(scope="session")
def eseller() -> Iterator[str]:
    """A 52eSELLER service."""
    with served("52eseller") as url:
        yield url
