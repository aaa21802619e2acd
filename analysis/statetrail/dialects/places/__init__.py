"""The places of state: one module each, found by walking this package."""

import importlib
import pkgutil
from typing import Any, Final, cast

from statetrail.dialects.place import Conditional, IssueKeys, IssuePlace, PresentPlace

_MODULES: Final = [
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
]


def _of[Place](base: type[Place], keys: type[Conditional]) -> dict[str, type[Place]]:
    classes = [
        each
        for module in _MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each is not base
    ]
    known = set(keys.__struct_fields__)
    own = [[f for f in cast("Any", each).__struct_fields__ if f not in known] for each in classes]
    return {fields[0]: each for fields, each in zip(own, classes, strict=True)}


ISSUE_PLACES: Final = _of(IssuePlace, IssueKeys)
"""Where values are issued, by the place's key in the TOML."""
PRESENT_PLACES: Final = _of(PresentPlace, Conditional)
"""Where values are presented, by the place's key in the TOML."""
ISSUE_PARTS: Final = {place.channel: place.part for place in ISSUE_PLACES.values()}
"""The parts of responses in which values are issued, by channel."""
