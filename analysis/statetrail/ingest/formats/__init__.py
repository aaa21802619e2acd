"""The formats of capture files: one module each, found by walking this package."""

import importlib
import pkgutil
from typing import Final

from statetrail.ingest.format import Format

FORMATS: Final[tuple[Format, ...]] = tuple(
    sorted(
        (
            each
            for module in pkgutil.iter_modules(__path__)
            for each in vars(importlib.import_module(f"{__name__}.{module.name}")).values()
            if isinstance(each, Format)
        ),
        key=lambda each: each.last,
    )
)
"""Every format, in the order in which a file is held against them."""
