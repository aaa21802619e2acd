"""Findings: every rule's cases, gathered into one row per client, origin and parameter.

Enters: a recording. Leaves: the table `FINDINGS`. The counting happens on the engine; what comes
to Python is bounded by the number of findings.
"""

from collections import defaultdict
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.findings.registry import RULES
from statetrail.findings.rule import Rule
from statetrail.frames import Frame, Recording
from statetrail.schema import FINDINGS

MAX_EVIDENCE: Final = 20
"""Exchanges that a finding lists."""

_SUBJECT: Final = ("client", "origin", "param")
_MAX_DETAILS: Final = 3


def findings(rec: Recording) -> Frame:
    """What the rules found, one row per rule, client, origin and parameter.

    Returns
    -------
    Frame
        `statetrail.schema.FINDINGS`.
    """
    return rec.result(FINDINGS, lambda: rec.place(_findings(rec)))


def _findings(rec: Recording) -> pa.Table:
    rows = [row for rule in RULES for row in found_by(rule, rec)]
    return pa.Table.from_pylist(rows, schema=FINDINGS.arrow)


def found_by(rule: Rule, rec: Recording) -> list[dict[str, Any]]:
    """The findings of one rule, as rows of `statetrail.schema.FINDINGS`."""
    cases = rule.check(rec)
    hit = nw.col("hit") == 1
    counted = (
        cases.with_columns(hit_us=nw.when(hit).then("at_us"))
        .group_by(*_SUBJECT)
        .agg(
            count=nw.col("hit").sum(),
            of=nw.col("hit").count(),
            first_us=nw.col("hit_us").min(),
            last_us=nw.col("hit_us").max(),
        )
        .filter(nw.col("count") > 0)
        .collect("pyarrow")
    )
    order = ["at_us", "exchange_id", "related_id"]
    shown = (
        cases.filter(hit)
        .with_columns(nth=nw.col("hit").cum_sum().over(*_SUBJECT, order_by=order))
        .filter(nw.col("nth") <= MAX_EVIDENCE)
        .collect("pyarrow")
    )
    evidence: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(shown.rows(named=True), key=lambda row: row["nth"]):
        evidence[tuple(row[name] for name in _SUBJECT)].append(row)
    return [
        _finding(rule, row, evidence[tuple(row[name] for name in _SUBJECT)])
        for row in counted.rows(named=True)
    ]


def _finding(rule: Rule, row: dict[str, Any], shown: list[dict[str, Any]]) -> dict[str, Any]:
    count, of = int(row["count"]), int(row["of"])
    details = list(dict.fromkeys(one["detail"] for one in shown if one["detail"]))
    more = ", …" if len(details) > _MAX_DETAILS or (details and count > len(shown)) else ""
    among = f" ({', '.join(details[:_MAX_DETAILS])}{more})" if details else ""
    observed = rule.observed.format(count=count, of=of, param=row["param"])
    expected = rule.expected.format(count=count, of=of, param=row["param"])
    ids = [number for one in shown for number in (one["exchange_id"], one["related_id"])]
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "audience": rule.audience,
        "client": row["client"] or None,
        "origin": row["origin"] or None,
        "param": row["param"] or None,
        "count": count,
        "first_us": row["first_us"],
        "last_us": row["last_us"],
        "message": f"{observed}{among}. Expected: {expected}.",
        "remedy": rule.remedy,
        "references": "\n".join(rule.references),
        "evidence": ",".join(
            str(number) for number in list(dict.fromkeys(n for n in ids if n >= 0))[:MAX_EVIDENCE]
        ),
    }
