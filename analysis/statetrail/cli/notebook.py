"""`statetrail notebook`: copies of the notebooks that come with statetrail."""

import os
from pathlib import Path
from typing import Annotated, Final

from statetrail.cli.options import argument, option
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail notebook explore

STATETRAIL_RECORDING=$PWD/shop.sqlite jupyter lab explore/01_explore_recording.ipynb"""

_PACKAGE: Final = Path(__file__).parents[1]
_PLACES: Final = (_PACKAGE / "notebooks", _PACKAGE.parents[1] / "notebooks")
"""Where they are: in an installed package, and in a clone."""


def command(
    folder: Annotated[Path, argument("DIR", "Folder to copy them to; made if new.")],
    force: Annotated[
        bool, option("--force", "Overwrite files of the same names, with what was done in them.")
    ] = False,
) -> None:
    """Copy the notebooks into a folder, to run and to change.

    They explore a recording, infer expiry, find the clients that ignore state, judge an API of
    your own, and go beyond one machine. Each makes a small sample by itself, or opens the store
    that STATETRAIL_RECORDING names. To run them: pip install 'statetrail[notebooks]'.
    """
    from statetrail.cli.output.files import write_file
    from statetrail.cli.output.terminal import stdout

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    notebooks = bundled()
    targets = [folder / path.name for path in notebooks]
    there = [path for path in targets if os.path.lexists(path)]
    if there and not force:
        raise UsageError(f"{there[0]} exists, nothing was copied: --force overwrites it")
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in zip(notebooks, targets, strict=True):
        write_file(target, source.read_bytes())
        stdout().write(str(target))


def bundled() -> list[Path]:
    """The notebooks that come with statetrail, in their order."""
    found = next((sorted(place.glob("*.ipynb")) for place in _PLACES if place.is_dir()), [])
    if not found:
        raise UsageError("this installation has no notebooks: install statetrail from its wheel")
    return found
