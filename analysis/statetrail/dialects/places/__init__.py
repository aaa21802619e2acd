"""The places of state: one module each, found by walking this package."""

import importlib
import pkgutil
from typing import Any, Final, cast

from statetrail.dialects.place import IssuePlace, PresentPlace

_MODULES: Final = [
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
]


def _of[Place](base: type[Place]) -> dict[str, type[Place]]:
    classes = [
        each
        for module in _MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each is not base
    ]
    return {cast("Any", each).__struct_fields__[0]: each for each in classes}


ISSUE_PLACES: Final = _of(IssuePlace)
"""Where values are issued, by the place's key in the TOML."""
PRESENT_PLACES: Final = _of(PresentPlace)
"""Where values are presented, by the place's key in the TOML."""
ISSUE_PARTS: Final = {place.channel: place.part for place in ISSUE_PLACES.values()}
"""The parts of responses in which values are issued, by channel."""
