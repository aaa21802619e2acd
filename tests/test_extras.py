"""Extras: what is installed without them is enough to record, import and redact."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from statetrail.errors import EXTRAS
from support.commands import BIN

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCES = [path for name in ("analysis", "addons") for path in (ROOT / name).rglob("*.py")]
OPTIONAL = {"polars", "pytest", "compression"}
"""What is imported only where the user has it already, or Python is 3.14."""
BASE = (
    *("statetrail.cli", "statetrail.ingest.importer", "statetrail.ingest.redact.run"),
    *("statetrail.suggest", "statetrail.store.retention", "statetrail.dialects.toml_schema"),
    *("statetrail.doctor.live", "statetrail.doctor.machine", "statetrail.doctor.stores"),
    *("statetrail.cli.output.watching", "statetrail.proxy.blocking"),
    *("statetrail.analyses.conformance.tracker", "statetrail.analyses.conformance.scoreboard"),
    *("statetrail_addons._recorder", "statetrail_addons._judge_live"),
    "statetrail_addons._monitoring",
)
BLOCKER = """
import importlib, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # importing it is a ModuleNotFoundError
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def names(requirements: list[str]) -> set[str]:
    """The names of requirements; of an extra of this package, those that it brings."""
    found = set()
    for one in requirements:
        name, _, extras = re.match(r"([\w.-]+)(\[([\w,-]+)\])?", one).groups()
        found.add(name.lower().replace("_", "-"))
        for extra in (extras or "").split(",") if name == "statetrail" else ():
            found |= names(PROJECT["optional-dependencies"][extra])
    return found


def imported() -> dict[str, str]:
    """The packages of others that are imported anywhere, with a file that does."""
    found = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=each):
                    modules = [one.name for one in each]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case _:
                    continue
            found |= {module.partition(".")[0]: str(path) for module in modules}
    own = {"statetrail", "statetrail_addons", *sys.stdlib_module_names}
    return {name: path for name, path in found.items() if name not in own}


def test_every_import_is_declared():
    """In the dependencies, or in the extra that an error names."""
    distributions = packages_distributions()
    base = names(PROJECT["dependencies"])
    extras = {name: names([f"statetrail[{name}]"]) for name in PROJECT["optional-dependencies"]}
    missing = {}
    for module, path in imported().items():
        declared = base | extras.get(EXTRAS.get(module, ""), set())
        names_of = distributions.get(module, [module])
        provided = {re.sub(r"[-_.]+", "-", name.lower()) for name in names_of}
        if module not in OPTIONAL and not provided & declared:
            missing[module] = path
    assert missing == {}


def test_recording_importing_and_redacting_need_no_extra():
    """Nor do their modules import what one brings."""
    command = [sys.executable, "-c", BLOCKER, ",".join(EXTRAS), *BASE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["show", "s.sqlite", "clients"], "analysis"),
        (["dialect", "try", "zest", "s.har"], "analysis"),
        (["audit", "s.sqlite"], "report"),
        (["record", "--metrics", "127.0.0.1:9464"], "metrics"),
        (["record", "--otel"], "otel"),
        (["mcp", "s.sqlite"], "mcp"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value,
)
def test_a_command_names_the_extra_that_it_lacks(arguments, extra, tmp_path):
    """All that it needs, in one line."""
    code = f"{BLOCKER}\nsys.argv[1:] = {arguments!r}\nfrom statetrail.cli import main; main()"
    command = [sys.executable, "-c", code, ",".join(EXTRAS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(
        f"pip install 'statetrail[{extra}]' (see: statetrail explain installing)\n"
    )


def test_the_version_is_printed_at_once():
    """Nothing is imported for it but the command line."""
    command = [sys.executable, "-X", "importtime", str(BIN / "statetrail"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "statetrail.cli.options" in loaded
    assert not loaded & {*EXTRAS, "apsw", "msgspec", "lxml", "mitmproxy", "rich.console"}
