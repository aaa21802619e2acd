"""The cases that stand beside the project, for every project that reads captures."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared(name: str) -> Path:
    """A folder of the shared cases; the test is skipped where there is none."""
    for folder in ROOT.parents:
        if (found := folder / "shared" / name).is_dir():
            return found
    pytest.skip(f"no ../shared/{name}")
