"""Passes: many artifacts computed in as few passes over the buckets as their needs allow.

Enters: a recording and artifacts. Leaves: their values in the recording's memo. What needs nothing
of the whole recording comes first; then what of the whole is made of that; then what needs this.
"""

from collections.abc import Container, Iterable, Sequence
from typing import Any, Final

from statetrail.analyses.analysis import Analysis
from statetrail.analyses.columnar.executor import MADE, Artifact, is_distributed, passing
from statetrail.analyses.columnar.spill import SpilledTables, SpilledValues
from statetrail.recording.frames import Recording
from statetrail.recording.limits import release

type Kinds = Sequence[Artifact[Any]]

_HELD: Final = 16
"""Buckets, a million exchanges: a smaller recording's values stay in memory."""


def prepare(rec: Recording, kinds: Kinds) -> None:
    """Compute artifacts of either scope, with all that they need of the whole recording.

    Values and tables of the buckets lie in files where they have no room.
    """
    if is_distributed(rec):
        return
    wholes, buckets = _wholes(kinds), [kind for kind in kinds if kind.scope == "bucket"]
    while True:
        ready = [each for each in wholes if each not in rec.memo and _is_ready(each, rec.memo)]
        at_once = [each for each in ready if not _unmade(each.needs, rec.memo)]
        if at_once:
            for each in at_once:
                each(rec)
            continue
        wanted = [
            *(need for each in ready for need in each.needs),
            *(kind for kind in buckets if _is_ready(kind, rec.memo)),
        ]
        wanted = _unmade(dict.fromkeys(wanted), rec.memo)
        if not ready and not wanted:
            return
        if wanted:
            made: dict[Artifact[Any], Any] = {
                each: SpilledTables(rec, each.table.name)
                if isinstance(each, Analysis)
                else SpilledValues[Any](rec.scratch, f"{each.__module__}.{each.__name__}", _HELD)
                for each in wanted
            }
            for values in passing(rec, wanted):
                for each, several in made.items():
                    several.add(values[each])
            rec.memo |= {(MADE, each): several for each, several in made.items()}
            release()
        for each in ready:
            each(rec)
        open_ = [need for each in wholes if each not in rec.memo for need in each.needs]
        for each in wanted:
            if each not in buckets and each not in open_:
                del rec.memo[MADE, each]


def _unmade(kinds: Iterable[Artifact[Any]], memo: Container[Any]) -> list[Artifact[Any]]:
    """Those of the scope of a bucket that are not made yet."""
    buckets = (each for each in kinds if each.scope == "bucket")
    return [each for each in buckets if each not in memo and (MADE, each) not in memo]


def _is_ready(kind: Artifact[Any], memo: Container[Any]) -> bool:
    """Whether all is known that it needs of the whole recording."""
    return all(need in memo for need in _whole_needs(kind))


def _whole_needs(kind: Artifact[Any]) -> set[Artifact[Any]]:
    """What it needs of the whole recording, by itself or for what it needs of a bucket."""
    found: set[Artifact[Any]] = set()
    for need in kind.needs:
        found |= {need} if need.scope == "whole" else _whole_needs(need)
    return found


def _wholes(kinds: Kinds) -> Kinds:
    """All that is needed of the whole recording, each after what it needs."""
    found: dict[Artifact[Any], None] = {}
    for kind in kinds:
        found |= dict.fromkeys(_wholes(sorted(_whole_needs(kind), key=repr)))
        if kind.scope == "whole":
            found[kind] = None
    return list(found)
