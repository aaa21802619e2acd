"""How many random worlds of each shape are named rightly: ``make families WORLDS=100``."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studies.families.worlds import SHAPES, named

GRACES = (0, 10, 45)
WANTED = 0.95
"""Share of the worlds of each line that has to be right."""


def main() -> int:
    """Judge the worlds, print the table."""
    parser = argparse.ArgumentParser(prog="studies.families.run", description=__doc__)
    parser.add_argument("--worlds", type=int, default=100, help="of each shape and window")
    parser.add_argument("--seed", type=int, default=1000, help="of the first world")
    options = parser.parse_args()
    table = Table("shape", "window of grace", "named rightly")
    least = options.worlds
    for shape in SHAPES:
        for grace_s in GRACES:
            right = 0
            for seed in range(options.seed, options.seed + options.worlds):
                with tempfile.TemporaryDirectory() as folder:
                    right += named(shape, grace_s, seed, Path(folder))
            table.add_row(shape, f"{grace_s} s", f"{right} of {options.worlds}")
            least = min(least, right)
    Console(width=100).print(table)
    return int(least < WANTED * options.worlds)


if __name__ == "__main__":
    sys.exit(main())
