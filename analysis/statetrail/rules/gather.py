"""Findings: every rule's occurrences, gathered into one row per client, origin and parameter.

Enters: a recording. Leaves: the table `FINDINGS`. The occurrences are counted on the engine; only
the hits come to Python.

Two rules that fire on the same exchanges are one finding: what a rule says of a client is part of
the finding of a graver rule for the same client, origin and parameter that covers all its
exchanges. The graver rule leads; the other one is named in ``also``.

A finding names the root causes that the analysis knows. One against a client names the sessions of
the first occurrences by their pseudonyms, since a client may hold many.

A severity of high needs evidence that leaves nothing open (rule L11): of a client's fault the root
cause, or that the server refused what it did. Without it the severity is medium, and the finding
says what would settle it (`Rule.open`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import register
from statetrail.recording.frames import Frame, Recording
from statetrail.rules.hits import MAX_EVIDENCE, Hits, found, found_by
from statetrail.rules.lookup import request_names, session_names
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.registry import RULES
from statetrail.rules.rule import (
    CONFIDENCES,
    REQUEST,
    SEVERITIES,
    Confidence,
    Rule,
    Severity,
)
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

_ARTICLE: Final = re.compile(r"\ba (?=\{param\})")
_MAX_DETAILS: Final = 3
_MAX_SESSIONS: Final = 3
_AT_A_TIME: Final = 10_000


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

    applied = _applied(rec, profile, progress)
    return Frame(rec.once(f"findings.{profile!r}", lambda: rec.place(applied.findings)), FINDINGS)


register(FINDINGS, findings)


def checked(rec: Recording, profile: Profile = DEFAULT) -> Mapping[str, tuple[int, int]]:
    """How often each rule fired, of how often it could have; of none where nothing is its matter.

    The same run as that of `findings`; by the rules' ids.
    """
    return _applied(rec, profile, None).checked


@dataclass(frozen=True, slots=True)
class _Applied:
    """What all rules found, and how often each fired and could have."""

    findings: pa.Table
    checked: Mapping[str, tuple[int, int]]


def _applied(
    rec: Recording, profile: Profile, progress: Callable[[str], object] | None
) -> _Applied:
    def apply() -> _Applied:
        here = rec.on_driver()
        found = found_by(RULES, here, profile, progress or (lambda step: None))
        counts = {rule.id: (found[rule.id].count, found[rule.id].times) for rule in RULES}
        hits = [one for rule in RULES for one in found[rule.id].hits.values()]
        layout, rows = FINDINGS.arrow, _rows(here, profile, _merged(hits))
        several = batched(rows, _AT_A_TIME, strict=False)
        some = [pa.Table.from_pylist([*those], layout) for those in several]
        return _Applied(pa.concat_tables([layout.empty_table(), *some]), counts)

    return rec.once(f"findings.applied.{profile!r}", apply)


def findings_of(rule: Rule, rec: Recording, profile: Profile = DEFAULT) -> list[dict[str, Any]]:
    """The findings of one rule, as rows of `FINDINGS`; none is part of another rule's."""
    return [*_rows(rec, profile, found(rule, rec, profile).hits.values())]


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
    parts = {at for lesser in covered.values() for at in lesser}
    return [
        replace(each, also=tuple(hits[one] for one in covered[at])) if covered.get(at) else each
        for at, each in enumerate(hits)
        if at not in parts
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
    severity, confidence = _grades(hits)
    grades = -SEVERITIES.index(severity), -CONFIDENCES.index(confidence)
    return (*grades, -hits.count, hits.rule.id)


def _rows(rec: Recording, profile: Profile, hits: Iterable[Hits]) -> Iterator[dict[str, Any]]:
    """The findings; the requests of all of them are looked up in one query, and the sessions."""
    hits = list(hits)
    counts = [len(each.first) for each in hits]
    details = [detail for each in hits for detail in each.first.details]
    names_request = {detail: REQUEST in detail for detail in set(details)}
    named = np.array([names_request[detail] for detail in details], dtype=np.bool_)
    numbers = np.concatenate([np.zeros((0, 3), np.int64), *(each.first.numbers for each in hits)])
    exchange = numbers[:, 1]
    request = np.full(len(exchange), -1)
    request[named], requests = request_names(rec, exchange[named])
    params = {each.subject[-1]: 0 for each in hits}
    params = {name: number for number, name in enumerate(params)}
    param = np.repeat(np.array([params[each.subject[-1]] for each in hits], np.int64), counts)
    of_client = np.repeat(np.array([bool(each.subject[0]) for each in hits], np.bool_), counts)
    session = np.full(len(exchange), -1)
    session[of_client], sessions = session_names(
        rec, exchange[of_client], param[of_client], list(params)
    )
    for at in np.flatnonzero(named).tolist():
        name = requests[request[at]] if request[at] >= 0 else ""
        details[at] = details[at].replace(REQUEST, name)
    begin = 0
    for each, count in zip(hits, counts, strict=True):
        of = slice(begin, begin + count)
        begin += count
        names = [sessions[at] for at in dict.fromkeys(session[of].tolist()) if at >= 0]
        ids = dict.fromkeys(numbers[of, 1:].ravel().tolist())
        evidence = [one for one in ids if one >= 0][:MAX_EVIDENCE]
        yield _finding(each, evidence, details[of], names, profile)


def _finding(
    hits: Hits,
    evidence: Sequence[int],
    details: Sequence[str],
    names: Sequence[str],
    profile: Profile,
) -> dict[str, Any]:
    rule, (client, origin, param) = hits.rule, hits.subject
    expected = _worded(rule.expected, hits, profile)
    severity, confidence = _grades(hits)
    return {
        "rule": rule.id,
        "also": "\n".join(one.rule.id for one in hits.also) or None,
        "title": rule.title,
        "severity": severity,
        "confidence": confidence,
        "audience": rule.audience,
        "client": client or None,
        "origin": origin or None,
        "param": param or None,
        "count": hits.count,
        "of": hits.of,
        "faults": hits.faults,
        "first_us": hits.span_us[0],
        "last_us": hits.span_us[1],
        "sessions": "\n".join(names) or None,
        "message": f"{_observed(hits, profile)}{_details(hits, details)}{_sessions(hits, names)}. "
        f"Expected: {expected}.{_root_causes(hits.causes)}{_open(hits)}{_also(hits, profile)}",
        "remedy": rule.remedy,
        "references": "\n".join(dict.fromkeys(_sources(hits, profile))),
        "evidence": ",".join(map(str, evidence)),
    }


def _worded(template: str, hits: Hits, profile: Profile) -> str:
    """A rule's template with its words."""
    param = hits.subject[-1]
    if param[:1].lower() in (*"aeiou",):
        template = _ARTICLE.sub("an ", template)
    words = {"count": f"{hits.count:,}", "of": f"{hits.of:,}", "param": param}
    return template.format(**words, **profile.words)


def _observed(hits: Hits, profile: Profile) -> str:
    return _worded(hits.rule.observed, hits, profile)


def _also(hits: Hits, profile: Profile) -> str:
    """What the other rules say of the same exchanges."""
    return "".join(f" Also {one.rule.id}: {_observed(one, profile)}." for one in hits.also)


def _sources(hits: Hits, profile: Profile) -> Iterator[str]:
    for one in (hits, *hits.also):
        yield from one.rule.sources(profile)


def _details(hits: Hits, details: Iterable[str]) -> str:
    """The first details in parentheses, with an ellipsis where there are more."""
    distinct = list(dict.fromkeys(one for one in details if one))
    if not distinct:
        return ""
    more = len(distinct) > _MAX_DETAILS or hits.count > len(hits.first)
    return f" ({', '.join(distinct[:_MAX_DETAILS])}{', …' if more else ''})"


def _sessions(hits: Hits, names: Sequence[str]) -> str:
    """The sessions of the first hits, with an ellipsis where there are, or may be, more."""
    if not names:
        return ""
    more = len(names) > _MAX_SESSIONS or hits.count > len(hits.first)
    first = "first " if more else ""
    which = "session" if len(names) == 1 else "sessions"
    return f", {first}in {which} {', '.join(names[:_MAX_SESSIONS])}{', …' if more else ''}"


def _grades(hits: Hits) -> tuple[Severity, Confidence]:
    """Severity and confidence."""
    return "medium" if _lacks_proof(hits) else hits.rule.severity, hits.rule.confidence


def _lacks_proof(hits: Hits) -> bool:
    return hits.rule.severity == "high" and not hits.proven


def _open(hits: Hits) -> str:
    """What would settle that the severity is high, where nothing shows it."""
    return f" Open: {hits.rule.open}." if _lacks_proof(hits) and hits.rule.open else ""


def _root_causes(causes: Counter[str]) -> str:
    """The causes as a sentence, the most frequent first."""
    if not causes:
        return ""
    named = [
        f"{cause} ({times})"
        for cause, times in sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return f" Root cause: {', '.join(named)}."
