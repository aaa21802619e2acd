"""Judging: the tool's answers on a world held against what is true of it.

Enters: a `World` and how its shoppers are told apart. Leaves: a `Line`.
"""

from dataclasses import dataclass
from typing import Any, Final

import statetrail
from statetrail.analyses.conformance.verdict import NOT_APPLICABLE
from statetrail.recording.frames import Recording
from studies.backends.facts import tables
from studies.backends.servers import TOKEN
from studies.backends.visits import GRACE_MS, World
from support.histories import Ex

FOUND: Final = 0.99
SHOPPERS_FOR_EXPIRY: Final = 100
_QUIET: Final = "info"


@dataclass(frozen=True, slots=True)
class Line:
    """What the tool says of one world, and what is true.

    Attributes
    ----------
    senders
        How shoppers are told apart.
    exchanges
        All of them.
    innocent, blamed
        Requests that deviate nowhere and got a verdict, and those of them that a row blames.
    planted, found
        Certain deviations that can be told from the traffic, and those that a row blames.
    beyond
        Deviations in requests that name no session, so that nobody can be blamed.
    findings
        Findings against clients above ``info``, by rule and parameter, where all are obedient.
    policy, low_s, high_s, limit_s
        What is said of the idle timeout, and the true one.
    wrong
        The first rows that blame an innocent, or miss a fault.
    """

    senders: str
    exchanges: int
    innocent: int
    blamed: int
    planted: int
    found: int
    beyond: int
    findings: tuple[tuple[str, str], ...]
    policy: str
    low_s: float | None
    high_s: float | None
    limit_s: float
    faulty: int
    shoppers: int
    wrong: tuple[tuple[int, str, str], ...]

    @property
    def covers(self) -> bool:
        """Whether the interval has both ends and holds the true limit."""
        low, high = self.low_s, self.high_s
        return low is not None and high is not None and low < self.limit_s <= high

    @property
    def misses(self) -> list[str]:
        """What is wanted of the line and not so.

        Of a session that moves between senders the values that another one was given are not known:
        faults in it are found by chance, so that only blame is looked at.
        """
        wanted = {
            "blamed": not self.blamed,
            "found": self.senders == "roaming" or self.found >= FOUND * self.planted,
            "findings": not self.findings,
            "expiry": self.shoppers < SHOPPERS_FOR_EXPIRY
            or bool(self.faulty)
            or (self.policy.startswith("idle") and self.covers),
        }
        return [name for name, holds in wanted.items() if not holds]


def judge(world: World, senders: str) -> Line:
    """The tool's answers with its default options, or by the header that names the shopper."""
    declared = senders == "declared"
    rec = Recording(
        tables(world, senders),
        client_by=("header",) if declared else None,
        grace_ms=GRACE_MS,
    )
    columns = ["exchange_id", "param", "verdict", "fault"]
    rows = statetrail.verdicts(rec).to_arrow().select(columns)
    judged, blamed = set(), set()
    ids, params, verdicts, faults = (rows[name].to_pylist() for name in columns)
    for id_, param, verdict, fault in zip(ids, params, verdicts, faults, strict=True):
        if verdict != NOT_APPLICABLE:
            judged.add(id_)
        if fault:
            blamed.add((id_, param))
    deviating = {(id_, each.param) for id_, found in world.deviations.items() for each in found}
    false = sorted(blamed - deviating - _after_last_use(world))
    planted, beyond = _planted(world, declared=declared)
    expiry = next((r for r in statetrail.expiry(rec).rows() if r["param"] == world.key), {})
    return Line(
        senders=senders,
        exchanges=len(world.exchanges),
        innocent=len(judged - {id_ for id_, _ in deviating}),
        blamed=len({id_ for id_, _ in false}),
        planted=len(planted),
        found=len(planted & blamed),
        beyond=beyond,
        findings=() if world.faulty else _against_clients(rec),
        policy=str(expiry.get("policy")),
        low_s=expiry.get("idle_low_s"),
        high_s=expiry.get("idle_high_s"),
        limit_s=world.idle_ms / 1000,
        faulty=len(world.faulty),
        shoppers=world.shoppers,
        wrong=(
            *((*each, "blamed") for each in false[:3]),
            *((*each, "missed") for each in sorted(planted - blamed)[:3]),
        ),
    )


def _after_last_use(world: World) -> set[tuple[int, str]]:
    """Requests of ZEST without a token after the last use of their shopper's: rule L7 has them
    omitted, whatever their shopper meant."""
    last = {
        ex.extra["client_header"]: id_
        for id_, ex in enumerate(world.exchanges, 1)
        if _names_session(ex)
    }
    return {
        (id_, TOKEN)
        for id_, ex in enumerate(world.exchanges, 1)
        if not ex.presented and id_ > last.get(ex.extra["client_header"], 0)
    }


def _planted(world: World, *, declared: bool) -> tuple[set[tuple[int, str]], int]:
    """The certain deviations inside a session, and how many others there are.

    A request belongs to a session by the key that it presents. One without any can be given to the
    session before it only where the sender is known to be one user, and begins no new session.
    """
    inside, beyond = set(), 0
    for id_, found in world.deviations.items():
        ex = world.exchanges[id_ - 1]
        belongs = _names_session(ex) or (declared and not ex.issued)
        for each in found:
            if each.certain and belongs:
                inside.add((id_, each.param))
            beyond += each.certain and not belongs
    return inside, beyond


def _names_session(ex: Ex) -> bool:
    keys = ("_session_token", "Ticket", "Authentication", "VisitorId")
    return any(p.param in keys and p.kind == "value" for p in ex.presented)


def _against_clients(rec: Recording) -> tuple[tuple[str, str], ...]:
    rows: list[dict[str, Any]] = statetrail.findings(rec).rows()
    return tuple(
        sorted(
            {
                (row["rule"], row["param"] or "")
                for row in rows
                if row["audience"] == "client" and row["severity"] != _QUIET
            }
        )
    )
