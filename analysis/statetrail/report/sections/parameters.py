"""State parameters: how each is issued, how it changes, who obeys, what values look like."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.breakdowns.fact_counts import issued_counts, presented_counts
from statetrail.analyses.conformance.verdict import HONOURED
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.analyses.tokens.entropy import bits, united
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.counting import SUBJECT, Row, counted, key, nested, of_row, ranked, rows
from statetrail.report.section import Counts, Gathering, OfParameter, Section, meaning

MAX_CLEAR_VALUES: Final = 12

type Subject = tuple[Any, ...]


class Parameter(OfParameter, frozen=True, kw_only=True):
    """The life of one state parameter at one origin: how it is issued, and which clients obey."""

    issues: Annotated[int, meaning("Well-formed issues")]
    presented: int
    values: Annotated[int, meaning("Different well-formed values")]
    changes: Annotated[int, meaning("Issues that replaced another value")]
    changes_by_cause: Counts
    usages: Counts
    priorities: Counts
    malformed: Annotated[Counts, meaning("Issues that are not well formed, by reason")]
    clear_values: Annotated[
        Counts, meaning("The most frequent values, where the store has them in clear")
    ]
    clients_issued: Annotated[int, meaning("Clients that were issued a value")]
    clients_judged: Annotated[int, meaning("Clients with a verdict that counts")]
    clients_obeying: Annotated[int, meaning("Judged clients without any fault")]


class TokensSummary(OfParameter, frozen=True, kw_only=True):
    """The values of one parameter at one origin, taken together."""

    values: int
    births_seen: Annotated[int, meaning("Values that were issued before their first use")]
    secret: Annotated[bool, meaning("The store holds no value in clear")]
    median_uses: float | None
    length_min: int | None
    length_max: int | None
    alphabet: Annotated[str | None, meaning("Character classes used; null: never seen issued")]
    bits_upper_bound: Annotated[
        float | None,
        meaning(
            "Shortest length × log2 of the alphabet's size: no value is harder to "
            "guess than that, most are easier; null where values are in clear"
        ),
    ]
    ended: Annotated[Counts, meaning("How the values ended")] = msgspec.field(default_factory=dict)
    uses_late: Annotated[int, meaning("Uses of a value when a newer one had to be known")] = 0
    late_honoured: Annotated[int, meaning("Those of them that were accepted")] = 0


class ParametersSection(Section, frozen=True, kw_only=True):
    """All parameters of the judged dialects, by origin, dialect and name."""

    title: ClassVar = "Parameters"

    parameters: tuple[Parameter, ...]
    tokens_summary: tuple[TokensSummary, ...]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the facts, `tokens`, `rotations` and `verdicts`."""
        rec = gathering.recording
        return cls(parameters=_parameters(rec), tokens_summary=_tokens_summary(rec))


def _parameters(rec: Recording) -> tuple[Parameter, ...]:
    issued = _summed(issued_counts(rec).lazy, "usage", "priority", "problem", "value")
    sound = [row for row in issued if row["problem"] is None]
    presented = {key(row): int(row["count"]) for row in _summed(presented_counts(rec).lazy)}
    usages, priorities, clear = (nested(sound, name) for name in ("usage", "priority", "value"))
    malformed = nested(issued, "problem")
    distinct = {
        key(row): row
        for row in rows(
            tokens(rec)
            .lazy.filter(nw.col("issues") > 0)
            .group_by(*SUBJECT)
            .agg(values=nw.col("fingerprint").n_unique(), clients=nw.col("client").n_unique())
        )
    }
    replaced = rotations(rec).lazy.filter(~nw.col("from_fingerprint").is_null())
    changes = nested(counted(replaced, *SUBJECT, "cause"), "cause")
    judged = _judged(rec)
    return tuple(
        Parameter(
            **dict(zip(SUBJECT, subject, strict=True)),
            issues=usages[subject].total(),
            presented=presented.get(subject, 0),
            values=distinct[subject]["values"] if subject in distinct else 0,
            changes=changes[subject].total(),
            changes_by_cause=ranked(changes[subject]),
            usages=ranked(usages[subject]),
            priorities=ranked(priorities[subject]),
            malformed=ranked(malformed[subject]),
            clear_values=ranked(clear[subject], MAX_CLEAR_VALUES),
            clients_issued=distinct[subject]["clients"] if subject in distinct else 0,
            clients_judged=judged.get(subject, (0, 0))[0],
            clients_obeying=judged.get(subject, (0, 0))[1],
        )
        for subject in sorted({key(row) for row in issued})
    )


def _summed(counts: Lazy, *columns: str) -> list[Row]:
    """How many facts there are of each parameter and combination of the columns."""
    by = (*SUBJECT, *columns)
    return rows(counts.group_by(*by).agg(nw.col("count").sum()), *by)


def _judged(rec: Recording) -> dict[Subject, tuple[int, int]]:
    """How many clients have a verdict that counts, and how many of them no fault."""
    counting = nw.col("fault") | (nw.col("verdict") == HONOURED)
    one = nw.when(nw.col("fault")).then(nw.lit(1, nw.Int64)).otherwise(0)
    client = verdict_counts(rec).lazy.filter(counting).with_columns(faulty=one)
    client = client.group_by(*SUBJECT, "client").agg(nw.col("faulty").max())
    judged = client.group_by(*SUBJECT).agg(nw.col("faulty").sum(), clients=nw.len())
    return {
        key(row): (int(row["clients"]), int(row["clients"] - row["faulty"]))
        for row in rows(judged, *SUBJECT)
    }


def _tokens_summary(rec: Recording) -> tuple[TokensSummary, ...]:
    facts = tokens(rec).lazy.with_columns(secret=nw.col("value").is_null())
    groups = defaultdict[Subject, list[Row]](list)
    for row in counted(facts, *SUBJECT, "secret", "left_truncated", "length", "alphabet", "uses"):
        groups[key(row)].append(row)
    ends = nested(counted(facts, *SUBJECT, "end"), "end")
    late = facts.group_by(*SUBJECT).agg(nw.col("uses_late", "late_honoured").sum())
    found = rows(late, *SUBJECT)
    return tuple(_summary(row, groups[key(row)], ranked(ends[key(row)])) for row in found)


def _summary(row: Row, group: list[Row], ended: Mapping[str, int]) -> TokensSummary:
    lengths = [row["length"] for row in group if row["length"] is not None]
    is_secret = all(row["secret"] for row in group)
    alphabet = united(row["alphabet"] for row in group if row["alphabet"])
    uses = Counter[int]()
    for one in group:
        uses[one["uses"]] += one["count"]
    return of_row(
        TokensSummary,
        row,
        values=sum(row["count"] for row in group),
        births_seen=sum(row["count"] for row in group if not row["left_truncated"]),
        secret=is_secret,
        median_uses=float(median(uses.elements())) if uses else None,
        length_min=min(lengths, default=None),
        length_max=max(lengths, default=None),
        alphabet=alphabet,
        bits_upper_bound=round(bits(min(lengths), alphabet), 1)
        if is_secret and lengths and alphabet
        else None,
        ended=ended,
        uses_late=int(row["uses_late"]),
        late_honoured=int(row["late_honoured"]),
    )
