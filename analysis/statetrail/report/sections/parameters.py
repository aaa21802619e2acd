"""State parameters: how each is issued, how it changes, who obeys, what values look like."""

from collections import Counter
from statistics import median
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
import narwhals as nw
from msgspec import Meta

from statetrail.analyses.conformance.verdict import FAULTS, HONOURED
from statetrail.analyses.tokens.entropy import bits, united
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording, origin
from statetrail.report.counting import Row, counted, nested, ranked, rows
from statetrail.report.section import Counts, Gathering, OfParameter, Section
from statetrail.report.sections.clients import counted_verdicts

MAX_CLEAR_VALUES: Final = 12
_SUBJECT: Final = ("origin", "dialect", "param")
_ORIGIN: Final = ("scheme", "host", "port")

type Subject = tuple[Any, ...]


class Parameter(OfParameter, frozen=True, kw_only=True):
    """The life of one state parameter at one origin: how it is issued, and who obeys."""

    issues: Annotated[int, Meta(description="Well-formed issues")]
    presented: int
    values: Annotated[int, Meta(description="Different well-formed values")]
    changes: Annotated[int, Meta(description="Issues that replaced another value")]
    changes_by_cause: Counts
    usages: Counts
    priorities: Counts
    malformed: Annotated[Counts, Meta(description="Issues that are not well formed, by reason")]
    clear_values: Annotated[
        Counts, Meta(description="The most frequent values, where the store has them in clear")
    ]
    clients_issued: Annotated[int, Meta(description="Clients that were issued a value")]
    clients_judged: Annotated[int, Meta(description="Clients with a verdict that counts")]
    clients_obeying: Annotated[int, Meta(description="Judged clients without any fault")]


class TokensSummary(OfParameter, frozen=True, kw_only=True):
    """The values of one parameter at one origin, taken together."""

    values: int
    births_seen: Annotated[int, Meta(description="Values that were issued before their first use")]
    secret: Annotated[bool, Meta(description="The store holds no value in clear")]
    median_uses: float | None
    length_min: int | None
    length_max: int | None
    alphabet: Annotated[
        str | None, Meta(description="Character classes used; null: never seen issued")
    ]
    bits_upper_bound: Annotated[
        float | None,
        Meta(
            description="Shortest length × log2 of the alphabet's size: no value is harder to "
            "guess than that, most are easier; null where values are in clear"
        ),
    ]
    ended: Annotated[Counts, Meta(description="How the values ended")] = msgspec.field(
        default_factory=dict
    )
    uses_late: Annotated[
        int, Meta(description="Uses of a value when a newer one had to be known")
    ] = 0
    late_honoured: Annotated[int, Meta(description="Those of them that were accepted")] = 0


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
    issued = _at_origins(rec, rec.issued.lazy, "usage", "priority", "problem", "value")
    sound = [row for row in issued if row["problem"] is None]
    issues = Counter[Subject]()
    for row in sound:
        issues[_subject(row)] += row["count"]
    presented = {_subject(row): row["count"] for row in _at_origins(rec, rec.presented.lazy)}
    usages = nested(sound, _SUBJECT, "usage")
    priorities = nested(sound, _SUBJECT, "priority")
    malformed = nested(issued, _SUBJECT, "problem")
    clear = nested(sound, _SUBJECT, "value")
    distinct = {
        _subject(row): row
        for row in rows(
            tokens(rec)
            .lazy.filter(nw.col("issues") > 0)
            .group_by(*_SUBJECT)
            .agg(values=nw.col("fingerprint").n_unique(), clients=nw.col("client").n_unique())
        )
    }
    replaced = rotations(rec).lazy.filter(~nw.col("from_fingerprint").is_null())
    changes = nested(counted(replaced, *_SUBJECT, "cause"), _SUBJECT, "cause")
    judged, faulty = _judged(rec)
    return tuple(
        Parameter(
            **dict(zip(_SUBJECT, subject, strict=True)),
            issues=issues[subject],
            presented=presented.get(subject, 0),
            values=distinct[subject]["values"] if subject in distinct else 0,
            changes=sum(changes.get(subject, {}).values()),
            changes_by_cause=ranked(changes.get(subject, {})),
            usages=ranked(usages.get(subject, {})),
            priorities=ranked(priorities.get(subject, {})),
            malformed=ranked(malformed.get(subject, {})),
            clear_values=ranked(clear.get(subject, {}), MAX_CLEAR_VALUES),
            clients_issued=distinct[subject]["clients"] if subject in distinct else 0,
            clients_judged=len(judged.get(subject, ())),
            clients_obeying=len(judged.get(subject, set()) - faulty.get(subject, set())),
        )
        for subject in sorted({*issues, *malformed})
    )


def _at_origins(rec: Recording, facts: Lazy, *columns: str) -> list[Row]:
    """How many facts there are of each origin, parameter and combination of the columns."""
    dialects = {dialect.name for dialect in rec.dialects}
    by = ("dialect", "param", *columns)
    # Origins are named after counting: a name for each of the facts would cost far more.
    located = facts.select("exchange_id", *by).join(
        rec.exchanges.lazy.select("exchange_id", *_ORIGIN), on="exchange_id", how="inner"
    )
    return [
        row | {"origin": origin(row["scheme"], row["host"], row["port"])}
        for row in counted(located, *_ORIGIN, *by)
        if row["dialect"] in dialects
    ]


def _judged(rec: Recording) -> tuple[dict[Subject, set[str]], dict[Subject, set[str]]]:
    """The clients with a verdict that counts, and those with a fault."""
    judged: dict[Subject, set[str]] = {}
    faulty: dict[Subject, set[str]] = {}
    for row in counted_verdicts(rec):
        if row["verdict"] in FAULTS:
            faulty.setdefault(_subject(row), set()).add(row["client"])
        if row["verdict"] in (HONOURED, *FAULTS):
            judged.setdefault(_subject(row), set()).add(row["client"])
    return judged, faulty


def _tokens_summary(rec: Recording) -> tuple[TokensSummary, ...]:
    facts = tokens(rec).lazy.with_columns(secret=nw.col("value").is_null())
    subjects: dict[Subject, list[Row]] = {}
    for row in counted(facts, *_SUBJECT, "secret", "left_truncated", "length", "alphabet", "uses"):
        subjects.setdefault(_subject(row), []).append(row)
    ends = nested(counted(facts, *_SUBJECT, "end"), _SUBJECT, "end")
    late = {
        _subject(row): {name: int(row[name]) for name in ("uses_late", "late_honoured")}
        for row in rows(
            facts.group_by(*_SUBJECT).agg(nw.col("uses_late").sum(), nw.col("late_honoured").sum())
        )
    }
    return tuple(
        _summary(subject, group, ended=ranked(ends.get(subject, {})), **late[subject])
        for subject, group in sorted(subjects.items())
    )


def _summary(subject: Subject, group: list[Row], **counts: Any) -> TokensSummary:
    lengths = [row["length"] for row in group if row["length"] is not None]
    is_secret = all(row["secret"] for row in group)
    alphabet = united(row["alphabet"] for row in group if row["alphabet"])
    uses = Counter[int]()
    for row in group:
        uses[row["uses"]] += row["count"]
    return TokensSummary(
        **dict(zip(_SUBJECT, subject, strict=True)),
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
        **counts,
    )


def _subject(row: Row) -> Subject:
    return tuple(row[name] for name in _SUBJECT)
