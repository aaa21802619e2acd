"""The findings section, and the exchanges that the findings point to.

Enters: `findings` and the fact tables. Leaves: `Finding` and `EvidenceExchange` parts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec
import pyarrow as pa

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording, client_expression, origin_expression
from statetrail.report.document import EvidenceExchange, Finding, RuleChecked, Sighting
from statetrail.report.heap import uncollected
from statetrail.report.sections.counting import Row, moment, part, rows, shown_value
from statetrail.rules import RULES, SEVERITIES, findings
from statetrail.rules.profiles import Profile

MAX_EVIDENCE: Final = 6
"""Exchanges of one finding that are told in full; all ids are listed."""
MAX_EXCHANGES: Final = 2000

# What is asked for is read, of all exchanges there are: no more than what is told.
_VALUE: Final = ("exchange_id", "ordinal", "param", "value", "fingerprint", "channel")
_EXCHANGE: Final = (
    *("exchange_id", "request_start_us", "response_start_us", "response_end_us"),
    *("client", "origin", "method", "path", "status", "error"),
)


def gather_findings(
    rec: Recording, profile: Profile, progress: Callable[[str], object] | None = None
) -> tuple[Finding, ...]:
    """All findings, the gravest first."""
    told = findings(rec, profile, progress=progress).rows()
    with uncollected():
        return tuple(sorted(map(_finding, told), key=_gravest_first))


def _finding(row: Row) -> Finding:
    return part(
        Finding,
        row,
        id=finding_id(row["rule"], row["client"], row["origin"], row["param"]),
        references=tuple(line for line in row["references"].splitlines() if line.strip()),
        evidence=tuple(int(one) for one in row["evidence"].split(",") if one.strip()),
    )


def first_of_each(found: Sequence[Finding], each: int, most: int) -> list[Finding]:
    """The first findings of each rule, in the order given: so that no rule hides the others."""
    if len(found) <= most:
        return list(found)
    seen = Counter[str]()
    kept: list[Finding] = []
    for finding in found:
        seen[finding.rule] += 1
        if seen[finding.rule] <= each and len(kept) < most:
            kept.append(finding)
    return kept


def with_around(found: Iterable[Finding], around: Mapping[str, tuple[int, ...]]) -> list[Finding]:
    """The findings with the exchanges around them, where they are known."""
    return [msgspec.structs.replace(one, around=around.get(one.id, ())) for one in found]


def gather_rules(found: Iterable[Finding]) -> tuple[RuleChecked, ...]:
    """All rules that were applied, with how many findings each has."""
    fired = Counter(finding.rule for finding in found)
    return tuple(
        RuleChecked(
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            audience=rule.audience,
            found=fired[rule.id],
        )
        for rule in RULES
    )


def finding_id(rule: str, *subject: str | None) -> str:
    """The stable id of a finding: the same in every audit that finds it.

    >>> finding_id("stale-value", "app", None, "LangId")
    'stale-value-348bb666'
    """
    digest = blake2b(digest_size=4)
    for name in subject:
        digest.update(b"\0" if name is None else name.encode("utf-8", "replace") + b"\1")
    return f"{rule}-{digest.hexdigest()}"


@uncollected()
def gather_evidence(rec: Recording, found: Iterable[Finding]) -> tuple[EvidenceExchange, ...]:
    """The first exchanges that each finding points to, with what they issued and presented."""
    ids = dict.fromkeys(
        one for finding in found for one in (*finding.evidence[:MAX_EVIDENCE], *finding.around)
    )
    wanted = list(ids)[:MAX_EXCHANGES]
    if not wanted:
        return ()
    here = rec.place(pa.table({"exchange_id": pa.array(wanted, pa.int64())}))
    issued = _by_exchange(rec.issued.lazy.select(*_VALUE, "usage", "priority", "problem"), here)
    presented = _by_exchange(rec.presented.lazy.select(*_VALUE, "kind"), here)
    # Named after the join: the names of all the others would cost more than all the rest.
    exchanges = (
        rec.exchanges.lazy.join(here, on="exchange_id", how="inner")
        .with_columns(client=client_expression(rec.client_by), origin=origin_expression())
        .select(*_EXCHANGE)
    )
    return tuple(
        part(
            EvidenceExchange,
            row,
            exchange=row["exchange_id"],
            at=moment(row["request_start_us"]),
            answered=moment(row["response_start_us"]),
            ended=moment(row["response_end_us"]),
            issued=tuple(_issued(one) for one in issued.get(row["exchange_id"], ())),
            presented=tuple(_presented(one) for one in presented.get(row["exchange_id"], ())),
        )
        for row in rows(exchanges, "exchange_id")
    )


def _by_exchange(facts: Lazy, here: Lazy) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows(facts.join(here, on="exchange_id", how="inner"), "exchange_id", "ordinal"):
        found.setdefault(row["exchange_id"], []).append(row)
    return found


def _issued(row: Row) -> Sighting:
    note = row["problem"] or f"{row['usage']}/{row['priority']}"
    return part(Sighting, row, value=shown_value(row["value"], row["fingerprint"]), note=note)


def _presented(row: Row) -> Sighting:
    note = None if row["kind"] == "value" else row["kind"]
    return part(Sighting, row, value=shown_value(row["value"], row["fingerprint"]), note=note)


def _gravest_first(finding: Finding) -> tuple[object, ...]:
    return (
        -SEVERITIES.index(finding.severity),
        -finding.count,
        finding.rule,
        *(name or "" for name in (finding.client, finding.origin, finding.param)),
    )
