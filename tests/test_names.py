"""Names: what was renamed to the field's terms is nowhere called by its old name again.

Definitions count (functions, classes, variables, parameters, attributes, modules), and columns.
What a library calls something does not: ``np.where`` is no definition.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from statetrail.analyses.catalogue import TABLES
from statetrail.rules.gather import FINDINGS

ROOT: Final = Path(__file__).parents[1]
LIBRARY: Final = ROOT / "analysis" / "statetrail"

RENAMED: Final = {
    # analyses
    "Part": "Bucket",
    "Past": "AsOfIndex",
    "Kept": "SpilledList",
    "lives": "history",
    "fates": "acceptance",
    "trail": "replacements",
    "turns": "rotation_facts",
    "deeds": "actions",
    "carried": "last_contact",
    "trials": "observations",
    "tested": "summaries",
    "Votes": "TokenSummary",
    "habits": "client_patterns",
    "Habits": "OriginTraits",
    "knowledge": "visibility",
    "standings": "scoreboard",
    "Standings": "Scoreboard",
    "due": "expected_value",
    "strength": "entropy",
    "minted": "server_issued",
    "mute": "may_be_silent",
    "who": "client",
    "where": "endpoint",
    "ex": "exchange",
    "asked": "request_start",
    "begun": "response_start",
    "must": "visible_from",
    # expiry
    "ballots": "summaries",
    "smears": "sweep",
    "throttles": "touch_interval",
    "zones": "soft_threshold",
    "lateness": "late_use",
    "noise": "error_model",
    "luck": "unexplained survivals",
    "instants": "mass_expiry",
    "spreads": "subsample",
    "torn": "inconsistent_clients",
    "turnbull": "npmle",
    # extract
    "sight": "extract",
    "sightings": "extract",
    "Sighting": "ExtractorConfig",
    "Sighted": "ExchangeFacts",
    "claims": "wire_values",
    "Plan": "CompiledDialect",
    "secrecy": "masking",
    "traces": "token_candidates",
    "Standing": "RequestMetadata",
    "Memory": "BoundedCache",
    # elsewhere
    "naming": "rotation",
    "spreadsheet": "csv",
    "worlds": "simulation",
    # columns and parameters
    "birth_seen": "left_truncated",
    "grain_s": "touch_interval_s",
    "at_us": "what happened then: request_start_us, issued_at_us",
    # participles
    "told": "a noun",
    "met": "a noun",
}
"""The old names, and what each is called now."""

MODULES: Final = RENAMED | {
    "names": "selection",
    "policy": "selection",
    "steps": "missed_polls",
    "losses": "unexplained ends",
    "marks": "file_header",
    "text": "markdown",
    "lanes": "swimlane",
    "findings": "rules",
    "cases": "occurrences",
}
"""Of modules and packages more: as variables these are plain words (the steps of a procedure)."""

ALLOWED: Final = {
    ("analysis/statetrail/dialects/place.py", "Part"): "a part of a message",
    ("analysis/statetrail/dialects/model.py", "minted"): "the parameters with that key",
    ("analysis/statetrail/dialects/declarations.py", "minted"): "a key of a dialect's TOML",
    ("analysis/statetrail/expiry/evidence.py", "where"): "the evidence where flags are set",
    ("analysis/statetrail/extract/text.py", "text"): "text as it may be stored",
    ("analysis/statetrail/report/sections/findings.py", "findings"): "the report's section",
}
"""Definitions in which the word means something else."""

IN_TESTS: Final = frozenset(
    {
        *("Habits", "Kept", "Past", "Sighted", "Sighting", "Standings", "Votes", "ballots"),
        *("birth_seen", "deeds", "fates", "grain_s", "habits", "knowledge", "lateness", "luck"),
        *("secrecy", "sightings", "smears", "standings", "throttles", "turnbull"),
        "turns",
    }
)
"""Those that tests and studies do not use either; the others are words of their histories."""

IDLE: Final = re.compile(r"gap_\w*_s|gap_s")
"""Columns of idle times were named after gaps."""
WORDS: Final = {"every-request": "per-request", "wrong-channel": "misplaced-value"}
"""Words of results that have one name now."""


def definitions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The names that a module defines, with their lines; without leading underscores."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name.lstrip("_"), node.lineno
            case ast.ClassDef(name=name) | ast.TypeAlias(name=ast.Name(id=name)):
                yield name.lstrip("_"), node.lineno
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name.lstrip("_"), node.lineno
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name.lstrip("_"), node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name.lstrip("_"), node.lineno


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules below some folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def old_names() -> Iterator[tuple[str, str, int]]:
    """Where the library or the addons define an old name: the path, the name, the line."""
    for path, tree in sources("analysis", "addons"):
        stem, package = Path(path).stem.lstrip("_"), Path(path).parent.name
        for name in {stem, package} & MODULES.keys():
            yield path, name, 0
        for name, line in definitions(tree):
            if name in RENAMED:
                yield path, name, line


def test_no_old_name_is_defined() -> None:
    """Neither in the library nor in the addons."""
    assert [one for one in old_names() if one[:2] not in ALLOWED] == []


def test_every_exception_is_needed() -> None:
    """What is allowed is there."""
    assert {one[:2] for one in old_names()} >= ALLOWED.keys()


def test_the_tests_have_none_of_the_distinctive_ones() -> None:
    """Tests and studies have histories of their own, and these words no more."""
    assert RENAMED.keys() >= IN_TESTS
    assert [
        (path, name, line)
        for path, tree in sources("tests")
        for name, line in [(Path(path).stem, 0), *definitions(tree)]
        if name in IN_TESTS
    ] == []


@pytest.mark.parametrize("table", [*TABLES.values(), FINDINGS], ids=lambda table: table.name)
def test_no_column_has_an_old_name(table) -> None:
    """Nor is one named after a gap."""
    assert not [name for name in table.names if name in RENAMED or IDLE.fullmatch(name)]


def test_no_code_asks_for_a_column_or_a_word_of_old() -> None:
    """They stand only where they are translated: for old stores, or to `at` of `audit.json`."""
    columns = {"birth_seen", "grain_s", "at_us"}
    translated = {
        ("analysis/statetrail/schema/facts.py", "at_us"),
        ("analysis/statetrail/report/sections/rotations.py", "at_us"),
        ("analysis/statetrail/rules/suppression.py", "wrong-channel"),
    }
    found = {
        (path, node.value)
        for path, tree in sources("analysis", "addons")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and (node.value in columns or node.value in WORDS or IDLE.fullmatch(node.value))
    }
    assert found == translated
