"""A cluster of Spark: a master and two workers on loopback say what this process says by itself."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

import statetrail as st
from statetrail.recording.engines import spark_session
from statetrail.store import reader
from studies.benchmarks.generate import generate

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def started(
    role: str, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process of a standalone cluster, and the address of its master."""
    home = Path(str(find_spec("pyspark").submodule_search_locations[0]))  # type: ignore[union-attr,index]
    log = folder / f"{role}-{len(list(folder.glob('*.log')))}.log"
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home)}
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{role.lower()}.{role}"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", *options], stdout=file, stderr=file, env=environment
        )
    try:
        address = ""
        for _ in range(600):
            if found := re.search(r"(?:at|master) (spark://127\.0\.0\.1:\d+)", log.read_text()):
                address = found[1]
                break
            time.sleep(0.1)
        assert address, log.read_text()
        yield process, address
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(
    find_spec("pyspark") is None or not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="needs PySpark and Java",
)
def test_an_audit_survives_the_death_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two workers is killed after the first pass: the audit is the local one."""
    from pyspark.sql import SparkSession

    monkeypatch.setattr(reader, "LARGE", 0)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    generate(tmp_path / "dataset", 20_000, buckets=12)
    expected = st.audit(st.open(tmp_path / "dataset"), created=CREATED).to_json()
    (tmp_path / "work").mkdir()
    worker = ("--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / "work"))
    with (
        started("Master", tmp_path, "--port", "0", "--webui-port", "0") as (_, master),
        started("Worker", tmp_path, *worker, "--webui-port", "0", master) as (first, _),
        started("Worker", tmp_path, *worker, "--webui-port", "0", master),
    ):
        if (other := SparkSession.getActiveSession()) is not None:
            other.stop()
        session = spark_session(master)
        try:
            rec = st.open(tmp_path / "dataset", engine=session)
            jobs = session.sparkContext.statusTracker()

            def kill() -> None:
                while not jobs.getJobIdsForGroup():
                    time.sleep(0.05)
                first.kill()

            killer = threading.Thread(target=kill)
            killer.start()
            found = st.audit(rec, created=CREATED).to_json()
            killer.join()
            assert first.wait() != 0
        finally:
            session.stop()
    assert found == expected
