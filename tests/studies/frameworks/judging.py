"""The tool's answers held against the labels, the lifetimes and the servers' own session tables.

Enters: the traffic of a run, its servers and clients. Leaves: a `Result` of plain lines.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import statetrail
from statetrail.recording.frames import Recording, open_recording
from studies.frameworks.clients.label import Client, Fault
from studies.frameworks.servers.catalogue import Lifetime, Server
from studies.frameworks.servers.ledger import SessionCounts, read
from studies.frameworks.traffic import Traffic

CLIENT_BY: Final = ("header", "user-agent")
_SEPARATOR: Final = " | "


@dataclass(slots=True)
class DialectLine:
    """What is said under one dialect.

    Attributes
    ----------
    built_in
        Whether the recorder knows it.
    rows
        Verdicts under it.
    obedient
        Clients without a planted fault that it judged.
    blamed
        Faults of these: none is wanted.
    planted, found, right_reason
        Faults planted, those found, and those of them with the reason of the label.
    beyond
        Other faults of the clients that have planted ones.
    wrong
        What is not as wanted, in words.
    """

    built_in: bool
    rows: int = 0
    obedient: set[str] = field(default_factory=set)
    blamed: int = 0
    planted: int = 0
    found: int = 0
    right_reason: int = 0
    beyond: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LifetimeLine:
    """One lifetime as configured and as measured."""

    host: str
    configured: Lifetime
    policy: str
    low_s: float | None
    high_s: float | None

    @property
    def right(self) -> bool:
        """Whether the interval meets what the server can do, and no other policy is named.

        A limit on the age is `absolute` where refusals soon after an end were seen.
        """
        low, high, true = self.low_s, self.high_s, self.configured
        kind = self.policy.startswith(true.kind) or self.policy == "undetermined"
        kind |= (true.kind, self.policy) == ("age", "absolute")
        return kind and low is not None and high is not None and (
            low <= true.seconds + true.slack_s and high >= true.seconds
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionLine:
    """The sessions of one server: its own count, the tool's, and the clients that differ."""

    server: str
    begun: int
    seen: int
    differing: tuple[str, ...]
    ended: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """All that is said of a run."""

    dialects: dict[str, DialectLine]
    lifetimes: list[LifetimeLine]
    sessions: list[SessionLine]

    @property
    def right(self) -> bool:
        """Whether all of it is as wanted."""
        return (
            not any(line.wrong for line in self.dialects.values())
            and all(line.right for line in self.lifetimes)
            and not any(line.differing for line in self.sessions)
        )


def judge(traffic: Traffic, servers: Sequence[Server], clients: Sequence[Client]) -> Result:
    """Open the recording and compare."""
    recording = open_recording(traffic.store, client_by=CLIENT_BY)
    names = {dialect.name for dialect in recording.dialects}
    return Result(
        _dialects(statetrail.verdicts(recording).rows(), clients, names),
        list(_lifetimes(recording, servers)),
        list(_sessions(recording, traffic, servers)),
    )


def client_of(name: str) -> str:
    """A client's name in the study: its header, else its User-Agent."""
    header, _, agent = name.partition(_SEPARATOR)
    return agent if header == "-" else header


def _dialects(
    rows: Iterable[dict[str, Any]], clients: Sequence[Client], built_in: set[str]
) -> dict[str, DialectLine]:
    """The verdicts, by dialect."""
    by_name = {client.name: client for client in clients}
    labelled = {fault.dialect for client in clients for fault in client.faults}
    lines = {name: DialectLine(name in built_in) for name in sorted(labelled)}
    faults: Counter[tuple[str, str, str, str, str | None]] = Counter()
    for row in rows:
        line = lines.setdefault(row["dialect"], DialectLine(built_in=True))
        name, line.rows = client_of(row["client"]), line.rows + 1
        client = by_name.get(name)
        if client is None or not client.faults:
            line.obedient.add(name)
        if row["fault"]:
            faults[name, row["dialect"], row["param"], row["verdict"], row["reason"]] += 1
    for client in clients:
        for label in client.faults:
            _find(lines[label.dialect], client.name, label, faults)
    for (name, dialect, param, verdict, reason), count in sorted(faults.items(), key=str):
        line = lines[dialect]
        known = by_name.get(name)
        if known is not None and known.faults:
            line.beyond += count
        else:
            line.blamed += count
        line.wrong.append(f"{name}: {count} {verdict} {param} ({reason}) not planted")
    return lines


def _find(line: DialectLine, name: str, label: Fault, faults: Counter[Any]) -> None:
    """Take the rows of one label out of the faults."""
    line.planted += label.count
    missing = label.count
    keys = [key for key in faults if key[:4] == (name, label.dialect, label.param, label.verdict)]
    for key in sorted(keys, key=lambda key: key[4] != label.reason):
        taken = min(missing, faults[key])
        line.found += taken
        line.right_reason += taken if key[4] == label.reason else 0
        missing -= taken
        faults[key] -= taken
        if not faults[key]:
            del faults[key]
    if missing:
        line.wrong.append(f"{name}: {missing} {label.verdict} {label.param} not found")


def _lifetimes(recording: Recording, servers: Sequence[Server]) -> Iterable[LifetimeLine]:
    rows = statetrail.expiry(recording).rows()
    for server in servers:
        for lifetime in server.lifetimes:
            host = lifetime.host or server.hosts[0]
            row: dict[str, Any] = next(
                (
                    row
                    for row in rows
                    if (row["dialect"], row["param"]) == (lifetime.dialect, lifetime.param)
                    # A realm of all origins has no host.
                    and (host in row["origin"] or row["origin"] == "*")
                ),
                {},
            )
            policy = str(row.get("policy", "not measured"))
            yield LifetimeLine(host, lifetime, policy, row.get("low_s"), row.get("high_s"))


def _sessions(
    recording: Recording, traffic: Traffic, servers: Sequence[Server]
) -> Iterable[SessionLine]:
    """Sessions by client: those that the server began, and those that the tool saw.

    A grant of an OAuth server is a family of refresh tokens.
    """
    rows = [*statetrail.sessions(recording).rows(), *statetrail.families(recording).rows()]
    for server in servers:
        if server.sessions is None:
            continue
        own: SessionCounts = read(traffic.ledger(server.name))
        seen = Counter(
            client_of(row["client"])
            for row in rows
            if (row["dialect"], row["param"]) == server.sessions
            and any(host in row["origin"] for host in server.hosts)
        )
        differing = [
            f"{name}: {own.begun[name]} and {seen[name]}"
            for name in sorted(own.begun.keys() | seen.keys())
            if own.begun[name] != seen[name]
        ]
        yield SessionLine(
            server.name, own.begun.total(), seen.total(), tuple(differing), dict(own.ended)
        )
