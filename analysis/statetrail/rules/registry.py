"""The rules, found by walking `statetrail.rules`: a module there that has a `RULE` is one."""

import pkgutil
from importlib import import_module
from typing import Final

from statetrail.rules.rule import Rule

PACKAGES: Final = ("client", "api", "security", "capture")
"""The packages of rules, in the order in which the documentation lists them."""


def _found() -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for package in PACKAGES:
        folder = import_module(f"statetrail.rules.{package}")
        for module in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."):
            rule: Rule = import_module(module.name).RULE
            rules[rule.id] = rule
    return tuple(rules[name] for name in sorted(rules))


RULES: Final[tuple[Rule, ...]] = _found()
"""Every rule, by id."""


def rule(rule_id: str) -> Rule:
    """The rule of that id; `KeyError` for an unknown one."""
    for one in RULES:
        if one.id == rule_id:
            return one
    raise KeyError(f"no rule is named {rule_id!r}: choose from {', '.join(r.id for r in RULES)}")
