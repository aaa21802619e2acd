"""The parameters section: how each state parameter is issued, how it changes, who obeys.

Enters: `issued`, `presented`, `tokens`, `rotations`, `verdicts`. Leaves: `Parameter` parts.
"""

from typing import Any, Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import FAULTS
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording, origin
from statetrail.report.document import Parameter
from statetrail.report.sections.clients import counted_verdicts
from statetrail.report.sections.counting import Row, counted, nested, ranked, rows

MAX_CLEAR_VALUES: Final = 12
_SUBJECT: Final = ("origin", "dialect", "param")
_ORIGIN: Final = ("scheme", "host", "port")

type Subject = tuple[Any, ...]


def gather_parameters(rec: Recording) -> tuple[Parameter, ...]:
    """All parameters of the judged dialects that were issued, by origin, dialect and name."""
    dialects = {dialect.name for dialect in rec.dialects}
    where = rec.exchanges.lazy.select("exchange_id", *_ORIGIN)

    def at_origins(facts: Lazy, *columns: str) -> list[Row]:
        # Origins are written of the few counts: of each of the facts they would cost far more.
        joined = facts.select("exchange_id", *columns).join(where, on="exchange_id", how="inner")
        return [
            row | {"origin": origin(row["scheme"], row["host"], row["port"])}
            for row in counted(joined, *_ORIGIN, *columns)
            if row["dialect"] in dialects
        ]

    said = ("dialect", "param", "usage", "priority", "problem", "value")
    how = at_origins(rec.issued.lazy, *said)
    sound = [row for row in how if row["problem"] is None]
    issues: dict[Subject, int] = {}
    for row in sound:
        issues[_subject(row)] = issues.get(_subject(row), 0) + row["count"]
    used = {
        _subject(row): row["count"] for row in at_origins(rec.presented.lazy, "dialect", "param")
    }
    usages = nested(sound, _SUBJECT, "usage")
    priorities = nested(sound, _SUBJECT, "priority")
    malformed = nested(how, _SUBJECT, "problem")
    clear = nested(sound, _SUBJECT, "value")
    different = {
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
    judged, obeying = _obedience(rec)
    return tuple(
        Parameter(
            origin=subject[0],
            dialect=subject[1],
            param=subject[2],
            issues=issues.get(subject, 0),
            presented=used.get(subject, 0),
            values=different[subject]["values"] if subject in different else 0,
            changes=sum(changes.get(subject, {}).values()),
            changes_by_cause=ranked(changes.get(subject, {})),
            usages=ranked(usages.get(subject, {})),
            priorities=ranked(priorities.get(subject, {})),
            malformed=ranked(malformed.get(subject, {})),
            clear_values=ranked(clear.get(subject, {}), MAX_CLEAR_VALUES),
            clients_issued=different[subject]["clients"] if subject in different else 0,
            clients_judged=len(judged.get(subject, ())),
            clients_obeying=len(obeying.get(subject, ())),
        )
        for subject in sorted(issues.keys() | malformed.keys())
    )


def _obedience(rec: Recording) -> tuple[dict[Subject, set[str]], dict[Subject, set[str]]]:
    """The clients with a verdict that counts, and those of them without a fault."""
    judged: dict[Subject, set[str]] = {}
    faulty: dict[Subject, set[str]] = {}
    for row in counted_verdicts(rec):
        if row["verdict"] in FAULTS:
            faulty.setdefault(_subject(row), set()).add(row["client"])
        if row["verdict"] in FAULTS or row["verdict"] == "honoured":
            judged.setdefault(_subject(row), set()).add(row["client"])
    obeying = {subject: names - faulty.get(subject, set()) for subject, names in judged.items()}
    return judged, obeying


def _subject(row: Row) -> Subject:
    return row["origin"], row["dialect"], row["param"]
