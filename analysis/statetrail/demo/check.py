"""The demo checks itself: what the audit found against what the clients know they did.

Enters: a recording and the clients' truths. Leaves: every difference. Counts are compared exactly,
in both directions: a fault that was not found is as wrong as one that was invented.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import FAULTS, verdicts
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.demo.clients import Truth
from statetrail.recording.frames import Recording
from statetrail.rules import findings

WATCHED: Final = frozenset((*FAULTS, "overridden", "foreign"))
"""The verdicts whose counts a client knows; the others depend on timing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that is not what the client knows."""

    client: str
    what: str
    expected: int
    found: int


def told(truth: Truth) -> Counter[str]:
    """What a client knows it did: ``requests``, ``session reset``, verdicts and findings."""
    counts = Counter({"requests": truth.requests, "session reset": truth.resets})
    for (param, verdict), count in truth.verdicts.items():
        counts[f"{verdict} {param}"] += count
    counts.update(truth.findings)
    return counts


def found(rec: Recording, truths: Mapping[str, Truth]) -> dict[str, Counter[str]]:
    """What the audit found of the same, by the truths' names."""
    rules = {rule for truth in truths.values() for rule in truth.findings}
    seen = (
        _requests(rec),
        _counts(
            (row["client"], f"{row['verdict']} {row['param']}", 1)
            for row in verdicts(rec).rows()
            if row["verdict"] in WATCHED
        ),
        _counts(
            (row["client"], "session reset", 1)
            for row in rotations(rec).rows()
            if row["cause"] in LOSSES and row["dialect"] == "zest"
        ),
        _counts(
            (row["client"], row["rule"], row["count"])
            for row in findings(rec).rows()
            if row["rule"] in rules and row["client"] is not None
        ),
    )
    return {
        name: sum((counts.get(truth.user_agent, Counter()) for counts in seen), Counter())
        for name, truth in truths.items()
    }


def differences(rec: Recording, truths: Mapping[str, Truth]) -> list[Difference]:
    """Every difference between the audit and the truth, by client."""
    return [
        Difference(name, what, expected[what], counts[what])
        for name, counts in found(rec, truths).items()
        for expected in (told(truths[name]),)
        for what in sorted(expected.keys() | counts.keys())
        if expected[what] != counts[what]
    ]


def _counts(rows: Iterable[tuple[str, str, int]]) -> dict[str, Counter[str]]:
    """Counts of what was found, by user agent."""
    counts: dict[str, Counter[str]] = {}
    for client, what, count in rows:
        counts.setdefault(agent_of(client), Counter())[what] += count
    return counts


def agent_of(client: str) -> str:
    """The user agent in a client's name, which is ``peer | user-agent``."""
    return client.rpartition(" | ")[2]


def _requests(rec: Recording) -> dict[str, Counter[str]]:
    """Requests in scope by user agent; a browser's preflights are not the page's own."""
    rows: Any = (
        rec.exchanges.lazy.filter((nw.col("dialects") != "") & (nw.col("method") != "OPTIONS"))
        .group_by("user_agent")
        .agg(requests=nw.len())
        .collect("pyarrow")
    )
    return {
        row["user_agent"]: Counter({"requests": row["requests"]}) for row in rows.rows(named=True)
    }
