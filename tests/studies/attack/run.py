"""Every part of the study, or those that are named: `make attack PARTS="redact"`.

Exit code 1: something went wrong.
"""

import argparse
import importlib
import pkgutil
import sys
import time
from typing import Final

from studies.attack import parts

SHOWN: Final = 20


def names() -> list[str]:
    """The parts: the modules of the package `parts`."""
    return sorted(module.name for module in pkgutil.iter_modules(parts.__path__))


def main() -> int:
    """Run the parts. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=names(), help="one of the parts")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = False
    for name in arguments.part or names():
        start = time.monotonic()
        outcome = importlib.import_module(f"{parts.__name__}.{name}").run(arguments.seed)
        seconds = time.monotonic() - start
        print(f"{name}: {len(outcome.wrong)} of {outcome.tried:,} wrong, {seconds:.0f} s\n")
        for line in outcome.wrong[:SHOWN]:
            print(f"  {line}")
        failed |= bool(outcome.wrong) or not outcome.tried
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
