"""Two reports of one store, made by two processes, differ in nothing but the creation time."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from support.shops import write_shop

FORMS = ("html", "json", "md", "junit", "csv", "sarif")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """Every form of two reports, without their creation times."""
    folder = tmp_path_factory.mktemp("same")
    with closing(sqlite3.connect(write_shop(folder / "shop.sqlite"))) as db, db:
        # Written an hour ago, so that no other time in the report is that of its creation.
        db.execute("UPDATE captures SET started_us = started_us - 3600000000")
    first, second = (report(folder, str(seed)) for seed in (1, 2))
    return first, second


def report(folder: Path, seed: str) -> dict[str, str]:
    """The forms that a process of its own writes, in which sets and hashes have another order."""
    options = [option for form in FORMS for option in (f"--{form}", f"{seed}.{form}")]
    subprocess.run(
        [sys.executable, "-m", "statetrail", "audit", "shop.sqlite", *options],
        cwd=folder,
        env=os.environ | {"PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
        timeout=120,
    )
    told = {form: (folder / f"{seed}.{form}").read_bytes().decode() for form in FORMS}
    written = json.loads(told["json"])["created"]
    created = datetime.fromisoformat(written)
    times = (written, created.isoformat(), f"{created:%Y-%m-%dT%H:%M:%S}", f"{created:%F %T}")
    for form in FORMS:
        for time in times:
            told[form] = told[form].replace(time, "CREATED")
    return told


@pytest.mark.parametrize("form", FORMS)
def test_two_reports_of_a_store_are_the_same_bytes_but_for_their_time(
    reports: tuple[dict[str, str], dict[str, str]], form: str
) -> None:
    """And both are reports of this store."""
    first, second = (made[form] for made in reports)
    assert first == second
    assert "stubborn/1" in first
    counts = {"html": 2, "json": 1, "md": 1, "junit": 1, "csv": 0, "sarif": 0}
    assert first.count("CREATED") == counts[form]
