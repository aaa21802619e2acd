"""The README's layout section: a tree of the packages, and the diagram of the import contract.

Enters: ``pyproject.toml`` (the layers of import-linter) and the packages' docstrings. Leaves: the
text between two markers of ``README.md``. ``make docs`` renews it; a test holds it current.
"""

import ast
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
START: Final = "<!-- layout: `make docs` makes it from the import contract and the docstrings -->"
END: Final = "<!-- end of layout -->"
_LIBRARY: Final = "analysis/statetrail"
_OUTSIDE: Final = (
    ("addons/statetrail_addons", None),
    ("notebooks", "Notebooks that explore recordings; statetrail notebook copies them."),
    ("tests", "The tests; they mirror the layout."),
    ("tests/studies", "Programs that measure: benchmarks, calibration, simulation and others."),
)
"""Folders outside the contract; without a text, they have a docstring."""


def layers(pyproject: str) -> list[list[str]]:
    """The layers of the contract, from the source of the data to the command line."""
    contracts = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["type"] == "layers")
    return [layer.split(" : ") for layer in reversed(contract["layers"])]


def first_sentence(package: Path) -> str:
    """The first sentence of the docstring of a package or module, without its markup."""
    source = package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
    paragraph = (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").split("\n\n")[0]
    return " ".join(paragraph.split()).replace("`", "")


def tree(order: Sequence[Sequence[str]]) -> str:
    """One line a package, in the order of the layers."""
    texts = {f"{_LIBRARY}/": ""}
    for name in (name for layer in order for name in layer):
        package = ROOT / _LIBRARY / name
        texts[f"  {name}{'/' if package.is_dir() else '.py'}"] = first_sentence(package)
    for folder, text in _OUTSIDE:
        texts[f"{folder}/"] = text or first_sentence(ROOT / folder)
    width = max(map(len, texts)) + 2
    return "\n".join(f"{name:{width}}{text}".rstrip() for name, text in texts.items())


def diagram(order: Sequence[Sequence[str]]) -> str:
    """The contract as a Mermaid flow chart."""
    arrows = [f"  {' & '.join(a)} --> {' & '.join(b)}" for a, b in pairwise(order)]
    return "\n".join(("flowchart LR", *arrows))


def layout() -> str:
    """The generated part of the README, with its markers."""
    order = layers((ROOT / "pyproject.toml").read_text("utf-8"))
    return (
        f"{START}\n\n```text\n{tree(order)}\n```\n\n"
        "A package imports only packages to its left, and none beside it:\n\n"
        f"```mermaid\n{diagram(order)}\n```\n\n{END}"
    )


def renewed(readme: str) -> str:
    """The README with its generated part made anew."""
    before, marker, rest = readme.partition(START)
    if not marker or END not in rest:
        raise ValueError(f"README.md lacks the markers {START} and {END}")
    return before + layout() + rest.partition(END)[2]


def write_layout() -> list[Path]:
    """Renew the README; the files that changed."""
    path = ROOT / "README.md"
    old = path.read_text("utf-8")
    if (new := renewed(old)) == old:
        return []
    path.write_text(new, "utf-8")
    return [path]
