"""Plant each fault in a copy of the library and run the tests that have to notice: `make mutants`.

Prints a table; exits 1 if a fault survives, or if its text is not there exactly once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from studies.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
# What finds most faults in the shortest time comes first.
CONFORMANCE = "tests/analyses/conformance"
MANY = f"{CONFORMANCE}/test_tracker.py::test_every_judge_says_the_same_of_many_histories"
SHORT = "not pyspark and not random_histories"
TESTS = {
    "frames": [MANY, f"{CONFORMANCE}/test_race_table.py", f"{CONFORMANCE}/test_verdicts.py"],
    "tracker": [MANY, f"{CONFORMANCE}/test_tracker.py", "-k", SHORT],
}
PATIENCE_S = 180


def main() -> int:
    """Every fault; 0 if the tests find each."""
    parser = argparse.ArgumentParser(prog="studies.mutants.run", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name has this text")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.fault]
    misfits = [mutant for mutant in chosen if source(mutant.module).count(mutant.text) != 1]
    for mutant in misfits:
        print(f"{mutant.module}.py has not exactly once {mutant.text!r} ({mutant.fault})")
    if misfits:
        return 1
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.jobs) as pool:
        for judge in TESTS:
            if not _passes(Path(scratch), judge, None):
                print(f"the tests of the {judge} fail without any fault: mend that first")
                return 1
        found = 0
        passed = pool.map(lambda m: _passes(Path(scratch), m.judge, m), chosen)
        for mutant, survives in zip(chosen, passed, strict=True):
            found += not survives
            outcome = "SURVIVES" if survives else "found"
            print(f"{mutant.judge:8} {mutant.module:24} {mutant.fault:48} {outcome}", flush=True)
    print(f"{found} of {len(chosen)} faults found in {time.perf_counter() - start:.0f} s")
    return 0 if found == len(chosen) else 1


def source(module: str, root: Path = ROOT) -> str:
    """The text of a module of `statetrail.analyses`."""
    return _file(root, module).read_text(encoding="utf-8")


def _file(root: Path, module: str) -> Path:
    return root / "analysis" / "statetrail" / "analyses" / f"{module}.py"


def _passes(scratch: Path, judge: str, mutant: Mutant | None) -> bool:
    """Whether the judge's tests pass on a copy of the library, with the fault if one is given."""
    copy = Path(tempfile.mkdtemp(dir=scratch))
    shutil.copytree(ROOT / "analysis", copy / "analysis")
    if mutant is not None:
        text = source(mutant.module).replace(mutant.text, mutant.fault_text)
        _file(copy, mutant.module).write_text(text, encoding="utf-8")
    # Before the installed package, and so instead of it.
    environment = {**os.environ, "PYTHONPATH": str(copy / "analysis")}
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(copy / "examples")
    used = [sys.executable, "-c", "import statetrail; print(statetrail.__file__)"]
    where = subprocess.run(used, env=environment, capture_output=True, text=True, check=True).stdout
    if not where.startswith(str(copy)):
        raise SystemExit(f"the copy in {copy} is not what is imported, but {where.strip()}")
    tests = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=1", *TESTS[judge]]
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", *tests],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if ran.returncode not in (0, 1):
        raise SystemExit(f"pytest itself failed ({ran.returncode}): {ran.stdout.decode()[-2000:]}")
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
