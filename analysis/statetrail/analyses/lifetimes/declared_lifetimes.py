"""Declared lifetimes: how long values live by what they, or their issues, state.

Enters: the issues of a bucket. Leaves: `DeclaredLifetimes`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import NOTHING, Ints
from statetrail.analyses.columnar.bucket import located
from statetrail.analyses.columnar.coding import coded, integers, paired
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import words
from statetrail.analyses.lifetimes.outcomes import Series
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.frames import Recording

_VALUE: Final = ("dialect", "param", "fingerprint")
_COLUMNS: Final = {
    "exchanges": ("exchange_id", *ORIGIN_COLUMNS),
    "issued": ("exchange_id", *_VALUE, "declared_s"),
}
_SPAN: Final = ("low_s", "high_s")
_LAYOUT: Final = pa.schema(
    dict.fromkeys(("origin", "dialect", "param"), pa.string())
    | dict.fromkeys(("fingerprint", *_SPAN), pa.int64())
)
UNDECLARED: Final = -(2**62)
"""Stands for the lifetime of a value that states none."""


@artifact(reads=_COLUMNS)
def _of_bucket(facts: Mapping[str, Any]) -> pa.Table:
    if facts[CLASS]:  # The values are of no class.
        return _LAYOUT.empty_table()
    issued = facts["issued"].filter(pc.is_valid(facts["issued"]["declared_s"]))
    if not len(issued):
        return _LAYOUT.empty_table()
    exchanges = facts["exchanges"]
    ids, (code, origins) = integers(exchanges["exchange_id"]), origins_of(exchanges)
    exchange = located(integers(issued["exchange_id"]), ids, np.argsort(ids))
    known = exchange != NOTHING
    stated = issued.filter(pa.array(known))
    columns = [stated[name] for name in (*_VALUE, "declared_s", "declared_s")]
    values = pa.table([words(code[exchange[known]], origins), *columns], names=_LAYOUT.names)
    return _aggregated(values.cast(_LAYOUT), ("origin", *_VALUE)).cast(_LAYOUT)


@dataclass(frozen=True)
class DeclaredLifetimes:
    """The values that state a lifetime, in the order of their fingerprints.

    Attributes
    ----------
    spans
        The shortest and the longest lifetime in seconds, by (origin, dialect, param).
    kinds
        (dialect, param), in which `kind` is a place.
    fingerprint, kind, longest_s
        The values with the longest lifetime that any issue states.
    """

    spans: dict[Series, tuple[int, int]]
    kinds: list[tuple[str, str]]
    fingerprint: Ints
    kind: Ints
    longest_s: Ints

    def longest(self, kinds: Sequence[Series], kind: Ints, fingerprint: Ints) -> Ints:
        """The longest lifetime in seconds that each value states, `UNDECLARED` for none.

        `kind` is a place in `kinds`; the origin is not looked at.
        """
        found = np.full(len(fingerprint), UNDECLARED)
        own = {name: place for place, name in enumerate(self.kinds)}
        wanted = np.array([own.get(name[1:], NOTHING) for name in kinds], dtype=np.int64)[kind]
        first = np.searchsorted(self.fingerprint, fingerprint, "left")
        count = np.searchsorted(self.fingerprint, fingerprint, "right") - first
        for more in range(int(count.max(initial=0))):  # more than one: of several parameters
            value = np.flatnonzero(count > more)
            place = first[value] + more
            same = self.kind[place] == wanted[value]
            found[value[same]] = self.longest_s[place[same]]
        return found


@artifact(needs=(_of_bucket,), scope="whole")
def declared_lifetimes(_: Recording, several: Iterator[pa.Table]) -> DeclaredLifetimes:
    """The values that state a lifetime."""
    every = pa.concat_tables([_LAYOUT.empty_table(), *several])
    every = every.combine_chunks()  # What comes from a worker may lie unaligned.
    spans = _aggregated(every, ("origin", "dialect", "param"))
    values = _aggregated(every, _VALUE).sort_by("fingerprint")
    kind, kinds = paired(coded(values["dialect"]), coded(values["param"]))
    return DeclaredLifetimes(
        {
            (row["origin"], row["dialect"], row["param"]): (row["low_s"], row["high_s"])
            for row in spans.to_pylist()
        },
        list(kinds),
        integers(values["fingerprint"]),
        kind,
        integers(values["high_s"]),
    )


def _aggregated(values: pa.Table, by: Sequence[str]) -> pa.Table:
    """The shortest and the longest lifetime of each group."""
    spans = values.group_by(list(by)).aggregate([("low_s", "min"), ("high_s", "max")])
    return spans.select([*by, "low_s_min", "high_s_max"]).rename_columns([*by, *_SPAN])
