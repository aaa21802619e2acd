"""The demo checks itself: what the audit found against what the clients know they did.

Enters: a recording and the clients' truths. Leaves: every difference. Counts are compared exactly,
in both directions: a fault that was not found is as wrong as one that was invented.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from statetrail.analyses.rotations import rotations
from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.demo.clients import Truth
from statetrail.findings import findings
from statetrail.frames import Recording

WATCHED: Final = frozenset((*FAULTS, "overridden", "foreign"))
"""The verdicts whose counts a client knows; the others depend on timing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that is not what the client knows."""

    client: str
    what: str
    expected: int
    found: int


def differences(rec: Recording, truths: Mapping[str, Truth]) -> list[Difference]:
    """Every difference between the audit and the truth, by client."""
    requests = _requests(rec)
    judged = _counts(
        (row["client"], f"{row['verdict']} {row['param']}")
        for row in verdicts(rec).rows()
        if row["verdict"] in WATCHED
    )
    resets = _counts(
        (row["client"], "resets")
        for row in rotations(rec).rows()
        if row["cause"] == "reset" and row["dialect"] == "zest"
    )
    ruled: dict[str, Counter[str]] = {}
    watched_rules = {rule for truth in truths.values() for rule in truth.findings}
    for row in findings(rec).rows():
        if row["rule"] in watched_rules and row["client"] is not None:
            ruled.setdefault(agent_of(row["client"]), Counter())[row["rule"]] += row["count"]
    different = []
    for name, truth in truths.items():
        agent = truth.user_agent
        expected: Counter[str] = Counter({"requests": truth.requests, "resets": truth.resets})
        expected.update({f"{verdict} {param}": n for (param, verdict), n in truth.verdicts.items()})
        expected.update(truth.findings)
        found = Counter({"requests": requests[agent]})
        for counts in (judged, resets, ruled):
            found.update(counts.get(agent, {}))
        different += [
            Difference(name, what, expected[what], found[what])
            for what in sorted(expected.keys() | found.keys())
            if expected[what] != found[what]
        ]
    return different


def _counts(rows: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """Counts of what was found, by user agent."""
    counts: dict[str, Counter[str]] = {}
    for client, what in rows:
        counts.setdefault(agent_of(client), Counter())[what] += 1
    return counts


def agent_of(client: str) -> str:
    """The user agent in a client's name, which is ``peer | user-agent``."""
    return client.rpartition(" | ")[2]


def _requests(rec: Recording) -> Counter[str]:
    """Requests in scope by user agent; a browser's preflights are not the page's own."""
    rows: Any = (
        rec.exchanges.lazy.filter((nw.col("dialects") != "") & (nw.col("method") != "OPTIONS"))
        .group_by("user_agent")
        .agg(requests=nw.len())
        .collect("pyarrow")
    )
    return Counter({row["user_agent"]: row["requests"] for row in rows.rows(named=True)})
