"""The parameters section: how each state parameter is issued, how it changes, who obeys.

Enters: `issued`, `presented`, `rotations`, `verdicts`. Leaves: `Parameter` parts.
"""

from typing import Any, Final

import narwhals as nw

from statetrail.analyses.rotations import rotations
from statetrail.analyses.verdicts import FAULTS
from statetrail.frames import Lazy, Recording
from statetrail.report.document import Parameter
from statetrail.report.gather.clients import counted_verdicts
from statetrail.report.gather.counting import counted, nested, ranked, rows

MAX_CLEAR_VALUES: Final = 12
_SUBJECT: Final = ("origin", "dialect", "param")

type Subject = tuple[Any, ...]


def gather_parameters(rec: Recording) -> tuple[Parameter, ...]:
    """All parameters that were issued, by origin, dialect and name."""
    columns = ("exchange_id", *_SUBJECT[1:], "usage", "priority", "problem", "value", "fingerprint")
    issued = rec.keep(with_origin(rec, rec.issued.lazy.select(*columns)))
    good = issued.filter(nw.col("problem").is_null())
    how = counted(issued, *_SUBJECT, "usage", "priority", "problem", "value")
    sound = [row for row in how if row["problem"] is None]
    issues: dict[Subject, int] = {}
    for row in sound:
        issues[_subject(row)] = issues.get(_subject(row), 0) + row["count"]
    used = _totals(with_origin(rec, rec.presented.lazy.select("exchange_id", *_SUBJECT[1:])))
    usages = nested(sound, _SUBJECT, "usage")
    priorities = nested(sound, _SUBJECT, "priority")
    malformed = nested(how, _SUBJECT, "problem")
    clear = nested(sound, _SUBJECT, "value")
    different = {
        _subject(row): row
        for row in rows(
            good.group_by(*_SUBJECT).agg(
                values=nw.col("fingerprint").n_unique(), clients=nw.col("client").n_unique()
            ),
            *_SUBJECT,
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


def with_origin(rec: Recording, facts: Lazy) -> Lazy:
    """Issued or presented values with the ``client`` and ``origin`` of their exchange."""
    names = rec.exchanges_with_client().select("exchange_id", "client", "origin")
    return facts.join(names, on="exchange_id", how="inner")


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


def _totals(lazy: Lazy) -> dict[Subject, int]:
    return {_subject(row): row["count"] for row in counted(lazy, *_SUBJECT)}


def _subject(row: dict[str, Any]) -> Subject:
    return tuple(row[name] for name in _SUBJECT)
