"""The house: the size of modules and packages, and who knows of engines."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = (ROOT / "analysis", ROOT / "addons")
MODULES = sorted(path for folder in CODE for path in folder.rglob("*.py"))
PACKAGES = sorted({path.parent for path in MODULES})
MAX_LINES = 400
MAX_MODULES = 15

ANALYSES = ROOT / "analysis/statetrail/analyses"
EXECUTORS = {ANALYSES / "columnar/executor.py", ANALYSES / "columnar/spark.py"}
ENGINES = ("duckdb", "pandas", "polars", "pyspark")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_is_one_concept(path: Path) -> None:
    """Near 400 lines it is to be split by concept."""
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_a_package_can_be_looked_over(package: Path) -> None:
    """At most 15 modules stand side by side."""
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(modules) <= MAX_MODULES


def engines_named(path: Path) -> list[str]:
    """Where a module asks for the engine of a recording, imports one, or has the name of one."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(attr="engine"):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
            case ast.Constant(value=str(name)) if name in ENGINES:
                found.append(f"{node.lineno}: {name!r}")
            case ast.Import(names=names):
                found += [
                    f"{node.lineno}: import {each.name}"
                    for each in names
                    if each.name.partition(".")[0] in ENGINES
                ]
            case ast.ImportFrom(module=str(name)) if name.partition(".")[0] in ENGINES:
                found.append(f"{node.lineno}: from {name}")
    return found


@pytest.mark.parametrize("path", sorted(ANALYSES.rglob("*.py")), ids=relative)
def test_only_the_executors_know_an_engine(path: Path) -> None:
    """What an analysis computes does not depend on where it is computed."""
    assert path in EXECUTORS or engines_named(path) == []


def test_the_executors_know_the_engines() -> None:
    """The check sees what it looks for."""
    assert all(engines_named(path) for path in EXECUTORS)
