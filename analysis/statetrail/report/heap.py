"""The collector of cycles at rest while a document is made or written.

A report is made of hundreds of thousands of small objects that point to no cycle. Python would
look through all that live, those of the analysis included, each time some thousands were added: a
third of the time of a large report.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector at rest, unless it is already; also a decorator."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
