"""The documentation pages that are shipped: one a verdict, a cause and a rule, and those of data.

Enters: the catalogues (`schema`, verdicts, causes, rules) and what is written by hand. Leaves:
Markdown. A rule's page is one file: the rule's part, which ``make docs`` renews, and below it the
explanation and the example, which are written by hand. A test checks that all pages are current.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import statetrail
from statetrail.analyses.catalogue import results
from statetrail.analyses.causes.root_causes import ROOT_CAUSES
from statetrail.analyses.conformance import race_table
from statetrail.analyses.conformance.verdict import FAULTS, REASONS, VERDICTS
from statetrail.analyses.lifetimes.tables import EXPIRY
from statetrail.analyses.tokens.rotations import CAUSES
from statetrail.dialects import builtin, load
from statetrail.expiry import POLICIES
from statetrail.report.document import json_schema
from statetrail.rules import AUDIENCES, PROFILES, RULES, Rule
from statetrail.rules.profiles import DEFAULT
from statetrail.rules.sources import cite
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail_addons._settings import OPTIONS
from studies.documentation.dialect_pages import declared

FOLDER: Final = Path(statetrail.__file__).parent / "docs"
"""Where the pages are."""
FILES: Final = {
    load(path).name: path for path in (FOLDER.parent / "dialects" / "builtin").glob("*.toml")
}
"""The files of the built-in dialects, by name."""

_REASONS_SAY: Final = (
    "Why a row of `verdicts` is no fault, although the request did not present the newest value. "
    "The last five belong to faults: they say how the value had ended. The page on "
    "[sessions](sessions.md) has the rules.\n"
)
_FINDINGS_SAY: Final = (
    "What a finding is about, how severe it is, and who can fix it. Rules that fire on the same "
    "exchanges of a client are one finding: the most severe rule comes first, the others are named "
    "in `also`.\n"
)
_INTRODUCTION: Final = (
    "Each page shows traffic that gets the verdict, cause or finding, and the corrected traffic; "
    "that of a reason shows what it excuses, and then what is a fault or honoured. A test replays "
    "both. The line `@ 1.0 s` above a message is the time at which it was sent.\n"
)
_PROFILES: Final = (
    "A profile sets the limits that some rules check tokens against; no verdict depends on it. "
    "Choose one with `statetrail audit --profile NAME`, or write a TOML file with the fields "
    "`name`, `idle_max_s`, `age_max_s`, `bits_min` and, optionally, `overlap_s` and `references`.\n"
)
_DIALECTS: Final = (
    "All of them are on unless `--dialects` names others. One that names no paths is spoken by an "
    "origin once a value was issued there in a place that shows this (`tells`). Each page says "
    "where values are, who owes them, what ends them, and what is a fault, with an example; "
    "`statetrail dialect explain NAME` prints the same. [Write your own](../dialects.md).\n"
)
_RECORDER: Final = (
    "The recorder is a script of mitmdump. `statetrail record` starts mitmdump with it; a mitmdump "
    "of your own loads it with `-s`. `statetrail record --help` names the options of the command. "
    "Those of the script are set with `--set`:\n"
)
_NOTE: Final = "<!-- Generated: `make docs` renews this page. -->"
_DIALECT_PART: Final = "<!-- From the dialect: `make docs` renews this part. -->"
_OPTIONS_PART: Final = "<!-- From the recorder's options: `make docs` renews this part. -->"
_RULE_PART: Final = "<!-- From the rule: `make docs` renews this part. -->"
_HAND_PART: Final = "<!-- Written by hand from here on. -->"


def summary(page: Path) -> str:
    """The first sentence of a page, which stands below its table of attributes."""
    paragraphs = page.read_text("utf-8").split("\n\n")
    return paragraphs[2].partition(". ")[0].rstrip(".")


def results_page() -> str:
    """What each verdict, reason, root cause and rule means, with links to their pages."""
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
        f"| {AUDIENCES[one.audience]} |"
        for one in RULES
    ]
    return "\n".join(
        [
            _NOTE,
            "# What the results mean\n",
            _INTRODUCTION,
            "## Verdicts\n",
            "What a request did with a parameter that had been issued before, mildest first.\n",
            "| verdict | what it says | counts |",
            "| --- | --- | --- |",
            *verdicts,
            "\n## Reasons\n",
            _REASONS_SAY,
            "| reason | what it says |",
            "| --- | --- |",
            *(f"| [`{name}`](reasons/{name}.md) | {text} |" for name, text in REASONS.items()),
            "\n## Root causes\n",
            "Why state was ignored, where the traffic shows it; the first cause that applies.\n",
            "| cause | what it says |",
            "| --- | --- |",
            *causes,
            "\n## Rules\n",
            _FINDINGS_SAY,
            "| rule | what was found | severity | for |",
            "| --- | --- | --- | --- |",
            *rules,
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


def recorder() -> str:
    """The recorder's options, then what is written by hand."""
    rows = [f"| `{name}` | {f'`{default}`' if default else ''} | {says} |"
            for name, default, says in OPTIONS]  # fmt: skip
    return "\n".join(
        [
            _OPTIONS_PART,
            "# Recording\n",
            _RECORDER,
            "| option | default | what it does |",
            "| --- | --- | --- |",
            *rows,
            _by_hand(FOLDER / "recorder.md"),
        ]
    )


def tables() -> str:
    """Every table and column, and the versions of the stored ones."""
    return f"{_NOTE}\n{_tables()}\n{_versions()}"


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
    """The page of a rule: what the rule says itself, then what is written by hand in the page."""
    words = {"count": "N", "of": "M", "param": "`param`", **DEFAULT.words}
    attributes = {
        "severity": one.severity,
        "confidence": one.confidence,
        "for": AUDIENCES[one.audience],
        "limit": "that of the [profile](../profiles.md)" if one.has_threshold else "",
        "observed": one.observed.format(**words),
        "expected": one.expected.format(**words),
        "remedy": one.remedy,
        "sources": "<br>".join(map(cite, one.references)),
    }
    rows = [f"| {name} | {says} |" for name, says in attributes.items() if says]
    head = [_RULE_PART, f"# `{one.id}`: {one.title}\n", "| | |", "| --- | --- |", *rows]
    return "\n".join(head) + "\n" + _by_hand(FOLDER / "rules" / f"{one.id}.md")


def dialect_page(name: str) -> str:
    """The page of a built-in dialect: what it declares, then an example that is written by hand."""
    dialect, file = builtin()[name], FILES[name].name
    page = FOLDER / "dialects" / f"{name}.md"
    return f"{_DIALECT_PART}\n{declared(dialect, file)}\n{_by_hand(page)}"


def dialects() -> str:
    """The list of the built-in dialects."""
    rows = [
        f"| [`{one.name}`]({one.name}.md) | {one.title} "
        f"| {', '.join(f'`{param.name}`' for param in one.params) or 'every cookie'} |"
        for one in builtin().values()
    ]
    return "\n".join(
        [
            _NOTE,
            "# Built-in dialects\n",
            _DIALECTS,
            "| dialect | title | parameters |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _by_hand(page: Path) -> str:
    """What is written by hand in a page, below its marker."""
    text = page.read_text("utf-8") if page.exists() else ""
    return f"\n{_HAND_PART}" + (text.partition(_HAND_PART)[2] or f"\n\n{text}")


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "results.md": results_page,
    "profiles.md": profiles,
    "races.md": races,
    "rotations.md": rotations,
    "recorder.md": recorder,
    "tables.md": tables,
    "dialects/index.md": dialects,
    **{f"dialects/{name}.md": partial(dialect_page, name) for name in builtin()},
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
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(GENERATED[name](), "utf-8")
    return changed


def write_schema() -> list[str]:
    """Renew the JSON Schema of `audit.json`; its name, if it changed."""
    path = FOLDER.parent / "report" / "audit.schema.json"
    text = json.dumps(json_schema(), indent=2) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return []
    path.write_text(text, "utf-8")
    return [path.name]


def _tables() -> str:
    """The catalogue as a Markdown page: one section a table."""
    parts = ["# Tables\n", "The [versions](#versions) of the stored tables are below.\n"]
    for table in (*FACTS, *(result.table for result in results().values())):
        parts += [f"## {table.name}\n", f"One row: {table.row}. Key: {', '.join(table.key)}.\n"]
        parts += ["| column | type | says | null |", "| --- | --- | --- | --- |"]
        parts += [
            f"| `{c.name}` | {c.type} | {c.description} | {c.null or '—'} |" for c in table.columns
        ]
        if table is EXPIRY:
            parts += ["\nThe policies:\n", "| policy | tokens end by |", "| --- | --- |"]
            parts += [f"| `{each.name}` | {each.description} |" for each in POLICIES.values()]
        parts.append("")
    return "\n".join(parts)


def _versions() -> str:
    """How the stored tables of earlier versions differ from those of the next one."""
    rows = [f"| {n} | {'; '.join(_differences(n))} |" for n in range(1, SCHEMA_VERSION)]
    return "\n".join(
        [
            "## Versions\n",
            f"Stores are written in version {SCHEMA_VERSION}.\n",
            "| version | difference to the next one |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )


def _differences(version: int) -> Iterator[str]:
    """What is missing in that version, or named otherwise, and not in the next one."""
    for table in FACTS:
        if (old := table.named(version)) != table.named(version + 1):
            yield f"the table `{table.name}` is named `{old}`"
        for column in table.columns:
            if column.since == version + 1:
                yield f"`{table.name}` has no column `{column.name}`"
            if (old := column.named(version)) != column.named(version + 1):
                yield f"`{table.name}.{column.name}` is named `{old}`"
