"""Analyses: tables made of a recording, each declared where it is written.

Enters: a table, a function, and the artifacts that the function needs. Leaves: an `Analysis`, which
makes the table of a recording once. `statetrail.analyses.catalogue` finds them all.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from statetrail.analyses.columnar.executor import Artifact, Columns, Scope, frame
from statetrail.recording.conversion import to_arrow
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.schema import Table


class Result(NamedTuple):
    """A table, and the function that makes it of a recording."""

    table: Table
    of: Callable[[Recording], Frame]


RESULTS: Final[dict[str, Result]] = {}
"""The results that were declared so far, by the names of their tables."""


AUDITED: "Final[list[Analysis]]" = []
"""What every audit needs, made together in few passes (`statetrail.analyses.columnar.passes`)."""


class Analysis(Artifact[Frame]):
    """A table made of a recording, as an artifact: call it with the recording.

    Of scope ``bucket``, `compute` makes an Arrow table of what it needs of a bucket. Of scope
    ``whole``, it makes a lazy frame or an Arrow table of the recording and what it needs.
    """

    def __init__(
        self,
        table: Table,
        compute: Callable[..., pa.Table | Lazy],
        *,
        needs: Sequence[Artifact[Any]] = (),
        scope: Scope = "bucket",
        reads: Columns | None = None,
        audited: bool = False,
    ) -> None:
        super().__init__(compute, needs=needs, scope=scope, reads=reads)
        self.table = table
        register(table, self)
        if audited:
            AUDITED.append(self)

    def __call__(self, rec: Recording) -> Frame:
        """The table, computed once."""
        return rec.once(self, lambda: self._frame(rec))

    def _frame(self, rec: Recording) -> Frame:
        if self.scope == "bucket":
            return Frame(frame(rec, self.table, self), self.table, rec.scratch)
        rows = rec.once_whole(f"rows of {self.table.name}", self._whole)
        return Frame(rec.place(rows), self.table)

    def _whole(self, rec: Recording) -> pa.Table:
        return to_arrow(self._compute(rec), self.table)


def analysis(
    table: Table,
    *,
    needs: Sequence[Artifact[Any]] = (),
    scope: Scope = "bucket",
    reads: Columns | None = None,
    audited: bool = False,
) -> Callable[[Callable[..., pa.Table | Lazy]], Analysis]:
    """Declare a function as the analysis that makes a table.

    One that is `audited` is small, and every audit needs it.
    """
    return lambda compute: Analysis(
        table, compute, needs=needs, scope=scope, reads=reads, audited=audited
    )


def register(table: Table, of: Callable[[Recording], Frame]) -> None:
    """Add a table to the results, with the function that makes it."""
    RESULTS[table.name] = Result(table, of)
