"""Hits: what a rule fired on, how often, of how often it could have, and the first times.

Enters: rules and a recording. Leaves: `Found` of each rule. Of a large dataset, what a rule says of
a client is looked for in one bucket of clients after the other, and summed up: no table of a whole
recording is needed for it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import AUDITED
from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.columnar.arrays import Ints
from statetrail.analyses.columnar.coding import coded, integers
from statetrail.analyses.columnar.executor import in_groups
from statetrail.analyses.columnar.passes import prepare
from statetrail.analyses.tallies.tally import FIRST
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import OCCURRENCE, Rule

type Subject = tuple[str, ...]
"""A client, an origin and a parameter; the empty text for none."""

MAX_EVIDENCE: Final = FIRST
"""Exchanges that a finding lists."""

GROUP: Final = 250_000
"""Exchanges that rules look at together."""

_SUBJECT: Final = ["client", "origin", "param"]
NO_EXCHANGES: Final = pa.chunked_array([], pa.int64())


NUMBERS: Final = ("observed_us", "exchange_id", "related_id")
"""The columns of `OCCURRENCE` that are rows of `Occurrences.numbers`."""


@dataclass(frozen=True, slots=True, eq=False)
class Occurrences:
    """Times that a rule fired, as arrays: there may be millions.

    `numbers` has a row for each, with the columns `NUMBERS`; `details` says more of each.
    """

    numbers: Ints
    details: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.details)

    def first_with(self, other: "Occurrences", most: int) -> "Occurrences":
        """The first of both."""
        rows = zip(
            (*self.numbers.tolist(), *other.numbers.tolist()),
            self.details + other.details,
            strict=True,
        )
        first = sorted(rows)[:most]
        numbers = np.array([row for row, _ in first], dtype=np.int64).reshape(len(first), 3)
        return Occurrences(numbers, tuple(detail for _, detail in first))


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of a rule on one subject: how many of how many, when, why, and the first of them.

    `exchanges` are those of all hits, where the rule is about a client; `also` are the hits of
    other rules that a finding includes.
    """

    rule: Rule
    subject: Subject
    count: int
    of: int
    span_us: tuple[int, int]
    causes: Counter[str]
    proven: int
    faults: int
    exchanges: pa.ChunkedArray
    first: Occurrences
    also: tuple["Hits", ...] = ()


@dataclass(slots=True)
class Found:
    """What a rule found in a recording, or in some of its clients.

    `times` is how often it could have fired; `of` the same by subject, of those that are about no
    client or were hit.
    """

    times: int = 0
    of: Counter[Subject] = field(default_factory=Counter)
    hits: dict[Subject, Hits] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How often it fired."""
        return sum(one.count for one in self.hits.values())

    def divided(self) -> "tuple[Found, Found]":
        """What is about one client each, and the rest with how often it could have fired."""
        of_client = {subject: one for subject, one in self.hits.items() if subject[0]}
        of = Counter({subject: times for subject, times in self.of.items() if not subject[0]})
        others = {subject: one for subject, one in self.hits.items() if not subject[0]}
        return Found(hits=of_client), Found(self.times, of, others)

    def add(self, other: "Found") -> None:
        """Add what was found in other clients."""
        self.times += other.times
        self.of += other.of
        for subject, one in other.hits.items():
            known = self.hits.get(subject)
            self.hits[subject] = one if known is None else _sum(known, one)
        for subject in other.of:
            own = self.hits.get(subject)
            if own is not None and own.of != self.of[subject]:
                self.hits[subject] = replace(own, of=self.of[subject])


def _sum(one: Hits, other: Hits) -> Hits:
    """The hits of one subject in different clients."""
    return replace(
        one,
        count=one.count + other.count,
        span_us=(min(one.span_us[0], other.span_us[0]), max(one.span_us[1], other.span_us[1])),
        causes=one.causes + other.causes,
        proven=one.proven + other.proven,
        faults=one.faults + other.faults,
        first=one.first.first_with(other.first, MAX_EVIDENCE),
    )


def found_by(
    rules: Sequence[Rule], rec: Recording, profile: Profile, progress: Callable[[str], object]
) -> Iterator[Mapping[str, Found]]:
    """What each rule found, by the rules' ids: of some clients after the other, then the rest."""
    progress("judging")
    prepare(rec, AUDITED)
    exchanges = sum(rec.bucket_sizes.values())
    rest = {rule.id: Found() for rule in rules}
    whole, done = [rule for rule in rules if not exchanges or not rule.divisible], 0
    for some in in_groups(rec, GROUP):
        progress(f"rules, {done:,} of {exchanges:,} exchanges")
        of_clients = {rule.id: Found() for rule in rules}
        for rule in rules:
            if rule.divisible:
                of_clients[rule.id], others = found(rule, some, profile).divided()
                rest[rule.id].add(others)
        done += sum(some.bucket_sizes.values())
        yield of_clients
        rec.release()
    for number, rule in enumerate(whole, 1):
        progress(f"rule {number} of {len(whole)}, {rule.id}")
        rest[rule.id] = found(rule, rec, profile)
    progress("findings")
    yield rest


def found(rule: Rule, rec: Recording, profile: Profile) -> Found:
    """What a rule found in a recording, or in some buckets of one."""
    occurrences = rule.occurrences(rec, profile)
    # A rule that does not fire costs this query alone; a planner's time is paid for each.
    counts: pa.Table = (
        occurrences.group_by(*_SUBJECT)
        .agg(of=nw.col("times").sum(), hits=nw.col("hit").sum())
        .collect("pyarrow")
        .to_native()
    )
    times = int(pc.sum(counts["of"]).as_py() or 0)
    hit = pc.greater(counts["hits"], 0)
    counts = counts.filter(pc.or_(hit, pc.equal(counts["client"], "")))
    of = Counter({_subject(row): int(row["of"]) for row in counts.to_pylist()})
    if not pc.any(hit).as_py():
        return Found(times, of)
    every = {one.subject: one for one in _by_subject(rule, rec, occurrences, of)}
    return Found(times, of, every)


def _by_subject(
    rule: Rule, rec: Recording, occurrences: Lazy, of: Mapping[Subject, int]
) -> Iterator[Hits]:
    table = occurrences.filter(nw.col("hit") > 0).collect("pyarrow").to_native()
    table = table.select(OCCURRENCE.names).cast(OCCURRENCE)
    table = table.sort_by([(name, "ascending") for name in (*_SUBJECT, *NUMBERS, "detail")])
    table = table.append_column("row", pa.array(np.arange(len(table))))
    named = defaultdict[Subject, Counter[str]](Counter)
    for row in table.group_by([*_SUBJECT, "cause"]).aggregate([("hit", "sum")]).to_pylist():
        if row["cause"]:
            named[_subject(row)][row["cause"]] = row["hit_sum"]
    of_client = rule.audience == "client"
    faults = _faults(rec, table) if of_client else Counter[Subject]()
    summary = [
        ("row", "min"),
        ("row", "count"),
        ("hit", "sum"),
        ("proven", "sum"),
        ("observed_us", "min"),
        ("observed_us", "max"),
    ]
    # PyArrow does not promise any order of its groups.
    groups = table.group_by(_SUBJECT).aggregate(summary).sort_by("row_min")
    firsts = _firsts(table, groups)
    for row, first in zip(groups.to_pylist(), firsts, strict=True):
        subject = _subject(row)
        own = table.slice(row["row_min"], row["row_count"])
        yield Hits(
            rule,
            subject,
            row["hit_sum"],
            of[subject],
            (row["observed_us_min"], row["observed_us_max"]),
            named[subject],
            proven=row["proven_sum"],
            faults=faults[subject],
            exchanges=own["exchange_id"] if of_client else NO_EXCHANGES,
            first=first,
        )


def _firsts(table: pa.Table, groups: pa.Table) -> Iterator[Occurrences]:
    """The first occurrences of each group of rows; the same details are the same objects."""
    begin, count = (groups[name].to_numpy() for name in ("row_min", "row_count"))
    shown = np.minimum(count, MAX_EVIDENCE)
    ends = np.cumsum(shown)
    place = np.arange(ends[-1]) + np.repeat(begin - ends + shown, shown)
    rows = table.take(pa.array(place))
    detail, details = coded(rows["detail"])
    numbers = np.column_stack([integers(rows[name]) for name in NUMBERS])
    listed = [details[at] for at in detail.tolist()]
    for end, many in zip(ends.tolist(), shown.tolist(), strict=True):
        yield Occurrences(numbers[end - many : end], tuple(listed[end - many : end]))


def _faults(rec: Recording, hits: pa.Table) -> Counter[Subject]:
    """How many faults are among the exchanges and parameters of the hits, by subject."""
    faults = rec.once("findings.faults", lambda: _fault_verdicts(rec))
    seen = (
        hits.select([*_SUBJECT, "exchange_id"]).group_by([*_SUBJECT, "exchange_id"]).aggregate([])
    )
    found = seen.join(faults, keys=["exchange_id", "param"], join_type="inner")
    counts = found.group_by(_SUBJECT).aggregate([("exchange_id", "count")])
    return Counter({_subject(row): row["exchange_id_count"] for row in counts.to_pylist()})


def _fault_verdicts(rec: Recording) -> pa.Table:
    """The exchange and the parameter of each verdict that is a fault."""
    faults = causes(rec).lazy.filter(nw.col("fault")).select("exchange_id", "param")
    table: pa.Table = faults.collect("pyarrow").to_native()
    layout = pa.schema({"exchange_id": pa.int64(), "param": pa.string()})
    return table.select(layout.names).cast(layout)


def _subject(row: Mapping[str, Any]) -> Subject:
    return tuple(row[name] for name in _SUBJECT)
