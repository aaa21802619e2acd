"""Findings: every rule's occurrences, gathered into one row per client, origin and parameter.

Enters: a recording. Leaves: the table `FINDINGS`. The occurrences are counted on the engine; only
the hits come to Python, those of some clients after the other.

Two rules that fire on the same exchanges are one finding: what a rule says of a client is part of
the finding of a graver rule for the same client, origin and parameter that covers all its
exchanges. The graver rule leads; the other one is named in ``also``.

A finding names the root causes that the analysis knows.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched, chain
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import register
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints
from statetrail.analyses.columnar.executor import is_distributed
from statetrail.analyses.columnar.spill import SpilledTables, SpilledValues
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.rules.hits import MAX_EVIDENCE, NO_EXCHANGES, Hits, found, found_by
from statetrail.rules.lookup import dialects_of, request_names, session_names
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.registry import RULES
from statetrail.rules.rule import CONFIDENCES, REQUEST, SEVERITIES, Rule
from statetrail.rules.wording import grades, worded
from statetrail.schema import Column, Table

# fmt: off

FINDINGS: Final = Table(
    "findings", "one rule that fired for one client, origin and parameter",
    (
        Column("rule", "text", "Stable rule id; of several rules the most severe"),
        Column(
            "also", "text", "Rules that fired on the same exchanges, or some of them, one a line",
            "no other",
        ),
        Column("title", "text", "The rule's title"),
        Column("severity", "text", "`info`, `low`, `medium` or `high`"),
        Column("confidence", "text", "`low`, `medium` or `high`"),
        Column("audience", "text", "`client`, `api`, `capture` or `security`"),
        Column("client", "text", "The client", "not about one client"),
        Column("origin", "text", "The origin", "not about one origin"),
        Column("param", "text", "The parameter", "not about one parameter"),
        Column("count", "int", "How often it was seen"),
        Column("of", "int", "How often it could have been seen"),
        Column("faults", "int", "How many verdicts of a client's exchanges in `count` are faults"),
        Column("first_us", "timestamp", "First time", "no time"),
        Column("last_us", "timestamp", "Last time", "no time"),
        Column("sessions", "text", "Pseudonyms of the first sessions, one a line", "none is known"),
        Column("message", "text", "Observed, then expected"),
        Column("remedy", "text", "What to do"),
        Column("references", "text", "Exact sources, one a line"),
        Column("evidence", "text", "Exchange ids, comma separated, at most 20; the primary first"),
    ),
    ("rule", "client", "origin", "param"),
)

# fmt: on

_REPEATED: Final = (
    *("rule", "also", "title", "severity", "confidence", "audience"),
    *("origin", "param", "remedy", "references"),
)
_AT_A_TIME: Final = 10_000
_HELD: Final = 4
"""Groups of buckets whose hits stay in memory: a million exchanges."""


def findings(
    rec: Recording,
    profile: Profile = DEFAULT,
    *,
    progress: Callable[[str], object] | None = None,
) -> Frame:
    """What the rules found, one row per rule, client, origin and parameter.

    Parameters
    ----------
    profile
        The thresholds that some rules hold the recording to.
    progress
        Called with a text that says which rule is being applied.

    Returns
    -------
    Frame
        `FINDINGS`.
    """

    parts = _applied(rec, profile, progress).parts

    def place() -> Lazy:
        if is_distributed(rec):
            return rec.place(pa.concat_tables(parts), FINDINGS)
        return parts.placed(rec, FINDINGS)

    return Frame(rec.once(f"findings.{profile!r}", place), FINDINGS)


register(FINDINGS, findings)


def checked(rec: Recording, profile: Profile = DEFAULT) -> Mapping[str, tuple[int, int]]:
    """How often each rule fired, of how often it could have; of none where nothing is its matter.

    The same run as that of `findings`; by the rules' ids.
    """
    return _applied(rec, profile, None).checked


def finding_parts(
    rec: Recording, profile: Profile, progress: Callable[[str], object]
) -> Iterator[pa.Table]:
    """The rows of `findings` in parts, for what needs no more of them at a time; in no order."""
    for part in _applied(rec, profile, progress).parts:
        yield part.cast(FINDINGS.arrow)


@dataclass(frozen=True, slots=True)
class _Applied:
    """What all rules found, and how often each fired and could have."""

    parts: SpilledTables
    checked: Mapping[str, tuple[int, int]]


def _applied(
    rec: Recording, profile: Profile, progress: Callable[[str], object] | None
) -> _Applied:
    def apply() -> _Applied:
        here = rec.on_driver()
        fired, times = Counter[str](), Counter[str]()
        hits = SpilledValues[list[Hits]](here.scratch, "hits", _HELD)
        for some in found_by(RULES, here, profile, progress or (lambda step: None)):
            fired.update({rule: one.count for rule, one in some.items()})
            times.update({rule: one.times for rule, one in some.items()})
            hits.add(_merged(hit for rule in RULES for hit in some[rule.id].hits.values()))
        parts = SpilledTables(here, FINDINGS.name)
        # The first has no rows, so that there is a table where nothing was found.
        rows = batched(_rows(here, profile, hits), _AT_A_TIME, strict=False)
        for several in chain([()], rows):
            parts.add(_with_dictionaries(pa.Table.from_pylist([*several], FINDINGS.arrow)))
        return _Applied(parts, {rule.id: (fired[rule.id], times[rule.id]) for rule in RULES})

    return rec.once(f"findings.applied.{profile!r}", apply)


def _with_dictionaries(rows: pa.Table) -> pa.Table:
    """The rows with each text that many of them have only once."""
    for name in _REPEATED:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, rows[name].dictionary_encode())
    return rows


def findings_of(rule: Rule, rec: Recording, profile: Profile = DEFAULT) -> list[dict[str, Any]]:
    """The findings of one rule, as rows of `FINDINGS`; none is part of another rule's."""
    return [*_rows(rec, profile, [[*found(rule, rec, profile).hits.values()]])]


def _merged(hits: Iterable[Hits]) -> list[Hits]:
    """The hits; those on a client that a graver rule covers are part of that rule's."""
    hits = list(hits)
    subjects = defaultdict[tuple[str, ...], list[int]](list)
    for at, each in enumerate(hits):
        if each.rule.audience == "client":
            subjects[each.subject].append(at)
    covered: dict[int, list[int]] = {}
    for group in subjects.values():
        if len(group) > 1:
            covered |= _covered({at: hits[at] for at in group})
    lesser = {at for several in covered.values() for at in several}
    hits = [replace(each, exchanges=NO_EXCHANGES) for each in hits]
    return [
        replace(each, also=tuple(hits[one] for one in covered.get(at, ())))
        for at, each in enumerate(hits)
        if at not in lesser
    ]


def _covered(hits: dict[int, Hits]) -> dict[int, list[int]]:
    """The hits that lead, each with those that it covers; all are about one subject."""
    order = sorted(hits, key=lambda at: _gravest_first(hits[at]))
    exchanges = {at: set(each.exchanges.to_pylist()) for at, each in hits.items()}
    leading: dict[int, list[int]] = {}
    for at in order:
        leader = next((one for one in leading if exchanges[at] <= exchanges[one]), None)
        if leader is None:
            leading[at] = []
        else:
            leading[leader].append(at)
    return leading


def _gravest_first(hits: Hits) -> tuple[object, ...]:
    severity, confidence = grades(hits)
    order = -SEVERITIES.index(severity), -CONFIDENCES.index(confidence)
    return (*order, -hits.count, hits.rule.id)


def _rows(
    rec: Recording, profile: Profile, parts: Iterable[Sequence[Hits]]
) -> Iterator[dict[str, Any]]:
    """The findings; the requests of all of them are looked up in one query, and the sessions.

    The parts are gone through twice.
    """
    params: dict[str, int] = {}
    firsts = [*zip(*(_firsts(hits, params) for hits in parts), strict=True)]
    exchange, param, of_client, named = (np.concatenate(column) for column in firsts)
    request, session = (np.full(len(exchange), NOTHING) for _ in range(2))
    request[named], requests = request_names(rec, exchange[named])
    rec.release()
    session[of_client], sessions = session_names(
        rec, exchange[of_client], param[of_client], list(params)
    )
    begin, dialects = 0, dialects_of(rec)
    for each in chain.from_iterable(parts):
        of = slice(begin, begin + len(each.first))
        begin = of.stop
        names = [sessions[at] for at in dict.fromkeys(session[of].tolist()) if at >= 0]
        ids = dict.fromkeys(each.first.numbers[:, 1:].ravel().tolist())
        evidence = [one for one in ids if one >= 0][:MAX_EVIDENCE]
        places = zip(each.first.details, request[of].tolist(), strict=True)
        details = [text.replace(REQUEST, requests[at] if at >= 0 else "") for text, at in places]
        yield worded(each, evidence, details, names, profile, dialects.get(each.subject[1:], ()))


def _firsts(hits: Sequence[Hits], params: dict[str, int]) -> tuple[Ints, Ints, Bools, Bools]:
    """Of the first occurrences the exchange, the number of the parameter among `params`, whether
    they are about a client, and whether they name the request."""
    counts = [len(each.first) for each in hits]
    of_hits = [params.setdefault(each.subject[-1], len(params)) for each in hits]
    clients = [bool(each.subject[0]) for each in hits]
    named = [REQUEST in detail for each in hits for detail in each.first.details]
    return (
        np.concatenate([np.zeros(0, np.int64), *(each.first.numbers[:, 1] for each in hits)]),
        np.repeat(np.array(of_hits, np.int64), counts),
        np.repeat(np.array(clients, np.bool_), counts),
        np.array(named, np.bool_),
    )
