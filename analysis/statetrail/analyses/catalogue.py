"""The catalogue: every table of a recording, and what makes it.

Enters: the packages of `statetrail.analyses`. Leaves: the tables by name, from which come
``st.*``, ``statetrail show`` and the documentation. A new analysis is a file in one of these
packages, with its table in the package's ``tables.py``: the catalogue finds both.
"""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from statetrail import analyses
from statetrail.schema import FACTS, Table

if TYPE_CHECKING:
    from statetrail.analyses.analysis import Result

_BEYOND: Final = {"findings": "statetrail.rules.gather"}
"""Results that are no analyses, with their modules; by name, since imports go the other way."""


def _result_tables() -> dict[str, Table]:
    """The tables of the analyses, by name; what makes them is not imported."""
    packages = [each.name for each in pkgutil.iter_modules(analyses.__path__) if each.ispkg]
    modules = [f"{analyses.__name__}.{package}.tables" for package in packages]
    tables = {
        table.name: table
        for module in modules
        if find_spec(module)
        for table in vars(import_module(module)).values()
        if isinstance(table, Table)
    }
    return dict(sorted(tables.items()))


TABLES: Final[dict[str, Table]] = {table.name: table for table in FACTS} | _result_tables()
"""The facts and what the analyses make of them, by name."""
NAMES: Final = (*TABLES, *_BEYOND)
"""The tables that a recording has."""


def results() -> "dict[str, Result]":
    """The tables that are made of a recording, and what makes each, by name."""
    from statetrail.analyses.analysis import RESULTS

    for module in pkgutil.walk_packages(analyses.__path__, f"{analyses.__name__}."):
        import_module(module.name)
    for name in _BEYOND.values():
        import_module(name)
    return {name: RESULTS[name] for name in NAMES if name in RESULTS}
