"""The pictures of the pages on expiry, drawn from a simulated world as a report draws them.

Enters: nothing; the world is always the same one. Leaves: SVG files in the folder of the pages.
``python -m studies.documentation`` renews them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from statetrail.recording.frames import Recording
from statetrail.report.audit import audit
from statetrail.report.charts.expiry import likelihood, survival
from statetrail.report.charts.gaps import gaps
from studies.simulation import draw, tables

POLICY: Final = "mixed"
VALUES: Final = 40
SEED: Final = 5


def pictures() -> Mapping[str, str]:
    """Two populations of clients: the gaps, the survival curve, the likelihoods; by file name."""
    recording = Recording(tables([draw(POLICY, VALUES, SEED).view]))
    document = audit(recording).document
    return {
        "expiry-gaps.svg": gaps(document).svg,
        "expiry-survival.svg": survival(document).svg,
        "expiry-likelihood.svg": likelihood(document).svg,
    }


def write_pictures(folder: Path) -> list[str]:
    """Write those that differ; their names."""
    changed = []
    for name, drawn in pictures().items():
        file = folder / name
        if not file.exists() or file.read_text("utf-8") != drawn:
            file.write_text(drawn, "utf-8", newline="\n")
            changed.append(name)
    return changed
