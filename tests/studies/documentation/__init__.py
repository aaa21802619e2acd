"""The documentation pages that are shipped: one a verdict, a cause and a rule, and those of data.

Enters: the catalogues (`schema`, verdicts, causes) and the hand-written pages. Leaves: Markdown.
``make docs`` renews what is generated; a test holds that nothing is missing or old.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import statetrail
from statetrail.analyses.catalogue import TABLES
from statetrail.analyses.causes.root_causes import ROOT_CAUSES
from statetrail.analyses.conformance import race_table
from statetrail.analyses.conformance.verdicts import FAULTS, VERDICTS
from statetrail.analyses.tokens.rotations import CAUSES
from statetrail.rules import PROFILES, RULES, Rule
from statetrail.rules.tables import FINDINGS

FOLDER: Final = Path(statetrail.__file__).parent / "docs"
"""Where the pages are."""

_INTRODUCTION: Final = (
    "Each page shows a request that gets the answer, and the request as it should be; a test "
    "replays both. The line `@ 1.0 s` above a message says when it was sent.\n"
)
_WHOSE: Final = {
    "client": "the client's developer",
    "api": "the API's owner",
    "capture": "whoever records",
    "security": "whoever answers for security",
}
_PROFILES: Final = (
    "`statetrail audit --profile NAME` chooses the limits that some rules hold tokens to; no "
    "verdict depends on them. Idle time, age and overlap are at most, bits at least that. A TOML "
    "file of your own has the fields `name`, `idle_max_s`, `age_max_s`, `bits_min`, and if you "
    "like `overlap_s` and `references`.\n"
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
    rules = [
        f"| [`{one.id}`](rules/{one.id}.md) | {one.title} | {one.severity} "
        f"| {_WHOSE[one.audience]} |"
        for one in RULES
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
            "\n## Rules\n",
            "What a finding is about, how grave it is, and who can mend it.\n",
            "| rule | what was found | severity | for |",
            "| --- | --- | --- | --- |",
            *rules,
            "\n## More\n",
            "- [Races](races.md): small histories, what each is judged, and why",
            "- [Rotations](rotations.md): why a value changed",
            "- [Expiry](expiry.md): how the policy of expiry and its limits are inferred",
            "- [What a capture can and cannot tell](capture.md)",
            "- [Profiles](profiles.md): the limits that some rules hold a recording to",
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
    return f"{_NOTE}\n{_tables()}"


def profiles() -> str:
    """The profiles and their sources."""
    rows = [
        f"| `{one.name}` | {one.words['idle_max']} | {one.words['age_max']} "
        f"| {one.words['bits_min']} | {one.words['overlap']} | {'; '.join(one.references)} |"
        for one in PROFILES.values()
    ]
    return "\n".join(
        [
            _NOTE,
            "# Profiles\n",
            _PROFILES,
            "| profile | unused for | as old as | bits from | overlap | sources |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def rule_page(one: Rule) -> str:
    """The page of a rule: its attributes, an example before and after, the remedy, its sources.

    The explanation and the example are written by hand, in ``examples/``.
    """
    held = ["| limit | that of the [profile](../profiles.md) |"] if one.measure is not None else []
    return "\n".join(
        [
            _NOTE,
            f"# `{one.id}`\n",
            "| | |",
            "| --- | --- |",
            f"| what was found | {one.title} |",
            f"| severity | {one.severity} |",
            f"| confidence | {one.confidence} |",
            f"| for | {_WHOSE[one.audience]} |",
            *held,
            "",
            (FOLDER / "examples" / f"{one.id}.md").read_text("utf-8"),
            "## What to do\n",
            f"{one.remedy}\n",
            "## Sources\n",
            *(f"- {reference}" for reference in one.references),
            "",
        ]
    )


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "index.md": index,
    "profiles.md": profiles,
    "races.md": races,
    "rotations.md": rotations,
    "tables.md": tables,
    **{f"rules/{one.id}.md": partial(rule_page, one) for one in RULES},
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


def _tables() -> str:
    """The catalogue as a Markdown page: one section a table."""
    parts = ["# Tables\n"]
    for table in (*TABLES.values(), FINDINGS):
        parts += [f"## {table.name}\n", f"One row: {table.row}. Key: {', '.join(table.key)}.\n"]
        parts += ["| column | type | says | null |", "| --- | --- | --- | --- |"]
        parts += [
            f"| `{c.name}` | {c.type} | {c.description} | {c.null or '—'} |" for c in table.columns
        ]
        parts.append("")
    return "\n".join(parts)
