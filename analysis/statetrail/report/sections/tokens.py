"""The tokens summary: what the values of each parameter have in common, and how guessable.

Enters: `tokens`. Leaves: `TokenSummary` parts.
"""

from collections import Counter
from statistics import median
from typing import Final

import narwhals as nw

from statetrail.analyses.tokens.entropy import bits, united
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.frames import Recording
from statetrail.report.document import TokenSummary
from statetrail.report.sections.counting import Row, counted, nested, ranked, rows

_SUBJECT: Final = ("origin", "dialect", "param")


def gather_tokens(rec: Recording) -> tuple[TokenSummary, ...]:
    """All parameters that had a value, by origin, dialect and name."""
    facts = tokens(rec).lazy.with_columns(secret=nw.col("value").is_null())
    subjects: dict[tuple[str, ...], list[Row]] = {}
    for row in counted(facts, *_SUBJECT, "secret", "left_truncated", "length", "alphabet", "uses"):
        subjects.setdefault(tuple(row[name] for name in _SUBJECT), []).append(row)
    ends = nested(counted(facts, *_SUBJECT, "end"), _SUBJECT, "end")
    late = {
        tuple(row[name] for name in _SUBJECT): (int(row["late"]), int(row["honoured"]))
        for row in rows(
            facts.group_by(*_SUBJECT).agg(
                late=nw.col("uses_late").sum(), honoured=nw.col("late_honoured").sum()
            )
        )
    }
    return tuple(
        _summary(subject, group, ranked(ends.get(subject, {})), late.get(subject, (0, 0)))
        for subject, group in sorted(subjects.items())
    )


def _summary(
    subject: tuple[str, ...], group: list[Row], ended: dict[str, int], late: tuple[int, int]
) -> TokenSummary:
    lengths = [row["length"] for row in group if row["length"] is not None]
    secret = all(row["secret"] for row in group)
    used = united(row["alphabet"] for row in group if row["alphabet"])
    most = None
    if secret and lengths and used:
        most = round(bits(min(lengths), used), 1)
    uses = Counter[int]()
    for row in group:
        uses[row["uses"]] += row["count"]
    return TokenSummary(
        origin=subject[0],
        dialect=subject[1],
        param=subject[2],
        values=sum(row["count"] for row in group),
        births_seen=sum(row["count"] for row in group if not row["left_truncated"]),
        secret=secret,
        median_uses=float(median(uses.elements())) if uses else None,
        length_min=min(lengths, default=None),
        length_max=max(lengths, default=None),
        alphabet=used,
        bits_upper_bound=most,
        ended=ended,
        uses_late=late[0],
        late_honoured=late[1],
    )
