"""The demo checks itself: the audit's counts against the clients' own account.

Enters: a recording and the clients' truths. Leaves: every difference. Counts are compared exactly,
in both directions: a missed fault is as wrong as an invented one.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import MANY_SESSIONS
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.demo.clients import Truth
from statetrail.recording.frames import Recording
from statetrail.rules import findings

WATCHED: Final = frozenset(("overridden", "foreign", MANY_SESSIONS))
"""The verdicts that a client counts besides faults; the other counts depend on timing."""
SESSIONS: Final = {"sessions": "sessions", "at once": "sessions_at_once"}
"""The counts of sessions, and their columns in the table of clients."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A count in which the audit differs from the client's account."""

    client: str
    what: str
    expected: int
    audited: int


def expected_counts(truth: Truth) -> Counter[str]:
    """The client's own counts: ``requests``, those of `SESSIONS`, verdicts and findings."""
    counts = Counter(
        {
            "requests": truth.requests,
            "sessions": truth.sessions,
            "at once": truth.at_once,
            "session reset": truth.resets,
        }
    )
    for (param, verdict), count in truth.verdicts.items():
        counts[f"{verdict} {param}"] += count
    counts.update(truth.findings)
    return counts


def audited_counts(rec: Recording, truths: Mapping[str, Truth]) -> dict[str, Counter[str]]:
    """The audit's counts of the same, by the truths' names; a browser's preflights are left out."""
    rules = {rule for truth in truths.values() for rule in truth.findings}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    in_scope: Any = rec.exchanges.lazy.filter(
        nw.col("dialects") != "", nw.col("method") != "OPTIONS"
    )
    for agent in in_scope.collect("pyarrow")["user_agent"].to_list():
        counts[agent]["requests"] += 1
    for row in verdicts(rec).rows():
        name = row["reason"] if row["reason"] == MANY_SESSIONS else row["verdict"]
        if row["fault"] or name in WATCHED:
            counts[agent_of(row["client"])][f"{name} {row['param']}"] += 1
    for row in clients(rec).rows():
        for what, column in SESSIONS.items():
            counts[agent_of(row["client"])][what] += row[column]
    for row in rotations(rec).rows():
        if row["cause"] in LOSSES and row["dialect"] == "zest":
            counts[agent_of(row["client"])]["session reset"] += 1
    agents = {row["exchange_id"]: row["user_agent"] for row in rec.exchanges.rows()}
    for row in findings(rec).rows():
        if row["rule"] in rules:
            # One about the server counts for the client that saw it first.
            counts[agents[int(row["evidence"].partition(",")[0])]][row["rule"]] += row["count"]
    return {name: +counts[truth.user_agent] for name, truth in truths.items()}


def differences(rec: Recording, truths: Mapping[str, Truth]) -> list[Difference]:
    """Every difference between the audit and the truth, by client."""
    return [
        Difference(name, what, expected[what], counts[what])
        for name, counts in audited_counts(rec, truths).items()
        for expected in (expected_counts(truths[name]),)
        for what in sorted(expected.keys() | counts.keys())
        if expected[what] != counts[what]
    ]


def agent_of(client: str) -> str:
    """The user agent in a client's name, which is ``peer | user-agent``."""
    return client.rpartition(" | ")[2]
