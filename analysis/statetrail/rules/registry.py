"""The rules, found by walking the packages of `statetrail.rules` that are named as audiences.

Every module of such a package has one `Rule`, whose id is the module's name in kebab case. `RULES`
is in alphabetical order of the ids: the order of the report and of the documentation.
"""

import pkgutil
from importlib import import_module
from typing import Final

from statetrail.rules.rule import AUDIENCES, Rule


def _found() -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for audience in AUDIENCES:
        package = import_module(f"statetrail.rules.{audience}")
        modules = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        for name in (module.name for module in modules):
            rules += [one for one in vars(import_module(name)).values() if isinstance(one, Rule)]
    return tuple(sorted(rules, key=lambda one: one.id))


RULES: Final[tuple[Rule, ...]] = _found()
"""Every rule, by id."""


def rule(rule_id: str) -> Rule:
    """The rule of that id; `KeyError` for an unknown one."""
    for one in RULES:
        if one.id == rule_id:
            return one
    raise KeyError(f"no rule is named {rule_id!r}: choose from {', '.join(r.id for r in RULES)}")
