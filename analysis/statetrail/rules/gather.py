"""Findings: every rule's cases, gathered into one row per client, origin and parameter.

Enters: a recording. Leaves: the table `FINDINGS`. The counting happens on the engine; what comes
to Python is bounded by the number of findings.

A finding names the root causes that the analysis knows. Where all of them lie with the server
(`SERVERS`: the client could not read the value), its client is not to blame: the finding is for
information and its confidence low. Where some do, the confidence is at most medium.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.causes.root_causes import SERVERS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.rules.occurrences import REQUEST, request_names
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.registry import RULES
from statetrail.rules.rule import Confidence, Rule, Severity
from statetrail.rules.tables import FINDINGS

MAX_EVIDENCE: Final = 20
"""Exchanges that a finding lists."""

_SUBJECT: Final = ("client", "origin", "param")
_MAX_DETAILS: Final = 3
_WHOSE: Final = ", the server's"


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
        Told which rule is looked at, for whoever waits.

    Returns
    -------
    Frame
        `statetrail.rules.tables.FINDINGS`.
    """
    name = f"findings.{profile!r}"
    return Frame(rec.once(name, lambda: rec.place(_findings(rec, profile, progress))), FINDINGS)


def _findings(
    rec: Recording, profile: Profile, progress: Callable[[str], object] | None
) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for at, rule in enumerate(RULES, 1):
        if progress is not None:
            progress(f"rule {at} of {len(RULES)}, {rule.id}")
        rows += found_by(rule, rec, profile)
    return pa.Table.from_pylist(rows, schema=FINDINGS.arrow)


def found_by(rule: Rule, rec: Recording, profile: Profile = DEFAULT) -> list[dict[str, Any]]:
    """The findings of one rule, as rows of `statetrail.rules.tables.FINDINGS`."""
    cases = rule.cases(rec, profile)
    hits = rec.keep(cases.filter(nw.col("hit") == 1))
    subject = list(_SUBJECT)
    counted = hits.group_by(*subject).agg(
        count=nw.len(), first_us=nw.col("observed_us").min(), last_us=nw.col("observed_us").max()
    )
    found = counted.collect("pyarrow").rows(named=True)
    if not found:
        return []
    chances = cases.group_by(*subject).agg(of=nw.col("times").sum()).collect("pyarrow")
    of = {tuple(row[name] for name in _SUBJECT): row["of"] for row in chances.rows(named=True)}
    why: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
    explained = hits.filter(nw.col("cause") != "")
    counted_causes = explained.group_by(*subject, "cause").agg(times=nw.len())
    for row in counted_causes.collect("pyarrow").rows(named=True):
        why[tuple(row[name] for name in _SUBJECT)][row["cause"]] = int(row["times"])
    evidence = _shown(rec, hits)
    return [
        _finding(rule, profile, row | {"of": of[key]}, evidence[key], why[key])
        for row in found
        for key in [tuple(row[name] for name in _SUBJECT)]
    ]


def _shown(rec: Recording, hits: Lazy) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """The first cases of each subject, in the order of time, with their requests named."""
    order = ["observed_us", "exchange_id", "related_id"]
    shown = (
        hits.with_columns(nth=nw.col("hit").cum_sum().over(*_SUBJECT, order_by=order))
        .filter(nw.col("nth") <= MAX_EVIDENCE)
        .collect("pyarrow")
        .rows(named=True)
    )
    named = request_names(rec, (row["exchange_id"] for row in shown if REQUEST in row["detail"]))
    evidence: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(shown, key=lambda row: row["nth"]):
        told = row["detail"].replace(REQUEST, named.get(row["exchange_id"], ""))
        evidence[tuple(row[name] for name in _SUBJECT)].append(row | {"detail": told})
    return evidence


def _finding(
    rule: Rule,
    profile: Profile,
    row: dict[str, Any],
    shown: list[dict[str, Any]],
    why: dict[str, int],
) -> dict[str, Any]:
    count, of = int(row["count"]), int(row["of"])
    details = list(dict.fromkeys(one["detail"] for one in shown if one["detail"]))
    more = ", …" if len(details) > _MAX_DETAILS or (details and count > len(shown)) else ""
    among = f" ({', '.join(details[:_MAX_DETAILS])}{more})" if details else ""
    words = {"count": f"{count:,}", "of": f"{of:,}", "param": row["param"], **profile.words}
    observed, expected = rule.observed.format(**words), rule.expected.format(**words)
    ids = [number for one in shown for number in (one["exchange_id"], one["related_id"])]
    severity, confidence = _grades(rule, count, why)
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": severity,
        "confidence": confidence,
        "audience": rule.audience,
        "client": row["client"] or None,
        "origin": row["origin"] or None,
        "param": row["param"] or None,
        "count": count,
        "first_us": row["first_us"],
        "last_us": row["last_us"],
        "message": f"{observed}{among}. Expected: {expected}.{_root_causes(why)}",
        "remedy": rule.remedy,
        "references": "\n".join(rule.sources(profile)),
        "evidence": ",".join(
            str(number) for number in list(dict.fromkeys(n for n in ids if n >= 0))[:MAX_EVIDENCE]
        ),
    }


def _grades(rule: Rule, count: int, why: dict[str, int]) -> tuple[Severity, Confidence]:
    """Severity and confidence; both fall where the client could not have done better."""
    excused = sum(times for cause, times in why.items() if cause in SERVERS)
    if excused and excused == count:
        return "info", "low"
    if excused and rule.confidence == "high":
        return rule.severity, "medium"
    return rule.severity, rule.confidence


def _root_causes(why: dict[str, int]) -> str:
    """The causes as a sentence, the most frequent first."""
    if not why:
        return ""
    named = [
        f"{cause} ({times}{_WHOSE if cause in SERVERS else ''})"
        for cause, times in sorted(why.items(), key=lambda item: (-item[1], item[0]))
    ]
    return f" Root cause: {', '.join(named)}."
