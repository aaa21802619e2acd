"""The documentation pages that are shipped: one a verdict and a root cause, and those made of data.

Enters: the catalogues (`schema`, verdicts, causes) and the hand-written pages. Leaves: Markdown.
``python -m statetrail.docs`` renews what is generated; a test holds that nothing is missing or old.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from statetrail import schema
from statetrail.analyses import race_table
from statetrail.analyses.root_causes import ROOT_CAUSES
from statetrail.analyses.rotations import CAUSES
from statetrail.analyses.verdicts import FAULTS, VERDICTS

FOLDER: Final = Path(__file__).parent
"""Where the pages are."""

_INTRODUCTION: Final = (
    "Each page shows a request that gets the answer, and the request as it should be; a test "
    "replays both. The line `@ 1.0 s` above a message says when it was sent.\n"
)
_NOTE: Final = "<!-- Generated: `make docs` renews this page. -->"


def summary(page: Path) -> str:
    """The first sentence of a page, which stands below its table of attributes."""
    paragraphs = page.read_text("utf-8").split("\n\n")
    return paragraphs[2].partition(". ")[0].rstrip(".")


def index() -> str:
    """The page that leads to all others."""
    verdicts = [
        f"| [`{name}`](verdicts/{name}.md) | {summary(FOLDER / 'verdicts' / f'{name}.md')} "
        f"| {'yes' if name in FAULTS else ''} |"
        for name in VERDICTS
    ]
    causes = [
        f"| [`{name}`](causes/{name}.md) | {summary(FOLDER / 'causes' / f'{name}.md')} |"
        for name in ROOT_CAUSES
    ]
    return "\n".join(
        [
            _NOTE,
            "# What the answers mean\n",
            _INTRODUCTION,
            "## Verdicts\n",
            "What a request did with a parameter that had been issued before, the mildest first.\n",
            "| verdict | what it says | counts |",
            "| --- | --- | --- |",
            *verdicts,
            "\n## Root causes\n",
            "Why state was ignored, where the traffic shows it; the first that holds is named.\n",
            "| cause | what it says |",
            "| --- | --- |",
            *causes,
            "\n## More\n",
            "- [Races](races.md): small histories, what each is judged, and why",
            "- [Rotations](rotations.md): why a value changed",
            "- [Tables](tables.md): every table and column",
            "",
        ]
    )


def races() -> str:
    """The table of races."""
    return f"{_NOTE}\n{race_table.markdown()}"


def rotations() -> str:
    """The causes of rotations."""
    rows = [f"| `{name}` | {says} |" for name, says in CAUSES.items()]
    return "\n".join(
        [_NOTE, "# Causes of rotations\n", "| cause | when |", "| --- | --- |", *rows, ""]
    )


def tables() -> str:
    """Every table and column."""
    return f"{_NOTE}\n{schema.markdown()}"


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "index.md": index,
    "races.md": races,
    "rotations.md": rotations,
    "tables.md": tables,
}
"""The pages that are made of data, by their file names."""


def stale_pages() -> list[str]:
    """The generated pages that are missing or not what the data says now."""
    return [
        name
        for name, make in GENERATED.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text("utf-8") != make()
    ]


def write_pages() -> list[str]:
    """Renew the generated pages; the names of those that changed."""
    changed = stale_pages()
    for name in changed:
        (FOLDER / name).write_text(GENERATED[name](), "utf-8")
    return changed
