"""Golden files: what a rendering looked like when a person last looked at it.

Renew them with ``UPDATE_GOLDEN=1 pytest tests/report``, and read the diff.
"""

import os
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """Assert that `text` is what `path` holds, or write it there where `UPDATE_GOLDEN` is set."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, "utf-8", newline="\n")
    assert path.read_text("utf-8") == text, (
        "it differs from the golden file: UPDATE_GOLDEN=1 renews it"
    )
